# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the gates work: everything they write is below ``.work`` of the checkout.

Ansible's own tools want the collection at ``…/ansible_collections/mcpops/fleet`` and resolve links, so
they get a copy there of what git knows of the checkout. pytest and mypy get a link: what they name can be
opened and edited.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import yaml
from ansible_test._internal.python_requirements import get_venv_packages


@dataclass(frozen=True)
class Workplace:
    """The folders; ``root`` is the checkout."""

    root: Path

    @property
    def work(self) -> Path:
        """Everything that the gates write."""
        return self.root / ".work"

    @property
    def tree(self) -> Path:
        """The copy of the collection, at a place that Ansible's tools accept."""
        return self.work / "tree" / "ansible_collections" / "mcpops" / "fleet"

    @property
    def home(self) -> Path:
        """The home folder of tools that would write into the user's own."""
        return self.work / "home"

    @property
    def logs(self) -> Path:
        """The output of each gate."""
        return self.work / "gates"

    @property
    def built(self) -> Path:
        """Where the collection is built."""
        return self.work / "galaxy"

    @property
    def artifact(self) -> Path:
        """The archive that a user would install."""
        galaxy = yaml.safe_load((self.root / "galaxy.yml").read_text("utf-8"))
        return self.built / "{namespace}-{name}-{version}.tar.gz".format(**galaxy)

    def prepare(self) -> None:
        """Make the folders, and the copy as the checkout is now."""
        for folder in (self.tree, self.home, self.logs, self.built):
            folder.mkdir(parents=True, exist_ok=True)
        self._copy()
        self._spare_downloading_pip()

    def _copy(self) -> None:
        wanted = {path for path in self._files() if os.path.lexists(self.root / path)}
        for old in self.tree.iterdir():
            if old.name == ".git":
                continue
            if old.is_dir() and not old.is_symlink():
                shutil.rmtree(old)
            else:
                old.unlink()
        for path in wanted:
            (self.tree / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(self.root / path, self.tree / path, follow_symlinks=False)
        # ansible-test and ansible-lint ask git which files there are.
        subprocess.run(["git", "init", "--quiet", str(self.tree)], check=True)

    def _files(self) -> list[str]:
        # A checkout mounted into a container belongs to somebody else.
        command = ["git", "-c", "safe.directory=*", "ls-files", "-z", "-co", "--exclude-standard"]
        listed = subprocess.run(command, cwd=self.root, check=True, stdout=subprocess.PIPE)
        return [os.fsdecode(path) for path in listed.stdout.split(b"\0") if path]

    def _spare_downloading_pip(self) -> None:
        """Let ansible-test put Python's own pip into its environments.

        It would download a script from a host that is no package registry and so often out of reach; a
        file of that script's name in its cache is taken instead.
        """
        version = get_venv_packages(cast(Any, SimpleNamespace(version="")))["pip"].replace(".", "_")
        cache = self.home / ".ansible" / "test" / "cache"
        cache.mkdir(parents=True, exist_ok=True)
        (cache / f"get_pip_{version}.py").write_text("import ensurepip\nensurepip.bootstrap()\n", "utf-8")
