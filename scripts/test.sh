#!/usr/bin/env bash
# Everything that CI runs, with the time that each part took. Fails when a part fails or can't run.
#
# usage: scripts/test.sh [PART …]         as root (the lab needs it); installs what is missing
#
#   format   cargo fmt
#   scripts  shellcheck
#   deny     licences, bans and sources of all dependencies
#   lint     clippy, warnings are errors
#   build    the release build, which unit and lab run (and build when they come alone)
#   unit     unit, property, golden and architecture tests
#   doc      the documentation builds without warnings
#   proof    release build: random changes against a model (EVENKEEL_SIM=1000000x1000: the full size), bucket bars
#   lab      real traffic in network namespaces
#   bench    every bench once; instructions per packet, counted by callgrind, against those kept; what two workers share
#   quick    format scripts deny lint build unit
#   all      all of them (default)
#
# shellcheck disable=SC2317 # the functions of the parts are called by name
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1

command -v cargo >/dev/null || PATH="$PATH:${CARGO_HOME:-$HOME/.cargo}/bin"
target=${CARGO_TARGET_DIR:-$PWD/target}
export CARGO_TERM_COLOR=${CARGO_TERM_COLOR:-never}
results=()
failed=0
# Status of a part that this machine's kernel can't run.
skip=77

# Runs one part and remembers how it went.
part() {
    local name=$1 began=$SECONDS outcome=ok
    shift
    printf '\n=== %s\n' "$name"
    "$@"
    case $? in
    0) ;;
    "$skip") outcome=SKIPPED ;;
    *)
        outcome=FAILED
        failed=1
        ;;
    esac
    results+=("$(printf '%-10s %-7s %5d s' "$name" "$outcome" $((SECONDS - began)))")
}

run_scripts() { shellcheck scripts/*.sh .ci/run; }
run_deny() { cargo deny --workspace check bans licenses sources; }
run_lint() { cargo clippy --locked --workspace --all-targets -- -D warnings; }
run_doc() { RUSTDOCFLAGS="-D warnings" cargo doc --locked --workspace --no-deps; }

# The same selection of packages everywhere, so that nothing is built twice.
run_build() { cargo build --locked --release --workspace; }

# Golden captures replay on the release build. The lab has a part of its own.
run_unit() {
    run_build || return 1
    EVENKEEL_LAB=off EVENKEEL=$target/release/evenkeel cargo test --locked --no-fail-fast --workspace
}

run_proof() {
    EVENKEEL_SIM=${EVENKEEL_SIM:-100000x300} \
        cargo test --locked --release --workspace --test simulation --test bucket_bars
}

run_lab() {
    lab_possible || return
    run_build || return 1
    EVENKEEL_LAB=required EVENKEEL=$target/release/evenkeel \
        cargo test --locked --no-fail-fast --workspace --test 'live_*' -- --test-threads=1
    local status=$?
    "$target/release/lab" sweep && return "$status"
}

run_bench() {
    cargo bench --locked --workspace --bench '*' -- --test && scripts/bench.sh instructions && scripts/bench.sh sharing
}

# A kernel without what the lab is made of is no fault of the program; not being root is one of the caller.
lab_possible() {
    local name="ek-probe-$$" lacks=()
    if [ "$(id -u)" -ne 0 ]; then
        echo "test: the lab needs root" >&2
        return 1
    fi
    if ip netns add "$name"; then
        ip -n "$name" link add v0 type veth peer name v1 2>/dev/null || lacks+=(veth)
        ip -n "$name" link add b0 type bridge 2>/dev/null || lacks+=(bridge)
        ip netns del "$name"
    else
        lacks+=("network namespaces")
    fi
    if [ ${#lacks[@]} -gt 0 ]; then
        echo "test: no lab, the kernel lacks ${lacks[*]}" >&2
        return "$skip"
    fi
}

run_part() {
    case "$1" in
    format) part format cargo fmt --all --check ;;
    scripts) part scripts run_scripts ;;
    deny) part deny run_deny ;;
    lint) part lint run_lint ;;
    build) part build run_build ;;
    unit) part unit run_unit ;;
    doc) part doc run_doc ;;
    proof) part proof run_proof ;;
    lab) part lab run_lab ;;
    bench) part bench run_bench ;;
    quick) for each in format scripts deny lint build unit; do run_part "$each"; done ;;
    all) for each in quick doc proof lab bench; do run_part "$each"; done ;;
    *)
        echo "test: unknown part '$1'; allowed: format scripts deny lint build unit doc proof lab bench quick all" >&2
        exit 2
        ;;
    esac
}

part setup scripts/setup.sh all
[ $# -gt 0 ] || set -- all
for name in "$@"; do
    run_part "$name"
done

printf '\n%s\n' "${results[@]}"
printf 'together %15d s\n' "$SECONDS"
exit $failed
