#!/bin/sh
# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Sees to what the lab needs of this machine: installs it with apt, or says in one line what to do and ends with 2.
set -eu
PATH=$PATH:/usr/sbin:/sbin

refuse() {
    echo "$1" >&2
    exit 2
}

missing() {
    command -v debootstrap >/dev/null || echo debootstrap
    command -v systemd-nspawn >/dev/null || echo systemd-container
    command -v nft >/dev/null || echo nftables
    command -v ip >/dev/null || echo iproute2
    command -v ssh >/dev/null || echo openssh-client
    command -v setsid >/dev/null || echo util-linux
}

[ "$(uname -s)" = Linux ] || refuse "the lab needs Linux; on this machine use the demo's nodes: make demo"
[ "$(id -u)" = 0 ] || refuse "the lab needs root: sudo make lab-up, or without root the demo's nodes: make demo"
# shellcheck disable=SC2046  # one package a word
set -- $(missing)
if [ $# -gt 0 ] && command -v apt-get >/dev/null; then
    echo "── installing $*"
    export DEBIAN_FRONTEND=noninteractive
    { apt-get update -qq && apt-get install -y -qq --no-install-recommends "$@"; } >/dev/null || :
    # shellcheck disable=SC2046
    set -- $(missing)
fi
[ $# -eq 0 ] || refuse "the lab needs these packages: $*; run: apt-get install -y $*"
