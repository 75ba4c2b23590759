#!/bin/bash
# Tries the HTTP API against its own document with schemathesis: every operation, with what it allows and what it does not.
# Wants the built binary in BIN. SIGNED=1 signs the requests of backends instead of sending their key; EXAMPLES and SEED.
set -uo pipefail
cd "$(dirname "$0")/../.."

tools=$(realpath -m "${CONTRACT_TOOLS:-.cache/contract}")
bin=${BIN:-$(realpath -m "${CARGO_TARGET_DIR:-target}/debug/orderbell")}
examples=${EXAMPLES:-12} seed=${SEED:-1}
work=$(mktemp -d)
trap 'kill "${server:-}" 2> /dev/null; wait 2> /dev/null; rm -rf "$work"' EXIT

if ! cmp -s tests/contract/requirements.txt "$tools/installed"; then
    python3 -m venv "$tools" && "$tools/bin/pip" install -q --disable-pip-version-check -r tests/contract/requirements.txt &&
        cp tests/contract/requirements.txt "$tools/installed" || exit 1
fi

bell() { "$bin" --data "$work/data" "$@" 2>> "$work/log"; }

export ORDERBELL_ADMIN__LISTEN=127.0.0.1:0
# As many alerts for one rider as they come.
export ORDERBELL_RIDER__ALERTS_PER_MINUTE=0
"$bin" --data "$work/data" serve --listen 127.0.0.1:0 > "$work/address" 2>> "$work/log" &
server=$!
for _ in $(seq 100); do
    [ -s "$work/address" ] && break
    sleep 0.1
done
origin=$(head -1 "$work/address")
[ -n "$origin" ] || { cat "$work/log"; exit 1; }

ORDERBELL_KEY=$(bell keys create --name contract --scopes admin)
ORDERBELL_TOKEN=$(bell token --rider contract-rider)
export ORDERBELL_KEY ORDERBELL_TOKEN
if [ "${SIGNED:-}" = 1 ]; then
    # The secret with which the key's requests are signed, and the key's id.
    ORDERBELL_SECRET=$(bell keys rotate --name contract --signing)
    ORDERBELL_KEY_ID=$(bell keys list | grep -o 'key_[0-9a-f]*' | head -1)
    export ORDERBELL_KEY_ID ORDERBELL_SECRET
fi

ORDERBELL_ALERT=$(curl -s "$origin/v1/events" -H "Authorization: Bearer $ORDERBELL_KEY" -H 'Content-Type: application/json' \
    -d '{"kind":"order.offered","target":{"riders":["contract-rider"]},"offer":{"mode":"grab","timeout_s":3600}}' |
    sed -n 's/.*"alert_id":"\(alr_[0-9a-f]*\)".*/\1/p')
export ORDERBELL_ALERT

# The socket is no request and answer; tests/api/contract/frames.rs tries it. One worker: with two, CPython's own parser
# trips over the other's depth now and then ("AST constructor recursion depth mismatch").
status=0
root=$PWD
(cd "$work" && SCHEMATHESIS_HOOKS=tests.contract.hooks PYTHONPATH=$root PYTHONDONTWRITEBYTECODE=1 "$tools/bin/schemathesis" \
    --config-file "$root/tests/contract/schemathesis.toml" run "$origin/openapi.json" \
    --checks all --phases examples,coverage,fuzzing,stateful --max-examples "$examples" --seed "$seed" --workers 1 \
    --request-timeout 20 --exclude-operation-id openRiderSocket --generation-database none --no-color) \
    > "$work/report" 2>&1 || status=$?
cat "$work/report"
kill -0 $server || { echo "FAILED the server has gone"; status=1; }
if grep -qiE '"level":"ERROR"|panicked' "$work/log"; then
    grep -iE '"level":"ERROR"|panicked' "$work/log" | head -5
    echo "FAILED the server has logged an error"
    status=1
fi
tested=$(sed -n 's/.*Tested: *\([0-9]*\).*/\1/p' "$work/report" | tail -1)
failures=$(grep -cE '^- ST[0-9]+|^- [A-Z]' "$work/report")
[ $status = 0 ] || [ "$failures" != 0 ] || failures=1
echo "figures: $(sed -n 's/^ *\([0-9]* generated.*\)/\1/p' "$work/report" | tail -1)"
echo "$((${tested:-0})) passed, $failures failed"
[ $status = 0 ]
