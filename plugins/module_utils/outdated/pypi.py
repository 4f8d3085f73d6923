# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asking Python indexes: uv's configuration says which, the simple API (PEP 691, 700, 592) what they have."""

from __future__ import annotations

import html.parser
import json
import os
import re
import shlex
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from ..effects import Effects
from ..errors import FleetError
from ..release.closure import canonical
from ..release.failures import quote as quoted
from ..release.failures import without_secrets
from ..release.package import Package, Tools
from .answer import Answer, NotChecked, Published

ACCEPT = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1"

_ARCHIVE = re.compile(r"(.+?)-([^-]+)(?:\.tar\.(?:gz|bz2|xz)|\.zip)|([^-]+)-([^-]+)-.+\.whl")
_TRUE = ("1", "true", "yes", "on")

Fetch = Callable[[str, float], "Page | None"]
"""Gets an address within so many seconds; None where there is nothing. Raises NotChecked for all else."""


@dataclass(frozen=True)
class Page:
    """What came back: its content type without parameters, and its body."""

    type: str
    body: bytes


@dataclass(frozen=True)
class _File:
    name: str
    at: str | None = None
    yanked: str | None = None


class PythonIndex:
    """Asks the indexes that uv is configured for, in its order: the first that has a package counts.

    :param fetch: gets a page of an index.
    :param timeout: seconds for each question.
    """

    def __init__(self, effects: Effects, tools: Tools, fetch: Fetch, timeout: float) -> None:
        self._effects = effects
        self._tools = tools
        self._fetch = fetch
        self._timeout = timeout
        self._places: tuple[list[str], list[str]] | None = None

    def prepare(self) -> None:
        """Find out which indexes and folders there are.

        :raises NotChecked: when uv cannot say.
        """
        if self._places is None:
            self._places = self._configured()

    def ask(self, identifier: str, interest: Sequence[str]) -> Answer:
        """All versions of a package.

        :raises NotChecked: when no index gave an answer, or none has it.
        """
        self.prepare()
        indexes, folders = self._places or ([], [])
        files = [file for folder in folders for file in self._folder(folder)]
        notice = None
        for index in indexes:
            page = self._fetch(f"{index.rstrip('/')}/{quote(canonical(identifier))}/", self._timeout)
            if page is not None:
                found, notice = _read(page)
                files += found
                break
        versions = _versions(canonical(identifier), files)
        if not versions:
            raise NotChecked("no index that is configured has it")
        return Answer("pypi", versions, notice)

    def _configured(self) -> tuple[list[str], list[str]]:
        """Indexes, and places with archives, from what uv would tell pip of them."""
        package = Package("pypi", "index", "0")
        try:
            uv, python = self._tools.require_pypi(package)
            with tempfile.TemporaryDirectory(prefix="mcp-outdated-") as folder:
                (Path(folder) / "requirements.in").touch()
                argv = [
                    uv,
                    "pip",
                    "compile",
                    "--quiet",
                    "--no-header",
                    "--emit-index-url",
                    "--emit-find-links",
                ]
                argv += ["--python", python, "requirements.in"]
                done = self._effects.run(argv, timeout=self._timeout, directory=Path(folder))
        except FleetError as error:
            raise NotChecked(f"{error.came_back}. {error.cure}") from error
        if done.returncode:
            raise NotChecked(f"uv's configuration cannot be read (uv: {quoted(done.stderr)})")
        lines = [shlex.split(line) for line in done.stdout.splitlines() if line.startswith("--")]
        options = [(line[0], line[1]) for line in lines if len(line) == 2]
        indexes = [
            value
            for wanted in ("--extra-index-url", "--index-url")
            for name, value in options
            if name == wanted
        ]
        if os.environ.get("UV_NO_INDEX", "").lower() in _TRUE:
            indexes = []
        return indexes, [value for name, value in options if name == "--find-links"]

    def _folder(self, place: str) -> list[_File]:
        parts = urlsplit(place)
        if parts.scheme in ("http", "https"):
            page = self._fetch(place, self._timeout)
            return _read(page)[0] if page else []
        path = Path(unquote(parts.path) if parts.scheme == "file" else place)
        try:
            return [_File(item.name) for item in path.iterdir()]
        except OSError as error:
            raise NotChecked(f"{path} cannot be read ({error.strerror})") from error


def _read(page: Page) -> tuple[list[_File], str | None]:
    """The files that a page of an index lists, and what it says of the project."""
    if not page.type.endswith("json"):
        links = _Links()
        links.feed(page.body.decode("utf-8", "replace"))
        return links.files, None
    try:
        said = json.loads(page.body)
        files = [_described(item) for item in said["files"]]
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise NotChecked(
            f"the index's answer is not that of the simple API ({type(error).__name__})"
        ) from error
    return files, _notice(said)


def _described(item: Mapping[str, Any]) -> _File:
    yanked = item.get("yanked") or None
    reason = yanked if isinstance(yanked, str) else "yanked" if yanked else None
    at = item.get("upload-time")
    return _File(str(item["filename"]), at if isinstance(at, str) else None, reason)


def _notice(said: Mapping[str, Any]) -> str | None:
    """The status of the project (PEP 792), unless it is active."""
    status = said.get("project-status") or {}
    if not isinstance(status, Mapping) or status.get("status", "active") == "active":
        return None
    reason = status.get("reason")
    return f"{status['status']}: {reason}" if reason else str(status["status"])


def _versions(name: str, files: Iterable[_File]) -> dict[str, Published]:
    """By version: published when its first file was, withdrawn when all its files are."""
    by_version: dict[str, list[_File]] = {}
    for file in files:
        match = _ARCHIVE.fullmatch(file.name)
        if not match:
            continue
        project, version = (match[1], match[2]) if match[1] else (match[3], match[4])
        if canonical(project) == name:
            by_version.setdefault(version, []).append(file)
    return {
        version: Published(
            version,
            at=min((file.at for file in held if file.at), default=None),
            withdrawn=held[0].yanked if all(file.yanked for file in held) else None,
        )
        for version, held in by_version.items()
    }


class _Links(html.parser.HTMLParser):
    """The links of an index's page in HTML (PEP 503, 592)."""

    def __init__(self) -> None:
        super().__init__()
        self.files: list[_File] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "a" and given.get("href"):
            name = unquote(urlsplit(given["href"] or "").path.rpartition("/")[2])
            yanked = (given["data-yanked"] or "yanked") if "data-yanked" in given else None
            self.files.append(_File(name, None, yanked))


def shown(address: str) -> str:
    """An address without what it may carry of credentials."""
    return without_secrets(address)
