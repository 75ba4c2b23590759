#!/bin/bash
# Other people's libraries, and the snippets of docs/signatures.md and docs/callbacks.md as they stand there, against the real
# server.
# Takes the binary from BIN; what it installs goes to .cache/clients. Ends with "N passed, N failed".
set -uo pipefail
cd "$(dirname "$0")/../.."
: "${BIN:?the binary to serve}"

here=tests/clients
kept=.cache/clients
work=$(mktemp -d)
passed=0 failed=0 pid=
trap '[ -z "$pid" ] || kill "$pid"; rm -rf "$work"' EXIT

# Counts lines "ok …" and "FAILED …".
tally() {
    local line
    while IFS= read -r line; do
        case $line in
            ok\ *) passed=$((passed + 1)) ;;
            FAILED\ *) failed=$((failed + 1)) ;;
        esac
        echo "$line"
    done < <("$@" 2>&1 || echo "FAILED  $* ended with $?")
}

install() {
    mkdir -p $kept/node
    cp $here/package.json $here/package-lock.json $kept/node/
    npm ci --silent --no-audit --no-fund --prefix $kept/node &&
        python3 -m pip install -q --disable-pip-version-check --no-deps --upgrade --target $kept/python \
            -r $here/requirements.txt 2>&1 | grep -v 'WARNING: Running pip as'
    local package
    for package in standardwebhooks cloudevents; do
        [ -d $kept/node/node_modules/$package ] && [ -d $kept/python/$package ] || return 1
    done
}

orderbell() { "$BIN" --data "$work/data" "$@"; }

serve() {
    ORDERBELL_ADMIN__LISTEN=127.0.0.1:0 ORDERBELL_CALLBACKS__ALLOW_PRIVATE=true "$BIN" --data "$work/data" serve --listen 127.0.0.1:0 \
        > "$work/url" 2> "$work/log" < /dev/null &
    pid=$!
    local end=$((SECONDS + 30))
    until grep -qs '^http' "$work/url"; do
        [ $SECONDS -lt $end ] && kill -0 "$pid" || { cat "$work/log"; return 1; }
        sleep 0.05
    done
}

# The first block of this language after this line of the documentation.
snippet() { awk -v from="$1" -v fence="\`\`\`$2" '
    index($0, from) == 1 { found = 1 }
    found && $0 == "```" { exit }
    inside { print }
    found && $0 == fence { inside = 1 }
' docs/signatures.md; }

# Runs a snippet, which must post an event that is new.
documented() {
    local name=$1 answer
    shift
    answer=$("$@")
    if [[ $answer == *'"code":0'* && $answer == *'"duplicate":false'* ]]; then
        echo "ok      the snippet for $name"
    else
        echo "FAILED  the snippet for $name: $answer"
    fi
}

install || { echo "the clients cannot be installed"; exit 1; }
serve || exit 1
export BELL_URL BELL_KEY BELL_KEY_ID BELL_OLD_SECRET BELL_SECRET
BELL_KEY=$(orderbell keys create --name shop --scopes ingest,read)
BELL_URL=$(cat "$work/url")
BELL_OLD_SECRET=$(orderbell keys rotate --name shop --signing)
BELL_SECRET=$(orderbell keys rotate --name shop --signing)
BELL_KEY_ID=$(orderbell keys list | grep -o 'key_[0-9a-f]*')

for script in standardwebhooks cloudevents payloads; do
    NODE_PATH=$kept/node/node_modules tally node $here/$script.cjs
done
for script in standardwebhooks_client cloudevents_client; do
    PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=$kept/python tally python3 $here/$script.py
done
snippet 'Shell,' sh > "$work/sign.sh"
snippet 'JavaScript,' js > "$work/sign.mjs"
snippet 'Python,' python > "$work/sign.py"
tally documented shell sh "$work/sign.sh"
tally documented JavaScript node "$work/sign.mjs"
tally documented Python python3 "$work/sign.py"

keeper=$(orderbell keys create --name keeper --scopes callbacks)
export BELL_KEEPER=$keeper
NODE_PATH=$kept/node/node_modules tally node $here/callbacks.cjs
PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=$kept/python tally python3 $here/callbacks_client.py
BELL_CALLBACK_SECRET=$(curl -s -X POST "$BELL_URL/v1/secrets/callback/rotate" -H "Authorization: Bearer $keeper" |
    grep -o 'whsec_[A-Za-z0-9+/=]*')
BELL_CALLBACK_SECRET=$BELL_CALLBACK_SECRET tally $here/receivers.sh

if grep -qF -e "${BELL_SECRET#whsec_}" -e "${BELL_CALLBACK_SECRET#whsec_}" -e "${BELL_KEY#obk_}" "$work/log"; then
    tally echo "FAILED  the secret or the key is in the log"
else
    tally echo "ok      neither the secret nor the key is in the log"
fi
echo "$passed passed, $failed failed"
[ $failed = 0 ]
