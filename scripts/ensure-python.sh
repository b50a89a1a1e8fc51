#!/bin/sh
# Prints a Python 3 that has the package `cryptography`, for the example client that the tests run. Where the
# system's has none, makes a virtual environment under the target directory. Exits 1 and says what is missing
# when that doesn't work, so that no test passes by being skipped.
set -eu
cd "$(dirname "$0")/.."

say() { printf 'ensure-python: %s\n' "$*" >&2; }
fits() { "$1" -c 'import sys, cryptography; sys.exit(int(cryptography.__version__.split(".")[0]) < 40)' >/dev/null 2>&1; }

venv=${CARGO_TARGET_DIR:-target}/python
for python in python3 "$venv/bin/python"; do
    fits "$python" && { command -v "$python"; exit 0; }
done

if ! command -v python3 >/dev/null && [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
    say "installing Python with apt-get"
    apt-get update -qq >&2 &&
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends python3 python3-venv >&2 </dev/null
fi
say "making a virtual environment in $venv"
mkdir -p "${venv%/*}"
# two tests may be at this together: made aside, then moved
made=$(mktemp -d "$venv.XXXXXX")
trap 'rm -rf "$made"' EXIT
if python3 -m venv --copies "$made" >&2 && "$made/bin/python" -m pip install --quiet --disable-pip-version-check 'cryptography>=40' >&2; then
    rm -rf "$venv"
    mv "$made" "$venv"
    fits "$venv/bin/python" && { echo "$venv/bin/python"; exit 0; }
fi
say "missing: Python 3 with the package cryptography (Debian: apt-get install python3-cryptography, as root)"
exit 1
