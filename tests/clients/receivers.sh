#!/bin/bash
# The receivers of docs/callbacks.md as they stand there: each is told something by the real server and takes it, and is told
# something by somebody else and does not. Wants BELL_URL, BELL_KEY and BELL_CALLBACK_SECRET; prints "ok …" and "FAILED …".
set -uo pipefail
cd "$(dirname "$0")/../.."
: "${BELL_URL:?}" "${BELL_KEY:?}" "${BELL_CALLBACK_SECRET:?}"

work=$(mktemp -d)
pid=
trap '[ -z "$pid" ] || kill "$pid" 2> /dev/null; rm -rf "$work"' EXIT

# The block of this language after this line of the documentation.
snippet() { awk -v from="$1" -v fence="\`\`\`$2" '
    index($0, from) == 1 { found = 1 }
    inside && $0 == "```" { exit }
    inside { print }
    found && $0 == fence { inside = 1 }
' docs/callbacks.md; }

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

# Looks again and again, for as long as nothing here takes.
within() {
    local end=$((SECONDS + 30))
    until "${@:2}"; do
        [ $SECONDS -lt $end ] || { echo "FAILED  $1"; return 1; }
        sleep 0.1
    done
}

listens() { (exec 3<> "/dev/tcp/127.0.0.1/$port") 2> /dev/null; }
was_told() { grep -qF "\"event_id\":\"$event\"" "$work/told"; }

# What a receiver answers to a body that is signed with this.
forged() {
    local at=$1 signature=$2
    curl -s -o /dev/null -w '%{http_code}' "http://127.0.0.1:$port/orderbell" -H 'Content-Type: application/json' \
        -H 'webhook-id: cbk_forged' -H "webhook-timestamp: $at" -H "webhook-signature: $signature" -d '{"type":"forged"}'
}

signed() {
    local key
    key=$(printf %s "${BELL_CALLBACK_SECRET#whsec_}" | openssl base64 -d -A | od -An -v -tx1 | tr -d ' \n')
    printf 'v1,'
    printf %s "cbk_forged.$1.{\"type\":\"forged\"}" | openssl dgst -sha256 -mac HMAC -macopt "hexkey:$key" -binary | openssl base64 -A
}

receive() {
    local name=$1
    port=$(free_port) event="told-$1"
    : > "$work/told"
    PORT=$port "${@:2}" > "$work/told" 2> "$work/errors" &
    pid=$!
    within "the receiver in $name does not listen: $(cat "$work/errors")" listens || return
    curl -s -o "$work/answer" "$BELL_URL/v1/events" -H "Authorization: Bearer $BELL_KEY" -H 'Content-Type: application/json' \
        -d "{\"id\":\"$event\",\"kind\":\"order.assigned\",\"target\":{\"riders\":[\"nobody\"]},\"callback_url\":\"http://127.0.0.1:$port/orderbell\"}"
    if within "the receiver in $name took nothing: $(cat "$work/answer")" was_told; then
        local now old
        now=$(date +%s) old=$(($(date +%s) - 3600))
        local answers
        answers="$(forged "$now" v1,AAAA) $(forged "$now" '') $(forged "$old" "$(signed "$old")") $(forged x "$(signed x)") $(forged "$now" "$(signed "$now")")"
        if [ "$answers" = "401 401 401 401 204" ]; then
            echo "ok      the receiver in $name takes what is signed, and nothing else"
        else
            echo "FAILED  the receiver in $name answers $answers to forgeries"
        fi
    fi
    kill "$pid" 2> /dev/null
    wait "$pid" 2> /dev/null
    pid=
}

snippet 'JavaScript, without a library' js > "$work/receiver.mjs"
snippet 'Python, without a library' python > "$work/receiver.py"
snippet 'Java 17 or later' java > "$work/Receiver.java"
receive JavaScript node "$work/receiver.mjs"
receive Python python3 "$work/receiver.py"
if command -v java > /dev/null; then
    receive Java java "$work/Receiver.java"
else
    echo "no java here: the receiver in Java is not tried"
fi
