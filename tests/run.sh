#!/bin/bash
# Runs the suites it is given, after installing what they need, and sums them up: "N passed, N failed" is the last line.
# Suites joined by + run side by side. One that does not report its counts has failed; logs stay in .cache/test.
set -uo pipefail
cd "$(dirname "$0")/.."

target=${CARGO_TARGET_DIR:-target}
logs=.cache/test
autobahn=${AUTOBAHN:-.cache/autobahn}
mkdir -p $logs
export BIN
BIN=$(realpath -m "$target/debug/orderbell")

passed_in_all=0 failed_in_all=0

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi; }

# Debian names of the tools that are missing, from lines of "command package".
missing() {
    while read -r command package; do
        command -v "$command" > /dev/null || echo "$package"
    done
}

install_tools() {
    local packages
    packages=$(missing << END
cc build-essential
curl curl
espeak-ng espeak-ng
ffmpeg ffmpeg
openssl openssl
sox sox
python3 python3
chromium chromium
node nodejs
npm npm
END
    )
    # Servers are not on the path in Debian.
    command -v initdb > /dev/null || ls /usr/lib/postgresql/*/bin/initdb > /dev/null 2>&1 ||
        packages="$packages postgresql"
    python3 -m pip --version > /dev/null 2>&1 || packages="$packages python3-pip"
    python3 -m ensurepip --version > /dev/null 2>&1 || packages="$packages python3-venv"
    [ -z "${packages// /}" ] && return 0
    echo "installing:" $packages
    as_root apt-get update -q > $logs/install.log 2>&1 &&
        as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $packages \
            >> $logs/install.log 2>&1 || { tail -5 $logs/install.log; exit 1; }
}

rust_suite() { cargo test --no-fail-fast; }

# The stories of the API once more, on PostgreSQL.
postgres_suite() { TEST_STORE=postgres cargo test --no-fail-fast --test api; }

client_suite() { node --test tests/client/*.test.js; }

sdk_suite() { bash tests/sdk/run.sh; }

miniprogram_suite() { bash tests/miniprogram/run.sh; }

browser_suite() {
    npm ci --silent --no-audit --no-fund --prefix tests/browser &&
        node --test --test-concurrency=1 tests/browser/*.test.js
}

clients_suite() { bash tests/clients/run.sh; }

demo_suite() { bash tests/demo.sh; }

faults_suite() { FAULT=${FAULT:-all} cargo test --quiet --test faults; }

kill_suite() { FAULT=kill ROUNDS=${KILLS:-12} cargo test --quiet --test faults; }

# With the key sent along, and with the key's signature: both at once, each with a server of its own.
contract_suite() {
    local signed status=0
    SIGNED=1 bash tests/contract/run.sh > "$logs/signed.log" 2>&1 &
    signed=$!
    bash tests/contract/run.sh || status=1
    wait $signed || status=1
    cat "$logs/signed.log"
    return $status
}

autobahn_suite() {
    [ -x "$autobahn/wstest" ] || bash tests/autobahn/setup.sh "$autobahn" || return 1
    AUTOBAHN=$autobahn cargo test --quiet --test autobahn
}

# Cargo, node and our own suites each have their way to say it.
counts() {
    awk '
        /^test result: / { for (i = 2; i <= NF; i++) { if ($i == "passed;") p += $(i-1); if ($i == "failed;") f += $(i-1) } found = 1 }
        /^(# |ℹ )pass [0-9]+$/ { p += $NF; found = 1 }
        /^(# |ℹ )(fail|cancelled|skipped|todo) [0-9]+$/ { f += $NF }
        /^[0-9]+ passed, [0-9]+ failed/ { p += $1; f += $3; found = 1 }
        END { if (found) print p + 0, f + 0; else print 0, 1 }
    ' "$1"
}

# Runs one suite; how it ended and how long it took go beside its log.
run() {
    local suite=$1 began=$SECONDS status=0
    "${suite}_suite" > "$logs/$suite.log" 2>&1 < /dev/null || status=$?
    echo "$status $((SECONDS - began))" > "$logs/$suite.end"
}

report() {
    local suite=$1 status took passed failed
    read -r status took < "$logs/$suite.end"
    read -r passed failed < <(counts "$logs/$suite.log")
    # A suite that ends badly without a failed test has one: itself.
    if [ "$status" != 0 ] && [ "$failed" = 0 ]; then failed=1; fi
    if [ "$failed" != 0 ]; then
        grep -nE '^(not ok|FAILED|error|failures:)|panicked|✖|test .* FAILED' "$logs/$suite.log" | head -40
        tail -40 "$logs/$suite.log"
    fi
    # Node puts "# " before what a test prints.
    sed -nE 's/^(# )?((figures|faults|lost|autobahn):? .*)/    \2/p' "$logs/$suite.log"
    printf '%-11s %s passed, %s failed (%s s)\n' "$suite" "$passed" "$failed" "$took"
    passed_in_all=$((passed_in_all + passed))
    failed_in_all=$((failed_in_all + failed))
}

install_tools
cargo build --bin orderbell || exit 1
for beside in "$@"; do
    for suite in ${beside//+/ }; do
        rm -f "$logs/$suite.end"
        run "$suite" &
    done
    wait
    for suite in ${beside//+/ }; do
        report "$suite"
    done
done
echo "$passed_in_all passed, $failed_in_all failed"
[ $failed_in_all = 0 ]
