#!/bin/sh
# Makes sure that there is a mail server for the tests of notices (aiosmtpd, in a Python environment of its own
# under target/), and says nothing when there is. Otherwise says what is missing and exits 1, so that no test
# of mail passes by being skipped. KEYWARD_SMTP_PYTHON names another Python that has aiosmtpd.
set -eu

package=aiosmtpd==1.4.6
place=${CARGO_TARGET_DIR:-$(dirname "$0")/../target}/smtp

say() { printf 'ensure-smtp: %s\n' "$*" >&2; }
has() { "$1" -c 'import aiosmtpd' >/dev/null 2>&1; }

if [ -n "${KEYWARD_SMTP_PYTHON:-}" ]; then
    has "$KEYWARD_SMTP_PYTHON" && exit 0
    say "KEYWARD_SMTP_PYTHON is $KEYWARD_SMTP_PYTHON, which has no aiosmtpd: correct or unset it"
    exit 1
fi
has "$place/bin/python" && exit 0

by_apt() {
    [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null || return 1
    say "installing Python's venv with apt-get"
    apt-get update -qq >&2 &&
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends python3-venv >&2 </dev/null
}

fetch() {
    command -v python3 >/dev/null || return 1
    rm -rf "$place"
    python3 -m venv "$place" >/dev/null 2>&1 || return 1
    say "fetching $package into $place"
    "$place/bin/python" -m pip install --quiet --disable-pip-version-check "$package" >&2
}

fetch || { by_apt && fetch; } || true
has "$place/bin/python" && exit 0

say "the tests of notices need a mail server: python3 with venv, and $package from PyPI."
say "Install python3 and python3-venv (Debian: apt-get install python3-venv, as root) and run this again with access to PyPI,"
say "or set KEYWARD_SMTP_PYTHON to a Python that has aiosmtpd."
exit 1
