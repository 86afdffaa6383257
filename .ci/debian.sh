#!/usr/bin/env bash
# Installs Debian packages, unless the command they bring is there already.
#
#   .ci/debian.sh COMMAND PACKAGE...
set -euo pipefail

command=$1
shift
if command -v "$command" >/dev/null; then
  exit 0
fi

give_up() {
  echo "$command is missing, and $1: install it by hand (on Debian: apt-get install $packages)." >&2
  exit 1
}
packages="$*"

command -v apt-get >/dev/null || give_up "there is no apt-get here"
as_root=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || give_up "this is neither root nor a user with sudo"
  as_root=(sudo)
fi

# Debian starts a server as soon as it is installed, nginx on port 80: not on the machine of whoever runs a test.
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
  trap '"${as_root[@]}" rm -f "$policy"' EXIT
  printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee $policy >/dev/null
  "${as_root[@]}" chmod +x $policy
fi

echo "── apt-get install $packages"
apt_get=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Acquire::Retries=3 -o Dpkg::Use-Pty=0)
"${apt_get[@]}" update
"${apt_get[@]}" install --yes --no-install-recommends "$@"

command -v "$command" >/dev/null || give_up "apt-get install $packages did not bring it"
