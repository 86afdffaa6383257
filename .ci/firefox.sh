#!/usr/bin/env bash
# Makes sure of a Firefox and of geckodriver on PATH. Debian has the first, the crates registry the second: its
# binaries are published elsewhere. It takes two to four minutes to build, once.
set -euo pipefail
cd "$(dirname "$0")/.."

GECKODRIVER=0.37.1

command -v firefox >/dev/null || .ci/debian.sh firefox-esr firefox-esr
if [[ "$(geckodriver --version 2>/dev/null)" != "geckodriver $GECKODRIVER"* ]]; then
  .ci/debian.sh cc gcc libc6-dev
  echo "── cargo install geckodriver $GECKODRIVER"
  # As in wasm-tools.sh: it runs beside a browser, so less optimised is fast enough.
  CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-target}/tools CARGO_PROFILE_RELEASE_OPT_LEVEL=1 CARGO_PROFILE_RELEASE_LTO=off \
    cargo install --quiet --force --locked geckodriver --version "=$GECKODRIVER"
fi
