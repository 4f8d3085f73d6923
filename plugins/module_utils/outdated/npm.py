# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asking npm's registry, by npm itself: its configuration says which one, and with what credentials."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..effects import Effects
from ..errors import FleetError
from ..release.failures import classify, quote
from ..release.npm import path_with
from ..release.package import Package, Tools
from .answer import Answer, NotChecked, Published

_OPTIONS = (
    "--json", "--no-audit", "--no-fund", "--no-update-notifier", "--no-progress", "--logs-max=0",
    "--loglevel=error", "--prefer-online", "--fetch-retries=1", "--fetch-retry-mintimeout=500",
    "--fetch-retry-maxtimeout=1000",
)  # fmt: skip


class NpmRegistry:
    """Asks by ``npm view``; ``timeout`` are seconds for each question."""

    def __init__(self, effects: Effects, tools: Tools, timeout: float) -> None:
        self._effects = effects
        self._tools = tools
        self._timeout = timeout

    def ask(self, identifier: str, interest: Sequence[str]) -> Answer:
        """All versions; whether deprecated, of the newest and of those of ``interest``.

        :raises NotChecked: when npm or its registry gave no answer.
        """
        said = self._view(identifier, identifier, "name", "versions", "time")
        versions = said.get("versions") or []
        times = said.get("time") if isinstance(said.get("time"), Mapping) else {}
        there = [versions] if isinstance(versions, str) else [str(version) for version in versions]
        answer = Answer("npm", {version: Published(version, _text(times.get(version))) for version in there})
        asked = {answer.newest(True), answer.newest(False), *interest} & set(there)
        deprecated = self._deprecated(identifier, sorted(filter(None, asked)))
        # What was once published and is not there any more has a time still.
        gone = {
            version: Published(version, _text(times[version]), withdrawn="unpublished")
            for version in interest
            if version in times and version not in there
        }
        return Answer(
            "npm",
            {
                **gone,
                **{
                    version: Published(version, item.at, deprecated=deprecated.get(version))
                    for version, item in answer.versions.items()
                },
            },
        )

    def _deprecated(self, identifier: str, versions: Sequence[str]) -> dict[str, str]:
        if not versions:
            return {}
        said = self._view(
            identifier, f"{identifier}@{' || '.join(versions)}", "name", "version", "deprecated"
        )
        entries = said if isinstance(said, list) else [said]
        return {str(item["version"]): str(item["deprecated"]) for item in entries if item.get("deprecated")}

    def _view(self, identifier: str, what: str, *fields: str) -> Any:
        package = Package("npm", identifier, "0.0.0")
        try:
            node, npm = self._tools.require_npm(package)
            with tempfile.TemporaryDirectory(prefix="mcp-outdated-") as folder:
                # An answer may be longer than what is kept of a command's output.
                argv = ["/bin/sh", "-c", 'exec "$@" > answer.json', "npm", *npm, "view", *_OPTIONS]
                argv += [f"--fetch-timeout={int(self._timeout * 1000)}", "--", what, *fields]
                done = self._effects.run(
                    argv, timeout=self._timeout, environment=path_with(node), directory=Path(folder)
                )
                text = (Path(folder) / "answer.json").read_text("utf-8", "replace")
        except FleetError as error:
            raise NotChecked(f"{error.came_back}. {error.cure}") from error
        if done.returncode:
            kind = classify(package, done.stderr)
            raise NotChecked(f"{kind.meaning} (npm: {quote(done.stderr) or 'nothing'})")
        try:
            return json.loads(text)
        except ValueError as error:
            raise NotChecked(f"the registry's answer is no JSON ({error})") from error


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
