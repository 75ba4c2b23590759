#!/bin/bash
# Tests the demo mini-program without a phone and without WeChat's devtools. Its tools are installed into .cache/miniprogram,
# again only when their lock has changed.
set -euo pipefail
cd "$(dirname "$0")/../.."

tools=.cache/miniprogram
mkdir -p $tools
if ! cmp -s tests/miniprogram/package-lock.json $tools/installed.json; then
    rm -f $tools/installed.json
    cp tests/miniprogram/package.json tests/miniprogram/package-lock.json $tools/
    npm ci --silent --no-audit --no-fund --ignore-scripts --prefix $tools
    cp tests/miniprogram/package-lock.json $tools/installed.json
fi
exec node --test tests/miniprogram/*.test.js
