#!/bin/bash
# Does what a newcomer does: starts the demo, pastes the printed lines, stops it, starts it again.
# Takes the binary from BIN; ends with "N passed, N failed".
set -uo pipefail
cd "$(dirname "$0")/.."
: "${BIN:?the binary to serve}"

work=$(mktemp -d)
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
passed=0 failed=0 pid=

check() {
    local what=$1
    shift
    if "$@"; then
        passed=$((passed + 1))
        echo "ok      $what"
    else
        failed=$((failed + 1))
        echo "FAILED  $what"
    fi
}

# Polls a condition for half a minute.
until_true() {
    local end=$((SECONDS + 30))
    until "$@"; do
        [ $SECONDS -lt $end ] || return 1
        sleep 0.05
    done
}

begin() {
    DATA="$work/data" PORT="$port" sh deploy/demo.sh > "$work/out.$1" 2> "$work/err.$1" < /dev/null &
    pid=$!
    check "start $1 says how to send an order" until_true grep -q 'Ctrl-C stops' "$work/out.$1"
    order=$(grep -o 'curl -sS .*order\.new.*' "$work/out.$1")
    grab=$(grep -o 'curl -sS .*order\.available.*' "$work/out.$1")
    key=$(grep -oE '^API key [^,]+' "$work/out.$1" | cut -d' ' -f3)
}

end() {
    local status=0
    kill -INT "$pid"
    wait "$pid" || status=$?
    check "stop $1 is clean" [ "$status" = 0 ]
}

field() { python3 -c 'import json,sys; print(json.load(sys.stdin)["data"][sys.argv[1]])' "$1"; }
get() { curl -sS --fail "http://127.0.0.1:$port$1" -H "Authorization: Bearer $2"; }

begin first
first_key=$key
check 'there are two lines to paste' [ "$(grep -c 'curl -sS ' "$work/out.first")" = 2 ]
check 'the key is kept for its owner only' [ "$(stat -c %a "$work/data/demo.key")" = 600 ]
answer=$(bash -c "$order")
check 'the pasted order makes an alert' [ "$(field outcome <<< "$answer")" = alerted ]
again=$(bash -c "$order")
check 'pasted again, it is another order' [ "$(field alert_id <<< "$again")" != "$(field alert_id <<< "$answer")" ]
offered=$(bash -c "$grab")
check 'the pasted grab makes an alert' [ "$(field outcome <<< "$offered")" = alerted ]
steps=$(get "/v1/alerts/$(field alert_id <<< "$offered")" "$first_key" \
    | python3 -c 'import json,sys; a = json.load(sys.stdin)["data"]; print(a["mode"], *(s["do"] for s in a["ladder"]))')
check 'it is a grab, and has a ladder' [ "$steps" = 'grab repeat louder desk' ]
page=$(grep -o 'http://[^ ]*/rider' "$work/out.first")
check 'the rider page is there' curl -sS --fail -o /dev/null "$page"
status=0
DATA="$work/other" PORT="$port" sh deploy/demo.sh > "$work/taken" 2>&1 < /dev/null || status=$?
check 'a second demo on the port is refused' [ "$status" != 0 ]
check 'and says what to do' grep -q 'is taken' "$work/taken"
end first

begin second
check 'a second start keeps the key' [ "$key" = "$first_key" ]
alert=$(field alert_id <<< "$answer")
check 'the alert is still open' [ "$(get "/v1/alerts/$alert" "$first_key" | field state)" = active ]
end second

[ $failed = 0 ] && rm -r "$work" || echo "kept $work"
echo "$passed passed, $failed failed"
[ $failed = 0 ]
