# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The age of artifacts is known from what registries say, and unknown where one says nothing."""

from __future__ import annotations

import base64
import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ansible_collections.mcpops.fleet.plugins.module_utils.release import published
from ansible_collections.mcpops.fleet.plugins.module_utils.release.closure import Artifact
from ansible_collections.mcpops.fleet.plugins.module_utils.release.npm import cached
from ansible_collections.mcpops.fleet.plugins.module_utils.release.package import Package

NOW = datetime(2026, 6, 10, tzinfo=UTC)
PYLOCK = """
lock-version = "1.0"

[[packages]]
name = "old-with-a-new-file"
version = "1.0"
sdist = { url = "https://x/a.tar.gz", upload-time = 2024-01-01T00:00:00Z, hashes = { sha256 = "aa" } }
wheels = [
    { url = "https://x/a-1.whl", upload-time = 2024-01-01T00:00:01.5Z, hashes = { sha256 = "bb" } },
    { url = "https://x/a-2.whl", upload-time = 2026-06-09T00:00:00Z, hashes = { sha256 = "cc" } },
]

[[packages]]
name = "undated"
version = "2.0"
wheels = [{ url = "https://x/b.whl", upload-time = 2024-01-01T00:00:00Z }, { url = "https://x/c.whl" }]
"""


def artifact(name: str, version: str) -> Artifact:
    return Artifact(name, version, ("sha256:aa",))


def test_the_youngest_file_of_a_version_counts_and_one_without_a_time_makes_it_unknown() -> None:
    known = [artifact("old-with-a-new-file", "1.0"), artifact("undated", "2.0"), artifact("absent", "3.0")]
    times = published.of_pylock(known, PYLOCK)
    assert times == {
        "old-with-a-new-file 1.0": "2026-06-09T00:00:00Z",
        "undated 2.0": None,
        "absent 3.0": None,
    }
    assert published.too_young(times, NOW, 2) == ["old-with-a-new-file 1.0"]
    assert published.too_young(times, NOW, 1) == []
    assert published.too_young(times, NOW, 0) == []


def answer(cache: Path, address: str, content: dict[str, Any], moment: int) -> Path:
    """Put a registry's answer where npm keeps it; returns the file of its content."""
    raw = json.dumps(content).encode()
    integrity = "sha512-" + base64.b64encode(hashlib.sha512(raw).digest()).decode()
    entry = {"key": f"make-fetch-happen:request-cache:{address}", "integrity": integrity, "time": moment}
    bucket = cache / "_cacache" / "index-v5" / "aa" / "bb" / str(moment)
    bucket.parent.mkdir(parents=True, exist_ok=True)
    bucket.write_text(f"\nsum\t{json.dumps(entry)}\nnonsense\n")
    file = cached(cache, integrity)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(raw)
    return file


def test_the_newest_answer_of_a_registry_says_when_versions_of_npm_were_published(tmp_path: Path) -> None:
    address = "https://registry.example/npm/@scope%2fserver"
    answer(tmp_path, address, {"time": {"1.0.0": "2020-01-01T00:00:00.000Z"}}, 1)
    answer(tmp_path, address, {"time": {"1.0.0": "2026-06-01T10:00:00.123000+00:00"}}, 2)
    answer(tmp_path, address, {"versions": {}}, 3)
    answer(tmp_path, "https://registry.example/npm/server", {"time": {"1.0.0": "2019-01-01T00:00:00Z"}}, 4)
    damaged = answer(tmp_path, "https://registry.example/npm/part", {"time": {"1.0.0": "2020-01-01"}}, 5)
    damaged.write_bytes(damaged.read_bytes().replace(b"2020", b"2010"))
    known = [
        artifact("@scope/server", "1.0.0"),
        artifact("@scope/server", "9.9.9"),
        artifact("part", "1.0.0"),
    ]
    assert published.of_npm_cache(known, tmp_path) == {
        "@scope/server 1.0.0": "2026-06-01T10:00:00Z",
        "@scope/server 9.9.9": None,
        "part 1.0.0": None,
    }


def test_the_package_itself_is_known_among_what_it_depends_on() -> None:
    times = {"some-server 1.0": None, "@scope/server 1.0.0": None}
    assert published.own(Package("pypi", "Some_Server", "1.0"), times) == "some-server 1.0"
    assert published.own(Package("npm", "@scope/server", "1.0.0"), times) == "@scope/server 1.0.0"
