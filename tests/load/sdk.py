# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The clients of the official SDK: a process of their own, whose counts are taken over into the report."""

from __future__ import annotations

import asyncio
import contextlib
import json
from pathlib import Path
from typing import Any

from .options import Options

SCRIPT = Path(__file__).with_name("sdk_client.py")
LINE_LIMIT = 1024 * 1024
START_LIMIT = 60.0
"""Seconds to the first line."""
STOP_LIMIT = 10.0
"""Seconds, besides those of a request, that the clients have to come to their end."""


class SdkClients:
    """Runs ``sdk_client.py`` with the interpreter that has the SDK, and holds its last report."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._last: dict[str, Any] = {}
        self._process: asyncio.subprocess.Process | None = None
        self._erring: asyncio.Task[str] | None = None

    def report(self) -> dict[str, Any]:
        """What the SDK's clients have counted."""
        return self._last

    async def start(self) -> None:
        """Start the process and wait until its clients begin: to import the SDK takes seconds.

        Raises RuntimeError when it does not come to that.
        """
        options = self._options
        work = {
            "targets": [[target.name, target.url, era] for target in options.targets for era in target.eras],
            "clients": options.sdk_clients,
            "think": options.think,
            "timeout": options.timeout,
        }
        self._process = await asyncio.create_subprocess_exec(
            str(options.sdk_python),
            str(SCRIPT),
            json.dumps(work),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            limit=LINE_LIMIT,
            start_new_session=True,
        )
        assert self._process.stdout is not None and self._process.stderr is not None
        self._erring = asyncio.create_task(_tail(self._process.stderr))
        try:
            async with asyncio.timeout(START_LIMIT):
                line = await self._process.stdout.readline()
            if not line:
                raise await self._failure(await self._process.wait())
            self._last = json.loads(line)
        except BaseException:
            await self._kill()
            raise

    async def run(self, stop: asyncio.Event) -> None:
        """Take over its reports until told to stop. Raises RuntimeError when the process itself fails."""
        process = self._process
        assert process is not None and process.stdin is not None and process.stdout is not None
        reading = asyncio.create_task(self._read(process.stdout))
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({reading, stopping}, return_when=asyncio.FIRST_COMPLETED)
            process.stdin.close()
            async with asyncio.timeout(self._options.timeout + STOP_LIMIT):
                await reading
                code = await process.wait()
            if code != 0 or self._last.get("state") != "finished":
                raise await self._failure(code)
        finally:
            reading.cancel()
            stopping.cancel()
            await self._kill()

    async def _read(self, stream: asyncio.StreamReader) -> None:
        while line := await stream.readline():
            self._last = json.loads(line)

    async def _failure(self, code: int) -> RuntimeError:
        said = (await self._erring).strip().splitlines() if self._erring is not None else []
        return RuntimeError(f"the SDK clients exited with {code}: {' | '.join(said[-3:])}")

    async def _kill(self) -> None:
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()
        if self._erring is not None:
            self._erring.cancel()


async def _tail(stream: asyncio.StreamReader) -> str:
    """The end of what was written to stderr; all of it is read, or the process would block."""
    kept = b""
    while chunk := await stream.read(65536):
        kept = (kept + chunk)[-4096:]
    return kept.decode("utf-8", "replace")
