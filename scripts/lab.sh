#!/usr/bin/env bash
# Runs a scenario in a lab of network namespaces, first on the kernel's own ECMP (a multipath route, and a resilient nexthop
# group), then on Evenkeel: the same servers, the same client, the same steps. Prints one table of all and writes a chart.
#
# usage: scripts/lab.sh NAME [--short] [--only kernel|resilient|evenkeel] [--out DIR]    as root
#
#   targets  ten servers down to four, one by one, and back, under 100 connections over IPv4 and 100 over IPv6
#   pinning  open sessions while their server is drained and comes back, and while their DSCP, ECN and flow label change
#   rolling  every server is replaced, one after the other, under load
#   flood    10,000 connections beside a flood of SYNs, on Evenkeel alone
#   listing  a million flows are listed while traffic runs, on Evenkeel alone
#
#   --short  fewer steps, as in the tests
#   --only   this forwarder alone; may be given several times
#   --out    where the chart NAME.svg is written (default: target/lab)
#
# Installs what is missing (scripts/setup.sh) and builds. Everything runs in network namespaces of its own, which are gone at
# the end. Status 0: Evenkeel did what it should.
set -euo pipefail
cd "$(dirname "$0")/.."

case "${1:-}" in
"" | -*)
    sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "$0" >&2
    exit 2
    ;;
esac
[ "$(id -u)" -eq 0 ] || {
    echo "lab: network namespaces and XDP need root" >&2
    exit 1
}
command -v cargo >/dev/null || PATH="$PATH:${CARGO_HOME:-$HOME/.cargo}/bin"

scripts/setup.sh demo
echo "lab: building"
cargo build --quiet --release --locked --workspace
target=${CARGO_TARGET_DIR:-target}
EVENKEEL=$target/release/evenkeel "$target/release/lab" scenario "$@" || status=$?
"$target/release/lab" sweep
exit "${status:-0}"
