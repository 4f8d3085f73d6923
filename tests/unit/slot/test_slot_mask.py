# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Credentials in what servers print."""

from __future__ import annotations

import json

import pytest

from ansible_collections.mcpops.fleet.plugins.module_utils.protocol.excerpt import Excerpt
from ansible_collections.mcpops.fleet.plugins.module_utils.redaction import mask

KEY = "-----BEGIN KEY-----\nMIIEpAIBAAKCAQEA\n-----END KEY-----\n"


@pytest.mark.parametrize(
    "said", [KEY, json.dumps(KEY), repr(KEY), "MIIEpAIBAAKCAQEA", "x\n".join(KEY.splitlines())]
)
def test_a_credential_of_several_lines_is_masked_however_it_is_printed(said: str) -> None:
    assert "MIIEpAIBAAKCAQEA" not in mask(f"cannot use {said}", [KEY])


def test_a_quoted_credential_is_masked() -> None:
    secret = 'p"ss\\word'
    assert mask(json.dumps({"key": secret}), [secret]) == '{"key": "********"}'


def test_a_credential_is_masked_in_the_representation_of_an_answer_too() -> None:
    secret = "p'ss\"\\word"
    assert Excerpt({"TOKEN": secret})(repr({"text": secret})) == "{'text': '${TOKEN}'}"
