# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which addresses of a lock file are looked at, and which of them let their reader in."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.mcpops.fleet.plugins.module_utils.release.addresses import (
    carries_credential,
    resolved_from,
)

ARCHIVE = "https://registry.example/@inquirer/password/-/password-4.0.15.tgz"
SECRET = "https://user:s3cr3t@registry.example/x.tgz"


@pytest.mark.parametrize(
    "address",
    [
        "https://user:s3cr3t@registry.example/x.tgz",
        "https://ghp_s3cr3t@registry.example/x.tgz",
        "https://s3cr3t:@registry.example/x.tgz",
        "git+https://s3cr3t@git.example/x.git#0123",
        "ssh://git:s3cr3t@git.example/x.git",
        "https://registry.example/x.tgz?token=s3cr3t",
        "https://registry.example/x.tgz?a=1&private_token=s3cr3t",
        "https://registry.example/x.tgz?api_key=s3cr3t",
        "https://store.example/x.tgz?X-Amz-Credential=me&X-Amz-Signature=s3cr3t",
        "https://store.example/x.tgz?sv=2024&sig=s3cr3t",
        "https://[registry.example/x.tgz",
    ],
)
def test_an_address_that_lets_its_reader_in_is_known(address: str) -> None:
    assert carries_credential(address)


@pytest.mark.parametrize(
    "address",
    [
        ARCHIVE,
        "https://registry.example/registry-auth-token/-/registry-auth-token-5.1.0.tgz",
        "https://mirror.example/x.tgz?cache=0&sync_timestamp=1700000000000",
        "git+ssh://git@github.com/owner/repository.git#0123",
        "git+https://git@github.com/owner/repository.git#0123",
        "http://127.0.0.1:4873/x.tgz",
    ],
)
def test_an_address_that_only_names_a_place_is_not(address: str) -> None:
    assert not carries_credential(address)


def package_lock(**entry: Any) -> bytes:
    return json.dumps({"packages": {"": {}, "node_modules/x": entry}}).encode()


@pytest.mark.parametrize(
    ("entry", "found"),
    [
        ({"resolved": ARCHIVE}, [ARCHIVE]),
        ({"resolved": ARCHIVE, "funding": {"url": "https://pay.example/?token=1"}}, [ARCHIVE]),
        ({"dependencies": {"auth-token": "1", "password": "^2"}}, []),
        ({"deprecated": "token: see https://user:none@old.example"}, []),
        ({"optionalDependencies": {"part": SECRET}}, [SECRET]),
        ({"dependencies": {"inner": {"resolved": SECRET}}}, [SECRET]),
        ({"resolved": "file:../x"}, []),
        ({"resolved": True}, []),
    ],
)
def test_of_a_package_lock_only_what_artifacts_come_from_is_looked_at(
    entry: dict[str, Any], found: list[str]
) -> None:
    assert resolved_from("package-lock.json", package_lock(**entry)) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("foo-token==1.0 \\\n    --hash=sha256:aa\npassword==2 \\\n    --hash=sha256:bb\n", []),
        (f"--index-url {SECRET}\nx==1\n", [SECRET]),
        (f"--find-links='{SECRET}'\n", [SECRET]),
        (f"x @ {SECRET} \\\n    --hash=sha256:aa\n", [SECRET]),
        (f"x==1\n    # from {SECRET}\n", [SECRET]),
    ],
)
def test_of_requirements_every_address_is_looked_at(text: str, found: list[str]) -> None:
    assert resolved_from("requirements.txt", text.encode()) == found
