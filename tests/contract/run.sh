#!/bin/bash
# Tries the HTTP API against its own document with schemathesis: every operation, with what it allows and what it does not.
# Wants the built binary in BIN. SIGNED=1 signs the requests of backends instead of sending their key; EXAMPLES and SEED.
set -uo pipefail
cd "$(dirname "$0")/../.."

tools=$(realpath -m "${CONTRACT_TOOLS:-.cache/contract}")
bin=${BIN:-$(realpath -m "${CARGO_TARGET_DIR:-target}/debug/orderbell")}
examples=${EXAMPLES:-8} seed=${SEED:-1}
work=$(mktemp -d)
trap 'kill ${server:-} ${wechat:-} 2> /dev/null; wait 2> /dev/null; rm -rf "$work"' EXIT

# Two may run at once.
mkdir -p "$(dirname "$tools")" && exec 9> "$tools.lock" && flock 9 || exit 1
if ! cmp -s tests/contract/requirements.txt "$tools/installed"; then
    python3 -m venv "$tools" && "$tools/bin/pip" install -q --disable-pip-version-check -r tests/contract/requirements.txt &&
        cp tests/contract/requirements.txt "$tools/installed" || exit 1
fi

exec 9>&-

bell() { "$bin" --data "$work/data" "$@" 2>> "$work/log"; }

export ORDERBELL_ADMIN__LISTEN=127.0.0.1:0
# As many alerts for one rider as they come.
export ORDERBELL_RIDER__ALERTS_PER_MINUTE=0
# Nothing is made beside it.
export ORDERBELL_SPEECH__PREWARM__ENABLED=false
# And as many events and as much speech.
export ORDERBELL_APPS__EVENTS_PER_S=0 ORDERBELL_APPS__SPEECH_CHARACTERS_PER_DAY=0
CONTRACT_OPERATOR=$(head -c 24 /dev/urandom | base64 | tr -d '/+=')
export CONTRACT_OPERATOR ORDERBELL_SECRETS__OPERATOR_KEY=$CONTRACT_OPERATOR
# Riders may sign in, without limit, from a WeChat that knows none of their codes.
python3 tests/contract/wechat.py > "$work/wechat" &
wechat=$!
for _ in $(seq 100); do
    [ -s "$work/wechat" ] && break
    sleep 0.1
done
export ORDERBELL_WECHAT__API_URL=http://127.0.0.1:$(cat "$work/wechat") ORDERBELL_WECHAT__LOGINS_PER_MINUTE=0
export ORDERBELL_WECHAT__PROGRAMS__RIDERS__APPID=wx0123456789abcdef ORDERBELL_WECHAT__PROGRAMS__RIDERS__SECRET=contract
"$bin" --data "$work/data" serve --listen 127.0.0.1:0 > "$work/address" 2>> "$work/log" &
server=$!
for _ in $(seq 100); do
    [ -s "$work/address" ] && break
    sleep 0.1
done
origin=$(head -1 "$work/address")
[ -n "$origin" ] || { cat "$work/log"; exit 1; }

CONTRACT_KEY=$(bell keys create --name contract --scopes admin)
CONTRACT_TOKEN=$(bell token --rider contract-rider)
export CONTRACT_KEY CONTRACT_TOKEN
id_of_member() { sed -n 's/.*"'"$1"'":"\('"$2"'_[0-9a-f]*\)".*/\1/p' | head -1; }
id_of() { sed -n 's/.*"id":"\('"$1"'_[0-9a-f]*\)".*/\1/p' | head -1; }
checks=(--checks all)
if [ "${SIGNED:-}" = 1 ]; then
    # It tries each request with bad credentials, and the hook would sign those again. tests/api/access.rs does it.
    checks+=(--exclude-checks ignored_auth)
    # The secret with which the key's requests are signed, and the key's id.
    CONTRACT_SECRET=$(bell keys rotate --name contract --signing)
    CONTRACT_KEY_ID=$(bell keys list | grep '"name":"contract"' | id_of key)
    export CONTRACT_KEY_ID CONTRACT_SECRET
fi
# A key and an app that may be changed: not those by which we are here.
bell keys create --name other --scopes read > /dev/null
CONTRACT_OTHER_KEY=$(bell keys list | grep '"name":"other"' | id_of key)
CONTRACT_APP=$(curl -s "$origin/v1/apps" -H "Authorization: Bearer $CONTRACT_OPERATOR" -H 'Content-Type: application/json' \
    -d '{"name":"other"}' | id_of app)
export CONTRACT_OTHER_KEY CONTRACT_APP

CONTRACT_ALERT=$(curl -s "$origin/v1/events" -H "Authorization: Bearer $CONTRACT_KEY" -H 'Content-Type: application/json' \
    -d '{"kind":"order.offered","target":{"riders":["contract-rider"]},"offer":{"mode":"grab","timeout_s":3600}}' |
    sed -n 's/.*"alert_id":"\(alr_[0-9a-f]*\)".*/\1/p')
CONTRACT_TARGET=$(curl -s "$origin/v1/callbacks/targets" -H "Authorization: Bearer $CONTRACT_KEY" \
    -H 'Content-Type: application/json' -d '{"url":"https://backend.example.com/bell"}' | id_of_member target_id cbt)
CONTRACT_HOOK=$(curl -s "$origin/v1/hooks" -H "Authorization: Bearer $CONTRACT_KEY" -H 'Content-Type: application/json' \
    -d '{"name":"contract","profile":{"map":{"kind":"body.kind","order":{"id":"body.order"}},"target":{"groups":["g"]}}}' |
    sed -n 's/.*"id":"\(contract-[a-z0-9]*\)".*/\1/p')
curl -s "$origin/in/$CONTRACT_HOOK" -H 'Content-Type: application/json' -d '{"kind":"order.updated"}' > /dev/null
for _ in $(seq 100); do
    CONTRACT_DELIVERY=$(curl -s "$origin/v1/hooks/$CONTRACT_HOOK/deliveries" -H "Authorization: Bearer $CONTRACT_KEY" |
        id_of_member delivery_id hkd)
    [ -n "$CONTRACT_DELIVERY" ] && break
    sleep 0.1
done
export CONTRACT_ALERT CONTRACT_TARGET CONTRACT_HOOK CONTRACT_DELIVERY

# The socket is no request and answer; tests/api/contract/frames.rs tries it. One worker: with two, CPython's own parser
# trips over the other's depth now and then ("AST constructor recursion depth mismatch").
status=0
root=$PWD
(cd "$work" && SCHEMATHESIS_HOOKS=tests.contract.hooks PYTHONPATH=$root PYTHONDONTWRITEBYTECODE=1 "$tools/bin/schemathesis" \
    --config-file "$root/tests/contract/schemathesis.toml" run "$origin/openapi.json" \
    "${checks[@]}" --phases examples,coverage,fuzzing,stateful --max-examples "$examples" --seed "$seed" --workers 1 \
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
