#!/usr/bin/env bash
# Measures in memory and prints one table: nanoseconds per packet, the plain way of doing the same in the same run, their
# ratio, allocations per packet.
#
# usage: scripts/bench.sh [parse|table|walk|buckets|publish|all] [--json FILE]
#        scripts/bench.sh instructions [--keep] [CASE …]
#
#   parse    one frame to its flow key
#   table    the flow table: look a flow up and refresh it
#   walk     the whole walk of a packet; two workers at once; flows that the NIC moves between them
#   buckets  bucket tables: built, and mended after a change
#   publish  from a change to what workers see: p50, p99, worst; memory meanwhile; packets that saw half a change
#   all      all of them (default)
#
#   instructions  instructions per packet, counted by callgrind; fails when there are more than benches/instructions.toml
#                 keeps. CASE is part of a case's name; --keep writes the counts into the file
#
# Absolute times are of this machine and this moment; compare the figures of one run.
set -euo pipefail
cd "$(dirname "$0")/.."

usage() {
    echo "usage: scripts/bench.sh [parse|table|walk|buckets|publish|all] [--json FILE]" >&2
    echo "       scripts/bench.sh instructions [--keep] [CASE …]" >&2
    exit 2
}

prepare() {
    scripts/setup.sh bench
    command -v cargo >/dev/null || PATH="$PATH:${CARGO_HOME:-$HOME/.cargo}/bin"
    export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/target}
}

if [ "${1:-}" = instructions ]; then
    shift
    prepare
    exec cargo run --quiet --locked --release -p evenkeel-benches --bin instructions -- "$@"
fi

what=all
json=()
while [ $# -gt 0 ]; do
    case "$1" in
    parse | table | walk | buckets | publish | all) what=$1 ;;
    peers)
        echo "bench: the comparison with peers on veth is not there yet" >&2
        exit 1
        ;;
    --json)
        [ $# -ge 2 ] || usage
        json=(--json "$(realpath "$2")")
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
all) benches=(parse flow_table walk workers buckets publish) ;;
table) benches=(flow_table) ;;
walk) benches=(walk workers) ;;
*) benches=("$what") ;;
esac
for bench in "${benches[@]}"; do
    echo "bench: $bench" >&2
    said=$results/$bench.txt
    if ! cargo bench --quiet --locked -p evenkeel-benches --bench "$bench" -- --noplot >"$said" 2>"$said.err"; then
        cat "$said" "$said.err" >&2
        exit 1
    fi
    grep '^bench: ' "$said.err" >&2 || true
done
cargo run --quiet --locked --release -p evenkeel-benches --bin bench-table -- "$results" "${json[@]}"
if [ -f "$results/publish.txt" ]; then
    printf '\n'
    cat "$results/publish.txt"
fi
