#!/bin/sh
# Makes the canned sentences in assets/canned from the phrases: one for every kind that speaks, in every language.
# What is there is kept, so a recording (MP3, 24 kHz, mono) may stand in place of any of them; delete a file to have it
# made again. Needs espeak-ng.
set -eu
cd "$(dirname "$0")/.."
cargo run --quiet -- canned assets/canned
echo "$(find assets/canned -name '*.mp3' | wc -l) canned sentences in assets/canned"
