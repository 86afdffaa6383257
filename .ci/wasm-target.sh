#!/usr/bin/env bash
# Makes sure of Rust's standard library for WebAssembly, and of rustfmt and clippy.
set -euo pipefail
cd "$(dirname "$0")/.."

target=wasm32-unknown-unknown

command -v cargo >/dev/null || {
  echo "cargo is missing: install Rust with rustup (https://rustup.rs), then try again." >&2
  exit 1
}
if [ ! -d "$(rustc --print target-libdir --target $target)" ]; then
  echo "── rustup target add $target"
  rustup target add $target
fi
for component in rustfmt clippy; do
  cargo "${component/rustfmt/fmt}" --version >/dev/null 2>&1 || rustup component add $component
done
