#!/bin/bash
# Draws the rider page's icons from their SVG: home screens take PNG. Run it after a change of a drawing; needs Chromium.
set -euo pipefail
cd "$(dirname "$0")/rider"

draw() {
    ${CHROMIUM:-chromium} --headless --no-sandbox --disable-gpu --hide-scrollbars --force-device-scale-factor=1 \
        --default-background-color=00000000 --window-size="$2,$2" --screenshot="$3" "file://$PWD/$1" 2> /dev/null
}

draw icon.svg 192 icon-192.png
draw icon.svg 512 icon-512.png
draw icon-maskable.svg 192 icon-maskable-192.png
draw icon-maskable.svg 512 icon-maskable-512.png
# iOS cuts the corners itself, and paints what is clear black.
draw icon-maskable.svg 180 apple-touch-icon.png
