# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kernel's tables of sockets."""

from __future__ import annotations

import sys

import pytest

from ansible_collections.mcpops.fleet.plugins.module_utils.slot.process import parse_listening

HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
REST = "00000000:00000000 00:00000000 00000000  1000        0 4711 1 0000000000000000 100 0 0 10 0"


def line(local: str, state: str = "0A") -> str:
    remote = "0" * len(local.split(":")[0]) + ":0000"
    return f"{HEAD}   0: {local} {remote} {state} {REST}\n"


@pytest.mark.skipif(sys.byteorder != "little", reason="the samples come from a little-endian machine")
@pytest.mark.parametrize(
    ("local", "address", "port"),
    [
        ("0100007F:1F40", "127.0.0.1", 8000),
        ("00000000:0050", "0.0.0.0", 80),
        ("00000000000000000000000001000000:C350", "::1", 50000),
        ("00000000000000000000000000000000:0001", "::", 1),
        ("0000000000000000FFFF00000100007F:1F40", "127.0.0.1", 8000),
        ("B80D0120000000000000000001000000:1F40", "2001:db8::1", 8000),
    ],
)
def test_a_listening_socket_is_read_with_its_address(local: str, address: str, port: int) -> None:
    assert parse_listening(line(local)) == [(address, port, 4711)]


def test_only_listening_sockets_count() -> None:
    assert parse_listening(line("0100007F:1F40", "01")) == parse_listening(HEAD) == parse_listening("") == []
