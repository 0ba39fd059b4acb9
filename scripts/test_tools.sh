#!/bin/sh
# See that what the tests need beside Python is here: PostgreSQL's programs (they start a server of their own, as an
# unprivileged user), openssl (the other end of our token files), curl (the tutorial's commands are run), a browser,
# PgBouncer (which stands between workers and PostgreSQL), libfaketime (which moves the clocks of single processes), and the
# judges of what deploy/ holds: Prometheus' promtool and systemd-analyze.
# As root on Debian what is missing is installed; otherwise the reader is told.
set -eu

missing=""
command -v initdb >/dev/null 2>&1 || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || missing="$missing postgresql"
command -v openssl >/dev/null 2>&1 || missing="$missing openssl"
command -v curl >/dev/null 2>&1 || missing="$missing curl"
command -v chromium >/dev/null 2>&1 || missing="$missing chromium"
command -v pgbouncer >/dev/null 2>&1 || ls /usr/sbin/pgbouncer >/dev/null 2>&1 || missing="$missing pgbouncer"
ls /usr/lib/*/faketime/libfaketimeMT.so.1 >/dev/null 2>&1 || missing="$missing libfaketime"
command -v systemd-analyze >/dev/null 2>&1 || missing="$missing systemd"
command -v promtool >/dev/null 2>&1 || missing="$missing prometheus"
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
case $missing in *" prometheus")
    # promtool alone: the rest of the package, and what that depends on, would be 350 MB
    missing=${missing% prometheus}
    folder=$(mktemp -d)
    (cd "$folder" && apt-get download -qq -o APT::Sandbox::User=root prometheus)
    dpkg-deb --fsys-tarfile "$folder"/prometheus_*.deb | tar -x --strip-components=3 -C /usr/local/bin ./usr/bin/promtool
    rm -r "$folder"
esac
[ -n "$missing" ] || exit 0
# shellcheck disable=SC2086  # a list of words
apt-get install -y -qq --no-install-recommends $missing >/dev/null
