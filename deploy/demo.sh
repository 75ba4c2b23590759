#!/bin/sh
# Builds Orderbell, serves it from the folder data/, and prints what is needed to hear a first order.
# DATA and PORT choose another folder and port; BIN serves a binary that is built already.
set -eu
cd "$(dirname "$0")/.."

data=${DATA:-data}
port=${PORT:-8080}
origin=http://127.0.0.1:$port
rider=r_demo

say() { printf '%s\n' "$*"; }
fail() { printf 'demo: %s\n' "$*" >&2; exit 1; }

# apt-get as root, or as someone who may be root without being asked; fails where neither is so.
install_package() {
    command -v apt-get >/dev/null || return 1
    as=''
    if [ "$(id -u)" != 0 ]; then
        sudo -n true 2>/dev/null || return 1
        as='sudo -n'
    fi
    say "Installing $1 …"
    $as env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$1" >/dev/null 2>&1 && return 0
    $as apt-get update -q >/dev/null 2>&1 || return 1
    $as env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$1" >/dev/null 2>&1
}

need_tools() {
    command -v curl >/dev/null || install_package curl || fail 'curl is missing; install it.'
    if ! command -v espeak-ng >/dev/null && ! install_package espeak-ng; then
        say 'espeak-ng is not installed: every alert will sound as the canned clip of its kind, without its details.'
        say 'To hear whole sentences: apt-get install espeak-ng'
    fi
}

build() {
    command -v cargo >/dev/null || fail 'Rust is missing; install it from https://rustup.rs'
    command -v cc >/dev/null || install_package build-essential \
        || fail 'a C compiler is missing (SQLite is built from source); apt-get install build-essential'
    say 'Building (a few minutes the first time) …'
    cargo build --release --quiet
}

# The server answers or refuses; anything but "connection refused" means that somebody is there.
need_port() {
    status=0
    curl -s -o /dev/null --max-time 2 "$origin/" || status=$?
    [ "$status" = 7 ] || fail "port $port is taken; choose another: PORT=8090 make demo"
}

# The key is shown only once by the server, so the demo keeps it beside the data.
need_key() {
    umask 077
    mkdir -p "$data"
    [ -s "$data/demo.key" ] && return 0
    "$bin" keys revoke --data "$data" --name demo >/dev/null 2>&1 || true
    "$bin" keys create --data "$data" --name demo --scopes admin > "$data/demo.key.new"
    mv "$data/demo.key.new" "$data/demo.key"
}

# Waits for the server, which has this process id, and then says how to use it.
announce() {
    until curl -s -o /dev/null --fail --max-time 2 "$origin/healthz"; do
        kill -0 $$ 2>/dev/null || exit 0
        sleep 0.1
    done
    key=$(cat "$data/demo.key")
    token=$("$bin" token --data "$data" --rider "$rider")
    # Each paste is an event of its own: the shell that it is pasted into fills in the time.
    number="demo-'\$(date +%s%N)'"
    target='"target":{"riders":["'"$rider"'"]}'
    order='{"id":"'"$number"'","kind":"order.new","order":{"short_no":"17","merchant":{"name":"测试面馆"},"dropoff":{"area":"阳光花园"},"distance_m":1200,"fee_cents":580},'"$target"'}'
    ladder='[{"after_s":12,"do":"repeat"},{"after_s":24,"do":"louder"},{"after_s":36,"do":"desk"}]'
    grab='{"id":"'"$number"'","kind":"order.available","order":{"short_no":"23","merchant":{"name":"兰州拉面"},"dropoff":{"area":"科技园"},"distance_m":2100,"fee_cents":720},'"$target"',"offer":{"mode":"grab","timeout_s":45,"ladder":'"$ladder"'}}'
    post="curl -sS $origin/v1/events -H 'Authorization: Bearer $key' -H 'Content-Type: application/json' -d"
    say ''
    say '1. Open the rider page and press the button (开始接单):'
    say ''
    say "   $origin/rider#token=$token"
    say ''
    say '2. Send an order, as often as you like:'
    say ''
    say "   $post '$order'"
    say ''
    say '3. Offer one to be grabbed (抢单); it sounds again after 12 s, and louder after 24 s, until somebody taps:'
    say ''
    say "   $post '$grab'"
    say ''
    say "API key $key, data in $data, Ctrl-C stops."
    say ''
}

need_tools
if [ -n "${BIN:-}" ]; then
    bin=$BIN
else
    build
    bin=${CARGO_TARGET_DIR:-target}/release/orderbell
fi
need_port
need_key
announce &
# Only this line leaves the script: Ctrl-C reaches the server itself. Port 0: whatever is free, for the operator's side.
ORDERBELL_ADMIN__LISTEN=${ORDERBELL_ADMIN__LISTEN:-127.0.0.1:0}
export ORDERBELL_ADMIN__LISTEN
exec "$bin" serve --data "$data" --listen "127.0.0.1:$port"
