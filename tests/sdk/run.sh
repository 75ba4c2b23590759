#!/bin/bash
# The rider's client as it is shipped, on real sockets against the real server, and its files against engines, types and a
# budget. Takes the binary from BIN; its tools are installed into .cache/sdk, again only when their lock has changed. Ends with
# node's counts.
set -euo pipefail
cd "$(dirname "$0")/../.."
export BIN=${BIN:-target/debug/orderbell}
[ -x "$BIN" ] || { echo "no binary at $BIN"; exit 1; }

tools=.cache/sdk
mkdir -p $tools
if ! cmp -s tests/sdk/package-lock.json $tools/installed.json; then
    rm -f $tools/installed.json
    cp tests/sdk/package.json tests/sdk/package-lock.json $tools/
    npm ci --silent --no-audit --no-fund --ignore-scripts --prefix $tools
    cp tests/sdk/package-lock.json $tools/installed.json
fi

# Fifty riders need the processor for themselves. Of the others each file has a server of its own and mostly waits.
export NODE_PATH=$PWD/$tools/node_modules
status=0
node --test tests/sdk/crowd.test.js || status=1
node --test --test-concurrency=5 $(ls tests/sdk/*.test.js | grep -v crowd) || status=1
exit $status
