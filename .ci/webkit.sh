#!/usr/bin/env bash
# Makes sure of WebKitGTK's driver, its MiniBrowser, and an X server without a screen: WebKitGTK has no headless mode.
set -euo pipefail
cd "$(dirname "$0")"

./debian.sh WebKitWebDriver webkit2gtk-driver
./debian.sh Xvfb xvfb
