# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compiled sources are kept for the next release, and never stand for another source or leave their place."""

from __future__ import annotations

import base64
import hashlib
import subprocess
import sys
from pathlib import Path

import pytest

from ansible_collections.mcpops.fleet.plugins.module_utils.effects import Effects
from ansible_collections.mcpops.fleet.plugins.module_utils.release.bytecode import Bytecode
from ansible_collections.mcpops.fleet.plugins.module_utils.release.installation import Installation
from ansible_collections.mcpops.fleet.plugins.module_utils.release.package import Package

PACKAGE = Package("pypi", "tool", "1.0.0")
PYTHON = f"python{sys.version_info.major}.{sys.version_info.minor}"


def venv(folder: Path, sources: dict[str, str], extra_record: str = "") -> Path:
    """A venv with the one distribution ``tool`` of these sources; returns its site-packages."""
    site_packages = folder / "venv" / "lib" / PYTHON / "site-packages"
    record = extra_record
    for name, text in sources.items():
        (site_packages / name).parent.mkdir(parents=True, exist_ok=True)
        (site_packages / name).write_text(text)
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
        record += f"{name},sha256={digest},{len(text)}\n"
    (site_packages / "tool-1.0.0.dist-info").mkdir()
    (site_packages / "tool-1.0.0.dist-info" / "RECORD").write_text(record)
    (folder / "venv" / "pyvenv.cfg").write_text("version_info = 3.11.2\n")
    return site_packages


def compile_below(folder: Path, store: Path, python: str = sys.executable) -> None:
    Bytecode(store, python).compile(Installation(Effects(), PACKAGE, 60), folder / "venv")


def said_by(site_packages: Path) -> str:
    """What a fresh Python gets on importing ``tool``, writing nothing."""
    done = subprocess.run(
        [sys.executable, "-B", "-c", "import tool; print(tool.__cached__ and tool.WORD)"],
        env={"PYTHONPATH": str(site_packages)},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def compiled(site_packages: Path) -> list[str]:
    return sorted(str(path.relative_to(site_packages)) for path in site_packages.rglob("*.pyc"))


def test_the_second_installation_of_the_same_sources_compiles_nothing(tmp_path: Path) -> None:
    sources = {"tool.py": "WORD = 'one'\n", "part/deep.py": "", "part/__init__.py": ""}
    first = venv(tmp_path / "1", sources)
    compile_below(tmp_path / "1", tmp_path / "store")
    second = venv(tmp_path / "2", sources)
    compile_below(tmp_path / "2", tmp_path / "store", python="/nonexistent/python")
    assert len(compiled(first)) == 3
    assert compiled(second) == compiled(first)
    assert said_by(second) == "one"


def test_other_sources_get_their_own_compiled_files(tmp_path: Path) -> None:
    venv(tmp_path / "1", {"tool.py": "WORD = 'one'\n"})
    compile_below(tmp_path / "1", tmp_path / "store")
    second = venv(tmp_path / "2", {"tool.py": "WORD = 'two'\n"})
    compile_below(tmp_path / "2", tmp_path / "store")
    assert said_by(second) == "two"


def test_a_compiled_file_of_another_source_is_ignored_by_python(tmp_path: Path) -> None:
    site_packages = venv(tmp_path / "1", {"tool.py": "WORD = 'one'\n"})
    compile_below(tmp_path / "1", tmp_path / "store")
    (site_packages / "tool.py").write_text("WORD = 'two'\n")
    assert said_by(site_packages) == "two"


def test_a_source_that_does_not_compile_is_left_and_the_others_are_compiled(tmp_path: Path) -> None:
    site_packages = venv(tmp_path, {"tool.py": "WORD = 'one'\n", "template.py": "print 'of Python 2'\n"})
    compile_below(tmp_path, tmp_path / "store")
    assert [Path(path).name.partition(".")[0] for path in compiled(site_packages)] == ["tool"]


@pytest.mark.parametrize("path", ["../../../../../outside/evil.py", "a/../../../../../../outside/evil.py"])
def test_a_record_cannot_name_files_outside(tmp_path: Path, path: str) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "evil.py").write_text("")
    site_packages = venv(tmp_path / "1", {"tool.py": "WORD = 'one'\n", "a/b.py": ""}, f"{path},,\n")
    assert (site_packages / path).resolve() == outside / "evil.py"
    absolute = f"{outside / 'evil.py'},,\n"
    with (site_packages / "tool-1.0.0.dist-info" / "RECORD").open("a") as record:
        record.write(absolute)
    compile_below(tmp_path / "1", tmp_path / "store")
    assert [entry.name for entry in outside.iterdir()] == ["evil.py"]
