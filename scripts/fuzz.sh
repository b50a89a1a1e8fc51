#!/bin/sh
# Fuzzes each target of fuzz/ for so many seconds, with the compiler that builds everything else: cargo-fuzz wants a
# nightly one for its address sanitizer, which a program without unsafe code can do without. Building takes minutes.
set -eu
cd "$(dirname "$0")/.."
seconds=${1:-60}
target=$(rustc -vV | sed -n 's/^host: //p')
coverage="-Cpasses=sancov-module -Ccodegen-units=1 -Cdebug-assertions"
for option in level=4 inline-8bit-counters pc-table trace-compares; do
    coverage="$coverage -Cllvm-args=-sanitizer-coverage-$option"
done
# With --target, build scripts and macros stay as they are.
RUSTFLAGS="--cfg fuzzing $coverage" cargo build --manifest-path fuzz/Cargo.toml --target "$target" \
    --target-dir target/fuzz --config profile.dev.opt-level=1
for file in fuzz/fuzz_targets/*.rs; do
    name=$(basename "$file" .rs)
    mkdir -p "target/fuzz/corpus/$name"
    echo "$name: $seconds s"
    log=target/fuzz/$name.log
    if ! "target/fuzz/$target/debug/$name" "-max_total_time=$seconds" -print_final_stats=1 \
        "-artifact_prefix=target/fuzz/$name-" "target/fuzz/corpus/$name" >"$log" 2>&1; then
        tail -n 40 "$log"
        exit 1
    fi
    grep '^Done' "$log"
done
