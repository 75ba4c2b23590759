#!/bin/bash
# Compiles as ever, but instruments the parsers that are fuzzed: with it stable Rust can fuzz, and the rest is built once.
rustc=$1
shift
case " $* " in
    *" --crate-name orderbell "* | *" --crate-name orderbell_fuzz "* | *" --crate-name quick_xml "* | *" --crate-name minijinja "*)
        exec "$rustc" "$@" --cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
            -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
            -Cllvm-args=-sanitizer-coverage-trace-compares ;;
esac
exec "$rustc" "$@"
