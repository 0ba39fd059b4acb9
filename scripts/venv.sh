#!/bin/sh
# Make a virtual environment: venv.sh PYTHON FOLDER. On Debian the `venv` module is a package of its own; as root it is
# installed, otherwise the reader is told what is missing.
set -eu
python=$1
folder=$2

fail() {
    echo "make: $1" >&2
    exit 1
}

command -v "$python" >/dev/null 2>&1 || fail "no '$python' here; install Python 3.11 or newer, or name one: make PY=python3.12 ..."
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
    fail "'$python' is $("$python" -V 2>&1); adept needs Python 3.11 or newer: make PY=python3.12 ..."

if ! "$python" -c 'import venv, ensurepip' >/dev/null 2>&1; then
    package=$("$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')
    missing="Python's venv module is missing; on Debian it is the package $package"
    command -v apt-get >/dev/null 2>&1 || fail "$missing. There is no apt-get here: install it your system's way, then repeat."
    [ "$(id -u)" = 0 ] || fail "$missing. Run once, as root: apt-get update && apt-get install $package"
    echo "installing $package"
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq && apt-get install -y -qq --no-install-recommends "$package" >/dev/null ||
        fail "apt-get could not install $package (its words are above)"
fi

# another interpreter than last time: what is in there is of no use to it
version='import sys; print("%d.%d" % sys.version_info[:2])'
if [ -x "$folder/bin/python" ] && [ "$("$folder/bin/python" -c "$version" 2>/dev/null)" != "$("$python" -c "$version")" ]; then
    exec "$python" -m venv --clear "$folder"
fi
exec "$python" -m venv "$folder"
