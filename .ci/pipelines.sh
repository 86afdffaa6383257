#!/usr/bin/env bash
# What the pipelines' tests speak to: nginx, a ClickHouse server, and in a virtual environment of Python's the engine of
# a current ClickHouse, an OpenTelemetry collector and a Kafka broker. The tests start their servers on free ports;
# debian.sh sees to it that the packages start none.
set -euo pipefail
cd "$(dirname "$0")/.."

# Servers are in sbin, which is not on everyone's PATH.
PATH=$PATH:/usr/sbin
.ci/debian.sh nginx nginx-light
.ci/debian.sh clickhouse-server clickhouse-server
.ci/debian.sh sqlite3 sqlite3
.ci/debian.sh python3 python3
# Debian's python3 has no command that tells whether it can make a virtual environment: any that is missing does.
if ! python3 -c 'import ensurepip, venv' 2>/dev/null; then
  .ci/debian.sh no-such-command python3-venv 2>/dev/null || true
  python3 -c 'import ensurepip, venv' || { echo "on Debian: apt-get install python3-venv" >&2; exit 1; }
fi

environment=tests/pipelines/.venv
wanted=tests/pipelines/requirements.txt
# Copied last, so that an install that was broken off is done again.
installed=$environment/installed.txt
if cmp --silent "$wanted" "$installed"; then
  exit 0
fi

echo "── pip install in $environment"
python3 -m venv --clear "$environment"
"$environment/bin/pip" install --quiet --disable-pip-version-check --no-deps --requirement "$wanted"
cp "$wanted" "$installed"
