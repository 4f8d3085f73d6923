# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the controller fetches over https, from a real server with a certificate of the test's own."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from time import monotonic

import pytest

from ansible_collections.mcpops.fleet.plugins.module_utils.errors import FleetError
from ansible_collections.mcpops.fleet.plugins.module_utils.release.download import download
from tests.support.site import trusted_site


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "bundle").write_bytes(b"content" * 1000)
    with trusted_site(tmp_path / "site", tmp_path) as address:
        yield address


def test_what_is_fetched_is_whole_and_its_hash_is_told(address: str, tmp_path: Path) -> None:
    found = download(f"{address}/bundle?token=x", tmp_path / "it", 20, 2**20)
    assert (tmp_path / "it").read_bytes() == b"content" * 1000
    assert found == hashlib.sha256(b"content" * 1000).hexdigest()


@pytest.mark.parametrize(
    ("path", "why"), [("/plain?token=s3cr3t", "not https"), ("/none?token=s3cr3t", "HTTP Error 404")]
)
def test_a_redirect_to_http_and_what_is_not_there_are_told_without_secrets(
    address: str, tmp_path: Path, path: str, why: str
) -> None:
    with pytest.raises(FleetError, match=why) as caught:
        download(f"{address}{path}", tmp_path / "it", 20, 2**20)
    assert "s3cr3t" not in str(caught.value)


def test_what_is_too_large_is_left(address: str, tmp_path: Path) -> None:
    with pytest.raises(FleetError, match="larger than"):
        download(f"{address}/bundle", tmp_path / "it", 20, 100)


def test_a_certificate_that_nobody_trusts_is_refused(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    with pytest.raises(FleetError, match="CERTIFICATE_VERIFY_FAILED|certificate verify failed"):
        download(f"{address}/bundle", tmp_path / "it", 20, 2**20)


@pytest.mark.parametrize("slow", ["body", "headers"])
def test_what_drips_is_given_up_when_its_time_is_over(address: str, tmp_path: Path, slow: str) -> None:
    began = monotonic()
    with pytest.raises(FleetError, match="it did not end within 1 s"):
        download(f"{address}/slow/{slow}", tmp_path / "it", 1, 2**20)
    assert monotonic() - began < 20


def test_what_does_not_speak_http_is_told_like_any_other_failure(address: str, tmp_path: Path) -> None:
    with pytest.raises(FleetError, match="nothing that HTTP knows"):
        download(f"{address}/broken", tmp_path / "it", 20, 2**20)
