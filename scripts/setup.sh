#!/usr/bin/env bash
# Installs what this machine lacks of what Evenkeel needs: to build it, to lay the lab, to run all tests.
#
# usage: scripts/setup.sh [demo|bench|peers|all]      Debian 12 or later, a Rust toolchain, root when something is missing
#
#   demo   what scripts/demo.sh needs: building and the lab
#   bench  that, and what scripts/bench.sh needs
#   peers  what scripts/bench.sh peers needs: building, the lab, and DPDK as far as it is to be had
#   all    what scripts/bench.sh and scripts/test.sh need, without DPDK (default)
#
# What is there already is left as it is. No service is left running.
set -euo pipefail

build=(ca-certificates build-essential pkg-config zlib1g-dev libelf-dev clang m4 libbpf-dev)
lab=(iproute2 ethtool nginx-light util-linux)
bench=(valgrind)
peers=(dpdk-dev librte-net-af-xdp23)
test=(curl iperf3 iputils-ping python3 python3-scapy shellcheck)

say() { printf 'setup: %s\n' "$*"; }
fail() {
    printf 'setup: %s\n' "$*" >&2
    exit 1
}

installed() {
    [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

# Debian starts a service when its package is installed; the lab wants nginx the program, not the service.
keep_services_stopped() {
    policy=/usr/sbin/policy-rc.d
    [ -e "$policy" ] && return
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
    trap 'rm -f "$policy"' EXIT
}

install_packages() {
    local missing=() package
    for package in "$@"; do
        installed "$package" || missing+=("$package")
    done
    if [ ${#missing[@]} -eq 0 ]; then
        say "all packages are there"
        return
    fi
    say "installing ${missing[*]}"
    [ "$(id -u)" -eq 0 ] || fail "that needs root"
    export DEBIAN_FRONTEND=noninteractive
    keep_services_stopped
    apt-get update -q
    apt-get install -q -y --no-install-recommends "${missing[@]}"
    # Installed by us a moment ago: nor shall it start when the machine does.
    if [[ " ${missing[*]} " == *" nginx-light "* ]]; then
        update-rc.d nginx disable >/dev/null 2>&1 || say "nginx may start with the machine; disable its service"
    fi
}

require_rust() {
    command -v cargo >/dev/null || PATH="$PATH:${CARGO_HOME:-$HOME/.cargo}/bin"
    command -v cargo >/dev/null || fail "no Rust toolchain: cargo is neither in PATH nor in ~/.cargo/bin"
}

install_rust_tools() {
    if ! cargo fmt --version >/dev/null 2>&1 || ! cargo clippy --version >/dev/null 2>&1; then
        say "adding rustfmt and clippy to the toolchain"
        rustup component add rustfmt clippy
    fi
    if ! cargo deny --version >/dev/null 2>&1; then
        say "building cargo-deny, which takes some minutes"
        cargo install --locked cargo-deny
    fi
}

[ -e /etc/debian_version ] || fail "this is no Debian; install by hand: ${build[*]} ${lab[*]} ${test[*]}"
case "${1:-all}" in
demo)
    require_rust
    install_packages "${build[@]}" "${lab[@]}"
    ;;
bench)
    require_rust
    install_packages "${build[@]}" "${lab[@]}" "${bench[@]}"
    ;;
peers)
    require_rust
    install_packages "${build[@]}" "${lab[@]}"
    install_packages "${peers[@]}" || say "no ${peers[*]}: the comparison does without testpmd"
    ;;
all)
    require_rust
    install_packages "${build[@]}" "${lab[@]}" "${bench[@]}" "${test[@]}"
    install_rust_tools
    ;;
*) fail "unknown part '$1'; allowed: demo, bench, peers, all" ;;
esac
