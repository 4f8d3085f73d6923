# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How this machine reaches package registries, so that its hosts reach them the same way.

Nothing is named here but the settings themselves: their values are read where the lab is brought up.
"""

from __future__ import annotations

import configparser
import os
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

_BUNDLES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt")
_VARIABLES = re.compile(
    r"(PIP|UV)_(\w*INDEX\w*|FIND_LINKS|\w*CERT\w*|TRUSTED_HOST|\w*INSECURE\w*|PROXY|\w*TIMEOUT|HTTP_RETRIES)"
    r"|npm_config_(\w*registry|cafile|ca|strict_ssl|\w*proxy)|(https?|no|all)_proxy"
    r"|SSL_CERT_(FILE|DIR)|(REQUESTS|CURL)_CA_BUNDLE|NODE_EXTRA_CA_CERTS",
    re.IGNORECASE,
)
_PIP = frozenset(
    "index-url extra-index-url find-links no-index cert client-cert trusted-host proxy timeout".split()
)
_NPM = re.compile(r"\s*(\S*registry|cafile|ca\[?\]?|strict-ssl|https?-proxy|proxy|no-?proxy|//\S+)\s*=")


@dataclass(frozen=True)
class Settings:
    """``files`` are a host's paths with their content, ``folders`` are seen there as they stand here."""

    files: dict[str, bytes]
    folders: tuple[str, ...]


def read() -> Settings:
    """What this machine's files and this process's environment say."""
    home = Path.home()
    variables = {name: value for name, value in os.environ.items() if _VARIABLES.fullmatch(name)}
    pip = _pip(
        [
            Path("/etc/xdg/pip/pip.conf"),
            Path("/etc/pip.conf"),
            home / ".pip/pip.conf",
            home / ".config/pip/pip.conf",
        ]
    )
    npm = _npm([Path("/usr/etc/npmrc"), Path("/etc/npmrc"), home / ".npmrc"])
    uv = [path for path in (home / ".config/uv/uv.toml", Path("/etc/uv/uv.toml")) if path.is_file()]
    files = {
        "etc/resolv.conf": _resolver().read_bytes(),
        "etc/environment": "".join(f'{name}="{value}"\n' for name, value in variables.items()).encode(),
    }
    for bundle in _BUNDLES:
        if Path(bundle).is_file():
            files["etc/ssl/certs/ca-certificates.crt"] = Path(bundle).read_bytes()
            break
    if pip:
        files["etc/pip.conf"] = (
            "[global]\n" + "".join(f"{name} = {value}\n" for name, value in pip.items())
        ).encode()
    if npm:
        files["root/.npmrc"] = npm.encode()
    if uv:
        files["etc/uv/uv.toml"] = uv[0].read_bytes()
    said = " ".join([*variables.values(), *pip.values(), npm.replace("=", " ")]).split()
    for path in {Path(word) for word in said if word.startswith("/")}:
        if path.is_file():
            files.setdefault(str(path).lstrip("/"), path.read_bytes())
    return Settings(files, tuple(sorted(_folders(said))))


def _folders(said: list[str]) -> set[str]:
    """Folders of packages. An index's pages name files beside it, so its parent folder comes along."""
    result = set()
    for word in said:
        path = Path(urlsplit(word).path if word.startswith("file:") else word)
        if not path.is_absolute() or not path.is_dir() or path.is_relative_to("/etc"):
            continue
        beside = path.parent if word.startswith("file:") and len(path.parts) > 3 else path
        result.add(str(beside))
    return result


def _pip(paths: list[Path]) -> dict[str, str]:
    result: dict[str, str] = {}
    for path in paths:
        parser = configparser.ConfigParser(interpolation=None, strict=False)
        parser.read(path, "utf-8")
        for section in ("global", "install"):
            if parser.has_section(section):
                result.update(
                    {name: " ".join(value.split()) for name, value in parser[section].items() if name in _PIP}
                )
    return result


def _npm(paths: list[Path]) -> str:
    lines = [line for path in paths if path.is_file() for line in path.read_text("utf-8").splitlines()]
    return "".join(f"{line}\n" for line in lines if _NPM.match(line))


def _resolver() -> Path:
    """A resolver on this machine's loopback is out of a host's reach; systemd-resolved says who it asks."""
    own, upstream = Path("/etc/resolv.conf"), Path("/run/systemd/resolve/resolv.conf")
    loopback = re.search(r"^\s*nameserver\s+(127\.|::1)", own.read_text("utf-8"), re.MULTILINE)
    return upstream if loopback and upstream.is_file() else own
