#!/usr/bin/env bash
# Installs wasm-bindgen and wasm-pack with cargo, unless they are there in the versions wanted.
#
#   .ci/wasm-tools.sh [wasm-bindgen] [wasm-pack]     both by default
#
# Each takes two to four minutes to build, once. The npm package `wasm-pack` is no way around that: it downloads
# its binary from elsewhere.
set -euo pipefail
cd "$(dirname "$0")/.."

# pkg/build.mjs reads this line too.
WASM_PACK=0.15.1
# The crate and the command must agree to the letter, so Cargo.toml alone says which.
WASM_BINDGEN=$(sed -n 's/^wasm-bindgen = .*"=\([0-9.]*\)".*/\1/p' Cargo.toml)

# The two share half of their dependencies: what is built for one is there for the other.
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-target}/tools
# They run for a second or two: less optimised, they are built in half the time.
export CARGO_PROFILE_RELEASE_OPT_LEVEL=1 CARGO_PROFILE_RELEASE_LTO=off

has() { # command version
  [[ "$("$1" --version 2>/dev/null)" =~ (^| )"$2"( |$) ]]
}

install() { # command crate version [option...]
  local command=$1 crate=$2 version=$3
  shift 3
  if has "$command" "$version"; then
    return
  fi
  echo "── cargo install $crate $version"
  cargo install --quiet --force "$@" "$crate" --version "=$version"
  has "$command" "$version" || {
    echo "$crate $version is installed, yet \`$command --version\` on PATH says otherwise: $(command -v "$command")" >&2
    exit 1
  }
}

[ $# -gt 0 ] || set -- wasm-bindgen wasm-pack
for tool in "$@"; do
  case $tool in
    # Not --locked: its lock file names a crate version that is no longer to be had.
    wasm-bindgen) install wasm-bindgen wasm-bindgen-cli "$WASM_BINDGEN" ;;
    wasm-pack) install wasm-pack wasm-pack "$WASM_PACK" --locked ;;
    *) echo "wasm-tools.sh: $tool is not one of: wasm-bindgen, wasm-pack" >&2 && exit 2 ;;
  esac
done
