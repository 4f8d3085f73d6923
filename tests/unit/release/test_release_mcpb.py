# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a bundle's manifest says, filled with what the definition says; and what is refused of either."""

from __future__ import annotations

import json
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.mcpops.fleet.plugins.module_utils.effects import Effects
from ansible_collections.mcpops.fleet.plugins.module_utils.errors import FleetError
from ansible_collections.mcpops.fleet.plugins.module_utils.release.closure import Closure
from ansible_collections.mcpops.fleet.plugins.module_utils.release.installation import Installation
from ansible_collections.mcpops.fleet.plugins.module_utils.release.kind import Settings
from ansible_collections.mcpops.fleet.plugins.module_utils.release.local import CONTENT
from ansible_collections.mcpops.fleet.plugins.module_utils.release.mcpb import Mcpb
from ansible_collections.mcpops.fleet.plugins.module_utils.release.mcpb_manifest import (
    Manifest,
    allows,
    read_manifest,
    require_runtime,
)
from ansible_collections.mcpops.fleet.plugins.module_utils.release.mcpb_values import (
    filled_arguments,
    filled_environment,
    values_of,
)
from ansible_collections.mcpops.fleet.plugins.module_utils.release.npm import Npm
from ansible_collections.mcpops.fleet.plugins.module_utils.release.package import Package, Tools
from ansible_collections.mcpops.fleet.plugins.module_utils.release.pypi import Pypi

HOME = Path("/r/content")
PACKAGE = Package("mcpb", "files", "1.0.0", "0" * 64)


def manifest(**changes: Any) -> dict[str, Any]:
    config = {
        "command": "node",
        "args": ["${__dirname}/server/index.js", "server/index.js", "--roots", "${user_config.roots}"],
        "env": {"KEY": "Bearer ${user_config.key}", "DEEP": "${user_config.deep}", "AT": "${HOME}${/}x"},
    }
    options = {
        "roots": {"type": "directory", "multiple": True, "required": True},
        "key": {"type": "string", "sensitive": True, "required": True},
        "deep": {"type": "boolean", "default": False},
        "size": {"type": "number", "min": 1, "max": 5},
    }
    raw: dict[str, Any] = {
        "manifest_version": "0.3",
        "name": "files",
        "version": "1.0.0",
        "server": {"type": "node", "entry_point": "server/index.js", "mcp_config": config},
        "user_config": options,
    }
    return {**raw, **changes}


def read(raw: Any) -> Manifest:
    return read_manifest(json.dumps(raw).encode())


def settings(variables: tuple[str, ...] = ("KEY",), command: str | None = None, **given: Any) -> Settings:
    return Settings(command, given, frozenset(variables))


def test_arguments_and_environment_are_filled_and_a_list_becomes_several_arguments() -> None:
    it = read(manifest())
    chosen = settings(roots=["{data}/a", "/b"], deep=True)
    values = values_of(it, chosen)
    assert filled_arguments(it, values, HOME) == [
        "/r/content/server/index.js", "/r/content/server/index.js", "--roots", "{data}/a", "/b",
    ]  # fmt: skip
    # KEY is the definition's own; what is secret is never put in here.
    assert filled_environment(it, values, HOME, chosen.variables) == {"DEEP": "true", "AT": "{data}/x"}


def test_what_linux_overrides_is_taken_and_what_others_do_is_not() -> None:
    raw = manifest(user_config={})
    raw["server"]["mcp_config"] = {
        "command": "server/tool",
        "args": ["a"],
        "platform_overrides": {"linux": {"args": ["b"]}, "win32": {"command": "server/tool.exe"}},
    }
    it = read(raw)
    assert (it.command, it.arguments) == ("server/tool", ("b",))


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (settings(), "user_config.roots.*requires it, and it is missing.*Give it, as directory"),
        (settings(roots=["/a"], variables=()), "user_config.key.*missing.*in credentials, as KEY"),
        (settings(roots=["/a"], key="s3cr3t"), "user_config.key.*it is secret, and user_config is not"),
        (settings(roots=["/a"], rots=1), "user_config.rots.*no such setting.*deep, key, roots, size"),
        (settings(roots=["/a"], deep="yes"), "user_config.deep.*'yes'.*Give a boolean"),
        (settings(roots=["/a"], deep=[True]), "user_config.deep.*a list.*Give one boolean"),
        (settings(roots=["/a"], size=9), "user_config.size.*it is 9.*from 1 to 5"),
    ],
)
def test_a_setting_that_is_missing_unknown_or_wrong_is_named(given: Settings, why: str) -> None:
    with pytest.raises(FleetError, match=why) as caught:
        values_of(read(manifest()), given)
    assert "s3cr3t" not in str(caught.value)


def test_a_secret_that_would_be_an_argument_is_refused() -> None:
    raw = manifest()
    raw["server"]["mcp_config"]["args"].append("--key=${user_config.key}")
    with pytest.raises(FleetError, match="passes it as an argument, which everybody on the host can see"):
        values_of(read(raw), settings(roots=["/a"]))
    assert values_of(read(raw), settings(roots=["/a"], command="server/index.js"))


@pytest.mark.parametrize("argument", ["${user_config.size}", "--size=${user_config.size}", "${DESKTOP}/x"])
def test_an_argument_that_nothing_fills_is_never_passed_on_as_it_stands(argument: str) -> None:
    raw = manifest()
    raw["server"]["mcp_config"]["args"] = [argument]
    it = read(raw)
    with pytest.raises(FleetError, match="needs a value"):
        filled_arguments(it, values_of(it, settings(roots=["/a"])), HOME)


def started_by(command: str, **config: Any) -> dict[str, Any]:
    server = {"type": "binary", "entry_point": "x", "mcp_config": {"command": command, **config}}
    return manifest(server=server)


def without(path: str) -> dict[str, Any]:
    raw = manifest()
    *above, last = path.split(".")
    place = raw
    for name in above:
        place = place[name]
    del place[last]
    return raw


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        ([], "is no object"),
        (manifest(manifest_version="0.9"), "manifest_version is '0.9'.*Known are 0.1"),
        (manifest(server={"type": "java", "entry_point": "x", "mcp_config": {}}), "server.type is 'java'"),
        (manifest(server=None), "server is missing"),
        (without("server.entry_point"), "server.entry_point is missing"),
        (without("server.mcp_config"), "server.mcp_config is missing"),
        (without("server.mcp_config.command"), "server.mcp_config.command is missing"),
        (without("name"), "its name is missing"),
        (manifest(compatibility={"platforms": ["darwin", "win32"]}), "it is for darwin, win32 alone"),
        (manifest(server={"type": "uv", "entry_point": "../x.py"}), "leads out of it"),
        (manifest(user_config={"a": 3}), "user_config.a is no object"),
        (manifest(user_config={"a": {"min": "1"}}), "user_config.a.min is no number"),
        (manifest(compatibility={"platforms": 5}), "compatibility.platforms is no list of texts"),
        (started_by("/etc/shadow"), "mcp_config.command leads out of it: '/etc/shadow'"),
        (started_by("${__dirname}/../../x"), "mcp_config.command leads out of it"),
        (started_by("x", platform_overrides={"linux": 5}), "platform_overrides.linux is no object"),
    ],
)
def test_a_manifest_that_makes_no_sense_here_is_refused(raw: Any, why: str) -> None:
    with pytest.raises(FleetError, match=why):
        read(raw)


def test_a_manifest_that_is_nested_without_end_is_no_json() -> None:
    with pytest.raises(FleetError, match="is no JSON"):
        read_manifest(b"[" * 100_000)


def placed(folder: Path, command: str) -> Path:
    """The release of a bundle with the file ``server``, which this command is to start."""
    shelf, target = folder / "shelf", folder / "release"
    shelf.mkdir()
    target.mkdir()
    with zipfile.ZipFile(shelf / "content", "w") as packed:
        packed.writestr("manifest.json", json.dumps({**started_by(command), "user_config": {}}))
        packed.writestr("server", "#!/bin/sh\n")
    tools = Tools(python=sys.executable)
    kind = Mcpb(tools, Npm(tools, folder / "cache"), Pypi(tools, folder / "cache"))
    kind.place(Installation(Effects(), PACKAGE, 30), Closure(PACKAGE, ()), target, shelf)
    return target


def test_its_program_may_be_run_and_nothing_outside_of_it_is_touched(tmp_path: Path) -> None:
    assert (placed(tmp_path, "server") / CONTENT / "server").stat().st_mode & 0o777 == 0o755
    (tmp_path / "other").mkdir()
    secret = tmp_path / "secret"
    secret.touch(0o600)
    with pytest.raises(FleetError, match="leads out of it"):
        placed(tmp_path / "other", str(secret))
    assert secret.stat().st_mode & 0o777 == 0o600


def test_an_archive_without_a_manifest_is_no_bundle() -> None:
    with pytest.raises(FleetError, match="no manifest.json at its top.*for other archives use local"):
        read_manifest(None)


@pytest.mark.parametrize(
    ("wanted", "version", "fits"),
    [
        (">=18.0.0", "22.1.0", True), (">=18.0.0", "17.9.9", False), (">=3.10,<3.12", "3.11.7", True),
        (">=3.10 <3.12", "3.12.0", False), ("^20 || ^22", "22.4.1", True), ("^20 || ^22", "21.0.0", False),
        ("~3.11", "3.11.9", True), ("~3.11", "3.12.0", False), ("3.11", "3.11.2", True),
        ("<=3.11", "3.11.7", True), (">3.11", "3.11.7", False), ("*", "9.9.9", True),
        ("the newest", "1.0.0", True),
    ],
)  # fmt: skip
def test_ranges_of_runtimes_are_read_as_npm_and_pip_write_them(wanted: str, version: str, fits: bool) -> None:
    assert allows(wanted, version) is fits


def test_a_runtime_that_the_host_has_not_is_named_before_anything_starts() -> None:
    it = read(manifest(compatibility={"runtimes": {"node": ">=30", "python": ">=4"}}))
    with pytest.raises(FleetError, match="wants node >=30, and this host has 22.1.0"):
        require_runtime(PACKAGE, it, {"node": "22.1.0", "python": "3.11.7"})
    with pytest.raises(FleetError, match="wants node >=30, and this host has none"):
        require_runtime(PACKAGE, it, {"node": None, "python": None})
