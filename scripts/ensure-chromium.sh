#!/bin/sh
# Makes sure that there are Chromium (or Chrome) and its WebDriver for the browser tests, and says nothing
# when there are. Installs them by apt as root; otherwise says what is missing and exits 1, so that no
# browser test passes by being skipped. CHROMIUM_BIN and CHROMEDRIVER_BIN name others to use.
set -eu

say() { printf 'ensure-chromium: %s\n' "$*" >&2; }

# Whether one of the programs runs (on Ubuntu `chromium-browser` may be an empty shell around a snap).
runs() {
    for program in "$@"; do
        "$program" --version >/dev/null 2>&1 </dev/null && return 0
    done
    return 1
}

browser() {
    if [ -n "${CHROMIUM_BIN:-}" ]; then
        runs "$CHROMIUM_BIN"
    else
        runs chromium chromium-browser google-chrome google-chrome-stable
    fi
}

driver() {
    if [ -n "${CHROMEDRIVER_BIN:-}" ]; then
        runs "$CHROMEDRIVER_BIN"
    else
        runs chromedriver /usr/lib/chromium/chromedriver /usr/lib/chromium-browser/chromedriver
    fi
}

by_apt() {
    [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null || return 1
    say "installing Chromium and its driver with apt-get"
    apt-get update -qq >&2 &&
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
            chromium chromium-driver >&2 </dev/null
}

browser && driver && exit 0
by_apt && browser && driver && exit 0

browser || say "missing: Chromium or Chrome (CHROMIUM_BIN, or chromium, google-chrome on PATH)"
driver || say "missing: its WebDriver (CHROMEDRIVER_BIN, or chromedriver on PATH)"
say "Install both (Debian: apt-get install chromium chromium-driver, as root) and run this again."
exit 1
