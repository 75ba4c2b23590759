#!/bin/sh
# A PostgreSQL server of one test process: made in a folder of its own, on the port that is given, and gone with whoever
# holds this script's input. `sh postgres.sh PORT quick|durable`; a line `ready` or `failed …` answers each of
#   start   (it is started once without being asked)
#   kill    all its processes by SIGKILL, as a crash
#   stop    by SIGSTOP: connections stay open and nobody answers
#   cont    goes on after `stop`
# `quick` does without fsync; `durable` is as servers are.
port=$1 way=$2

# Whoever interrupts the tests must not leave a server behind: the end of the input ends it.
trap '' INT TERM HUP

initdb=$(ls -d /usr/lib/postgresql/*/bin/initdb 2> /dev/null | sort -V | tail -1)
[ -n "$initdb" ] || initdb=$(command -v initdb)
bin=$(dirname "$(readlink -f "$initdb")")
[ -x "$bin/postgres" ] || { echo "failed: PostgreSQL is not installed (Debian: apt-get install postgresql)"; exit 1; }
dir=$(mktemp -d) || exit 1
chmod 711 "$dir"
mkdir "$dir/data" "$dir/socket"
as=
if [ "$(id -u)" = 0 ]; then
    # A server refuses to be root.
    user=$(getent passwd postgres nobody | head -1 | cut -d: -f1)
    chown -R "$user" "$dir/data" "$dir/socket"
    as="setpriv --reuid $user --regid $(id -g "$user") --clear-groups --"
fi

cleanup() {
    [ -n "$main" ] && { kill -CONT "$main"; kill -QUIT "$main"; wait "$main"; } 2> /dev/null
    rm -rf "$dir"
}

start() {
    # After a crash, sessions may take a moment to see that they are orphans.
    for _ in $(seq 100); do
        $as "$bin/postgres" -D "$dir/data" > "$dir/log" 2>&1 &
        main=$!
        for _ in $(seq 200); do
            "$bin/pg_isready" -q -h 127.0.0.1 -p "$port" && { echo ready; return; }
            kill -0 $main 2> /dev/null || break
            sleep 0.05
        done
        kill -0 $main 2> /dev/null && break
        sleep 0.1
    done
    echo "failed: $(tail -3 "$dir/log" | tr '\n' ' ')"
}

cd /
$as "$bin/initdb" -D "$dir/data" -U postgres -A trust -E UTF8 --locale=C --no-instructions -N > "$dir/log" 2>&1 ||
    { echo "failed: $(tail -3 "$dir/log" | tr '\n' ' ')"; rm -rf "$dir"; exit 1; }
{
    echo "listen_addresses = '127.0.0.1'"
    echo "port = $port"
    echo "unix_socket_directories = '$dir/socket'"
    echo "max_connections = 400"
    echo "shared_buffers = 128MB"
    [ "$way" = quick ] && echo "fsync = off" && echo "full_page_writes = off"
} >> "$dir/data/postgresql.conf"

start
while read -r what; do
    case $what in
        start) start ;;
        kill) kill -KILL "$main" $(pgrep -P "$main"); wait "$main" 2> /dev/null; echo ready ;;
        stop) kill -STOP "$main" $(pgrep -P "$main"); echo ready ;;
        cont) kill -CONT "$main" $(pgrep -P "$main"); echo ready ;;
        *) echo "failed: what is $what?" ;;
    esac
done
cleanup
