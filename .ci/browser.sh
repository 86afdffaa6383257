#!/usr/bin/env bash
# Makes sure of a Chromium (or Chrome) and its chromedriver on PATH. Debian's serve: one download, one version.
set -euo pipefail
cd "$(dirname "$0")"

for browser in chromium google-chrome google-chrome-stable; do
  if command -v "$browser" >/dev/null; then
    found=$browser
    break
  fi
done
./debian.sh "${found:-chromium}" chromium
./debian.sh chromedriver chromium-driver
