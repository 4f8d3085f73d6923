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


class SdkClients:
    """Runs ``sdk_client.py`` with the interpreter that has the SDK, and holds its last report."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._last: dict[str, Any] = {"state": "starting"}

    def report(self) -> dict[str, Any]:
        """What the SDK's clients have counted."""
        return self._last

    async def run(self, stop: asyncio.Event) -> None:
        """Run them until told to stop. Raises RuntimeError when the process itself fails."""
        options = self._options
        work = {
            "targets": [[target.name, target.url, era] for target in options.targets for era in target.eras],
            "clients": options.sdk_clients,
            "think": options.think,
            "timeout": options.timeout,
        }
        process = await asyncio.create_subprocess_exec(
            str(options.sdk_python),
            str(SCRIPT),
            json.dumps(work),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            limit=LINE_LIMIT,
            start_new_session=True,
        )
        assert process.stdin is not None and process.stdout is not None and process.stderr is not None
        reading = asyncio.create_task(self._read(process.stdout))
        erring = asyncio.create_task(_tail(process.stderr))
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({reading, stopping}, return_when=asyncio.FIRST_COMPLETED)
            process.stdin.close()
            async with asyncio.timeout(options.timeout + 10):
                await reading
                code = await process.wait()
            if code != 0 or self._last["state"] != "finished":
                said = (await erring).strip().splitlines()
                raise RuntimeError(f"the SDK clients exited with {code}: {' | '.join(said[-3:])}")
        finally:
            for task in (reading, erring, stopping):
                task.cancel()
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                await process.wait()

    async def _read(self, stream: asyncio.StreamReader) -> None:
        while line := await stream.readline():
            self._last = json.loads(line)


async def _tail(stream: asyncio.StreamReader) -> str:
    """The end of what was written to stderr; all of it is read, or the process would block."""
    kept = b""
    while chunk := await stream.read(65536):
        kept = (kept + chunk)[-4096:]
    return kept.decode("utf-8", "replace")
