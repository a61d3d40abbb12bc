#!/usr/bin/env bash
# Measures in memory and prints one table: nanoseconds per packet, the plain way of doing the same in the same run, their
# ratio, allocations per packet.
#
# usage: scripts/bench.sh [parse|table|walk|newflows|memory|buckets|publish|all] [--without-10m] [--json FILE]
#        scripts/bench.sh instructions [--keep] [CASE …]
#        scripts/bench.sh sharing
#        scripts/bench.sh peers [--json FILE] [--short] [--rounds N] [--only NAME]    as root
#        scripts/bench.sh peers idle [--short] [--rounds N]                           as root
#
#   parse    one frame to its flow key
#   table    the flow table: look a flow up and refresh it
#   walk     the whole walk of a packet; two workers at once; flows that the NIC moves between them
#   newflows new flows at half-full and nearly full tables and under a SYN flood; worst stalls of a worker
#   memory   resident bytes per flow at full tables, alone and opened by packets
#   buckets  bucket tables: built, and mended after a change
#   publish  from a change to what workers see: p50, p99, worst; memory meanwhile; packets that saw half a change
#   all      all of them (default)
#
# --without-10m leaves cases of ten million flows out, for which the machine needs 8 GiB that are free.
#
#   instructions  instructions per packet, counted by callgrind; fails when there are more than benches/instructions.toml
#                 keeps. CASE is part of a case's name; --keep writes the counts into the file
#
#   sharing  every line of memory that one worker writes and another one touches, from a trace of all accesses; fails when
#            more than one in ten bursts has to wait for one
#
#   peers  on veth, in network namespaces: Evenkeel's rate beside a bare loop on the same sockets, DPDK's testpmd and the
#          kernel, by turns; time in the box by load; packets unaccounted for, which is a failure. Some six minutes
#   peers idle  on the same veth, what idle workers cost and how long frames take, for each value of idle. Some six minutes
#
# Absolute times are of this machine and this moment; compare the figures of one run.
set -euo pipefail
started_in=$PWD
cd "$(dirname "$0")/.."

usage() {
    echo "usage: scripts/bench.sh [parse|table|walk|newflows|memory|buckets|publish|all] [--without-10m] [--json FILE]" >&2
    echo "       scripts/bench.sh instructions [--keep] [CASE …]" >&2
    echo "       scripts/bench.sh sharing" >&2
    echo "       scripts/bench.sh peers [--json FILE] [--short] [--rounds N] [--only NAME]" >&2
    echo "       scripts/bench.sh peers idle [--short] [--rounds N]" >&2
    exit 2
}

prepare() {
    scripts/setup.sh "${1:-bench}"
    command -v cargo >/dev/null || PATH="$PATH:${CARGO_HOME:-$HOME/.cargo}/bin"
    export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/target}
}

case "${1:-}" in
instructions | sharing)
    bin=$1
    shift
    prepare
    exec cargo run --quiet --locked --release -p evenkeel-benches --bin "$bin" -- "$@"
    ;;
esac

# A file as the caller names it.
absolute() { (cd "$started_in" && realpath "$1"); }

peers() {
    local options=() status=0
    while [ $# -gt 0 ]; do
        options+=("$1")
        if [ "$1" = --json ]; then
            [ $# -ge 2 ] || usage
            options+=("$(absolute "$2")")
            shift
        fi
        shift
    done
    [ "$(id -u)" -eq 0 ] || {
        echo "bench: network namespaces and XDP need root" >&2
        exit 1
    }
    prepare peers
    cargo build --quiet --locked --release --workspace
    EVENKEEL=$CARGO_TARGET_DIR/release/evenkeel "$CARGO_TARGET_DIR/release/peers" "${options[@]}" || status=$?
    "$CARGO_TARGET_DIR/release/lab" sweep
    exit "$status"
}

what=all
json=()
while [ $# -gt 0 ]; do
    case "$1" in
    parse | table | walk | newflows | memory | buckets | publish | all) what=$1 ;;
    peers)
        shift
        peers "${json[@]}" "$@"
        ;;
    --without-10m) export EVENKEEL_WITHOUT_10M=1 ;;
    --json)
        [ $# -ge 2 ] || usage
        json=(--json "$(absolute "$2")")
        shift
        ;;
    *) usage ;;
    esac
    shift
done

prepare
results=$CARGO_TARGET_DIR/criterion
rm -rf "$results"
export EVENKEEL_FIGURES=$results/figures
mkdir -p "$EVENKEEL_FIGURES"
export EVENKEEL_PUBLISH=$EVENKEEL_FIGURES/publish.json

case "$what" in
all) benches=(parse flow_table walk workers newflows memory buckets publish) ;;
table) benches=(flow_table) ;;
walk) benches=(walk workers) ;;
*) benches=("$what") ;;
esac
for bench in "${benches[@]}"; do
    echo "bench: $bench" >&2
    said=$results/$bench.txt
    run=(cargo bench --quiet --locked -p evenkeel-benches --bench "$bench" -- --noplot)
    if [ "$bench" = memory ]; then
        run=(cargo run --quiet --locked --release -p evenkeel-benches --bin memory --)
    fi
    if ! "${run[@]}" >"$said" 2>"$said.err"; then
        cat "$said" "$said.err" >&2
        exit 1
    fi
    grep '^bench: ' "$said.err" >&2 || true
done
cargo run --quiet --locked --release -p evenkeel-benches --bin bench-table -- "$results" "${json[@]}"
for bench in memory publish; do
    if [ -f "$results/$bench.txt" ]; then
        printf '\n'
        cat "$results/$bench.txt"
    fi
done
