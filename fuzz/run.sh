#!/bin/bash
# Fuzzes each target for SECONDS_EACH, from the seeds of tests/hook_mutations; what it finds is kept in fuzz/corpus and what
# breaks in fuzz/artifacts. TARGET=redact: one of them. Needs a C++ compiler, and no nightly.
set -euo pipefail
cd "$(dirname "$0")"
seconds=${SECONDS_EACH:-30}
targets=${TARGET:-decode_json decode_form decode_xml decode_embedded redact verify expression profile}
export RUSTC_WRAPPER="$PWD/rustc.sh" CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$PWD/target}"
cargo build --quiet
failed=0
for target in $targets; do
    mkdir -p "corpus/$target" "artifacts/$target"
    "$CARGO_TARGET_DIR/debug/seeds" "$target" "corpus/$target"
    log=$("$CARGO_TARGET_DIR/debug/$target" "corpus/$target" -max_total_time="$seconds" -max_len=65536 -timeout=10 \
        -rss_limit_mb=1024 -artifact_prefix="artifacts/$target/" -print_final_stats=1 2>&1) || {
        failed=$((failed + 1))
        echo "$log" | tail -40
    }
    echo "$target: $(echo "$log" | sed -n 's/^stat::number_of_executed_units: *//p') executions in $seconds s"
done
exit $failed
