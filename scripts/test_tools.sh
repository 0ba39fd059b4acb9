#!/bin/sh
# See that what the tests need beside Python is here: PostgreSQL's programs (they start a server of their own, as an
# unprivileged user), openssl (the other end of our token files), curl (the tutorial's commands are run), a browser, and
# PgBouncer (which stands between workers and PostgreSQL).
# As root on Debian what is missing is installed; otherwise the reader is told.
set -eu

missing=""
command -v initdb >/dev/null 2>&1 || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || missing="$missing postgresql"
command -v openssl >/dev/null 2>&1 || missing="$missing openssl"
command -v curl >/dev/null 2>&1 || missing="$missing curl"
command -v chromium >/dev/null 2>&1 || missing="$missing chromium"
command -v pgbouncer >/dev/null 2>&1 || ls /usr/sbin/pgbouncer >/dev/null 2>&1 || missing="$missing pgbouncer"
[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null 2>&1; then
    echo "make: the tests need Debian's packages$missing, and there is no apt-get here: install them your system's way, then repeat." >&2
    exit 1
fi
if [ "$(id -u)" != 0 ]; then
    echo "make: the tests need packages that are missing. Run once, as root: apt-get update && apt-get install$missing" >&2
    exit 1
fi
echo "installing for the tests:$missing"
# Debian's package would also make a cluster and start a server: not wanted here
no_server=/etc/postgresql-common/createcluster.d/no-server-for-tests.conf
mkdir -p "${no_server%/*}"
echo "create_main_cluster = false" >"$no_server"
trap 'rm -f "$no_server"' EXIT
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
# shellcheck disable=SC2086  # a list of words
apt-get install -y -qq --no-install-recommends $missing >/dev/null
