# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A registry of npm and of PyPI on loopback that serves small packages, and fails in every way asked of it.

``/simple`` is an index for uv, ``/npm`` a registry for npm; ``/answer/503`` answers so to everything.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
import tarfile
import threading
import zipfile
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

BULK = os.urandom(400_000)
"""Makes an archive long enough to be cut in the middle."""

VERSION = "1.0.0"


def wheel(name: str, scripts: str) -> bytes:
    """A wheel of version 1.0.0 with one module and these console scripts."""
    module, home = name.replace("-", "_"), f"{name.replace('-', '_')}-{VERSION}.dist-info"
    files = {
        f"{module}.py": b"def main():\n    print('hello')\n",
        f"{module}_bulk.bin": BULK,
        f"{home}/METADATA": metadata(name),
        f"{home}/WHEEL": b"Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{home}/entry_points.txt": f"[console_scripts]\n{scripts}".encode(),
    }
    record = ""
    for path, data in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        record += f"{path},sha256={digest},{len(data)}\n"
    files[f"{home}/RECORD"] = f"{record}{home}/RECORD,,\n".encode()
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as packed:
        for path, data in files.items():
            packed.writestr(path, data)
    return archive.getvalue()


def metadata(name: str) -> bytes:
    """A distribution's METADATA, which an index also serves on its own."""
    needs = "Requires-Dist: not-there\n" if name == "misses-part" else ""
    return f"Metadata-Version: 2.1\nName: {name}\nVersion: {VERSION}\n{needs}".encode()


def tarball(described: Mapping[str, object], extra: Mapping[str, bytes]) -> bytes:
    """An npm archive with a program ``cli.js``."""
    files = {
        "package.json": json.dumps(described).encode(),
        "cli.js": b"#!/usr/bin/env node\nconsole.log('hello')\n",
        "bulk.bin": BULK,
        **extra,
    }
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz") as packed:
        for path, data in files.items():
            member = tarfile.TarInfo(f"package/{path}")
            member.size = len(data)
            packed.addfile(member, io.BytesIO(data))
    return archive.getvalue()


class Registry:
    """The registry while it runs; ``served`` counts the requests.

    ``published`` says when its packages were (None: it does not tell), ``user`` who is named in the addresses
    of archives (as ``name:password@``), ``query`` what follows them.
    """

    def __init__(self) -> None:
        self.served = 0
        self.published: str | None = None
        self.user, self.query = "", ""
        self.wheels = {name: wheel(name, f"{name} = {name.replace('-', '_')}:main\n") for name in _PYPI}
        self.tarballs = {
            name: tarball({"name": name, "version": VERSION, **described}, extra)
            for name, (described, extra) in _NPM.items()
        }
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    @property
    def address(self) -> str:
        """Its host and port."""
        return f"127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answer(self, path: str) -> tuple[int, str, bytes, bool]:
        """Status, content type, body, and whether the body is cut in the middle."""
        self.served += 1
        parts = path.partition("?")[0].strip("/").split("/")
        if parts[0] == "answer":
            return int(parts[1]), "application/json", b'{"error": "no"}', False
        if parts[0] == "portal":
            return 200, "text/html", b"<html>please log in</html>", False
        if parts[0] == "simple" and parts[1] in self.wheels and self.published:
            return 200, "application/vnd.pypi.simple.v1+json", self._dated_page(parts[1]), False
        if parts[0] == "simple" and parts[1] in self.wheels:
            return 200, "text/html", self._page(parts[1]), parts[1] == "half-page"
        if parts[0] == "files":
            name = parts[1].partition("-1.0.0")[0].replace("_", "-")
            if parts[1].endswith(".metadata"):
                return 200, "text/plain", metadata(name), False
            return 200, "application/octet-stream", self.wheels[name], name == "cut-off"
        if parts[0] == "npm" and parts[1] in self.tarballs:
            if len(parts) > 2:
                return 200, "application/octet-stream", self.tarballs[parts[1]], parts[1] == "cut-off"
            return 200, "application/json", self._packument(parts[1]), parts[1] == "half-page"
        return 404, "application/json", b'{"error": "Not found"}', False

    def _page(self, name: str) -> bytes:
        digest = "0" * 64 if name == "bad-hash" else hashlib.sha256(self.wheels[name]).hexdigest()
        file = f"{name.replace('-', '_')}-{VERSION}-py3-none-any.whl"
        python = ' data-requires-python="&gt;=4"' if name == "needs-runtime" else ""
        link = f'<a href="/files/{file}#sha256={digest}" data-core-metadata="true"{python}>{file}</a>'
        return f"<html><body>{link}{' ' * 5000}</body></html>".encode()

    def _dated_page(self, name: str) -> bytes:
        """As PEP 700 has it; only this form of a page has times."""
        file = f"{name.replace('-', '_')}-{VERSION}-py3-none-any.whl"
        digest = hashlib.sha256(self.wheels[name]).hexdigest()
        described = {
            "filename": file,
            "url": f"/files/{file}",
            "hashes": {"sha256": digest},
            "upload-time": self.published,
            "size": len(self.wheels[name]),
        }
        page = {"meta": {"api-version": "1.1"}, "name": name, "versions": [VERSION], "files": [described]}
        return json.dumps(page).encode()

    def _packument(self, name: str) -> bytes:
        described, _extra = _NPM[name]
        archive = b"" if name == "bad-hash" else self.tarballs[name]
        integrity = "sha512-" + base64.b64encode(hashlib.sha512(archive).digest()).decode()
        tarball_address = f"http://{self.user}{self.address}/npm/{name}/-/{name}-{VERSION}.tgz{self.query}"
        scripts = {"hasInstallScript": True} if "scripts" in described else {}
        version = {
            "name": name,
            "version": VERSION,
            **described,
            **scripts,
            "dist": {"tarball": tarball_address, "integrity": integrity},
        }
        return json.dumps(
            {
                "name": name,
                "dist-tags": {"latest": VERSION},
                "versions": {VERSION: version},
                **(
                    {"time": {"0.9.0": "2026-01-01T00:00:00.000Z", VERSION: self.published}}
                    if self.published
                    else {}
                ),
                "readme": " " * 5000,
            }
        ).encode()


def _handler(registry: Registry) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: object) -> None:
            pass

        def do_GET(self) -> None:
            status, kind, body, cut = registry.answer(self.path)
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body[: len(body) // 2] if cut else body)
            self.close_connection = cut

        do_HEAD = do_GET

    return Handler


_PYPI = (
    "good-server",
    "server-auth-token",
    "cut-off",
    "half-page",
    "bad-hash",
    "needs-runtime",
    "misses-part",
)

_RUNS_SCRIPT = "require('fs').writeFileSync('ran', '')"
_NPM: dict[str, tuple[dict[str, object], dict[str, bytes]]] = {
    "good-server": ({"bin": "cli.js"}, {}),
    "old-server": ({"bin": "cli.js", "deprecated": "use good-server"}, {}),
    "two-programs": ({"bin": {"first": "cli.js", "second": "cli.js"}}, {}),
    "no-program": ({}, {}),
    "cut-off": ({"bin": "cli.js"}, {}),
    "half-page": ({"bin": "cli.js"}, {}),
    "bad-hash": ({"bin": "cli.js"}, {}),
    "needs-runtime": ({"bin": "cli.js", "engines": {"node": ">=99"}}, {}),
    "has-script": (
        {"bin": "cli.js", "scripts": {"postinstall": "node install.js"}},
        {"install.js": _RUNS_SCRIPT.encode()},
    ),
    "native-part": (
        {"bin": "cli.js", "scripts": {"install": "node-gyp rebuild"}},
        {"binding.gyp": b"{'targets': []}"},
    ),
    "native-parts": (
        {"bin": "cli.js", "optionalDependencies": {"part-for-arm": "1.0.0", "part-for-intel": "1.0.0"}},
        {},
    ),
    "scarce-parts": (
        {"bin": "cli.js", "optionalDependencies": {"part-for-intel": "1.0.0", "part-for-none": "1.0.0"}},
        {"dist/http.mjs": b"console.log('over http')"},
    ),
    "part-for-arm": ({"os": ["linux"], "cpu": ["arm64"]}, {}),
    "part-for-intel": ({"os": ["linux"], "cpu": ["x64"]}, {}),
    "server-auth-token": ({"bin": "cli.js", "funding": "https://pay.example/me?sponsor=1"}, {}),
    "misses-part": ({"bin": "cli.js", "dependencies": {"not-there": "1.0.0"}}, {}),
}
