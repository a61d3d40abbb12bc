#!/usr/bin/env bash
# Real HTTP through AF_XDP to three nginx servers, IPv4 and IPv6, while servers are drained and killed; and the
# same on the kernel's own multipath route. Prints what each served and how many connections each lost.
#
# usage: scripts/demo.sh [--json FILE]    as root; installs what is missing (scripts/setup.sh) and builds
#
# Everything runs in network namespaces of its own, which are gone at the end. Status 0: Evenkeel lost nothing
# but the connections to the server that died.
set -euo pipefail
cd "$(dirname "$0")/.."

started=$SECONDS
[ "$(id -u)" -eq 0 ] || {
    echo "demo: network namespaces and XDP need root" >&2
    exit 1
}
command -v cargo >/dev/null || PATH="$PATH:${CARGO_HOME:-$HOME/.cargo}/bin"

scripts/setup.sh demo
echo "demo: building"
cargo build --release --locked --workspace
target=${CARGO_TARGET_DIR:-target}
echo "demo: installing and building took $((SECONDS - started)) s"

status=0
shown=$SECONDS
EVENKEEL=$target/release/evenkeel "$target/release/lab" demo "$@" || status=$?
echo "demo: took $((SECONDS - shown)) s, and left nothing behind"
exit $status
