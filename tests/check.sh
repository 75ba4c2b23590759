#!/bin/bash
# What must hold before a line is merged, short of running it: format, lints, documents, imports, lengths, syntax.
# Each check counts as one; the last line is "N passed, N failed".
set -uo pipefail
cd "$(dirname "$0")/.."

lines_max=500
passed=0 failed=0

check() {
    local what=$1 log status=0
    shift
    log=$("$@" 2>&1 < /dev/null) || status=$?
    if [ $status = 0 ]; then
        passed=$((passed + 1))
        echo "ok      $what"
    else
        failed=$((failed + 1))
        echo "$log" | tail -60
        echo "FAILED  $what"
    fi
}

# Tracked and new files of these kinds, without what build.js makes.
files() {
    git ls-files --cached --others --exclude-standard -- "$@" | grep -vxE 'assets/miniprogram/(demo/)?orderbell(\.browser)?\.m?js'
}

lengths() {
    local status=0 file count
    while read -r file; do
        count=$(wc -l < "$file")
        [ "$count" -le $lines_max ] || { echo "$file: $count lines"; status=1; }
    done < <(files '*.rs' '*.js' '*.cjs' '*.mjs' '*.ts' '*.py' '*.sh')
    return $status
}

each() {
    local command=$1 status=0 file
    while read -r file; do
        $command "$file" || { echo "$file"; status=1; }
    done
    return $status
}

javascript() { files '*.js' '*.cjs' '*.mjs' | each 'node --check'; }

# Every script, wherever it lies, by the shell that its first line names.
scripts() {
    local status=0 file
    while read -r file; do
        case $(head -1 "$file") in
            '#!/bin/sh') sh -n "$file" ;;
            *) bash -n "$file" ;;
        esac || { echo "$file"; status=1; }
    done < <(files '*.sh' .ci/run)
    return $status
}

python() {
    local kept status=0
    kept=$(mktemp -d)
    files '*.py' | PYTHONPYCACHEPREFIX=$kept each 'python3 -m py_compile' || status=1
    rm -rf "$kept"
    return $status
}

# The locks of tests must work against any registry.
locks() {
    local status=0 file
    while read -r file; do
        if grep -nHE '"resolved"|https?://[^"]*\.tgz' "$file"; then status=1; fi
    done < <(files 'package-lock.json' '*/package-lock.json')
    return $status
}

check format cargo fmt --check
check clippy cargo clippy --quiet --all-targets -- -D warnings
check documents env RUSTDOCFLAGS='-D warnings' cargo doc --quiet --no-deps
check imports cargo test --quiet --test architecture
check lengths lengths
check javascript javascript
check scripts scripts
check python python
check 'npm locks' locks
echo "$(files '*.rs' | wc -l) Rust files, $(files '*.js' '*.cjs' '*.mjs' | wc -l) JavaScript files, $(files '*.rs' '*.js' '*.cjs' '*.mjs' '*.sh' | tr '\n' '\0' | wc -l --files0-from=- | tail -1 | awk '{ print $1 }') lines"
echo "$passed passed, $failed failed"
[ $failed = 0 ]
