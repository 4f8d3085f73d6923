# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clients written with the official Python SDK (mcp 2.3.0), as a program of its own.

It is run by an interpreter that has the SDK, with its work as JSON in the one argument. It prints a report
as one line of JSON each second and, once its standard input has ended, the last one.

Every exception that the SDK raises is one failed request. After an error answer a client goes on with its
connection; where the SDK has torn the connection down, or the session is unknown to the server, it opens
another, as a user of the SDK has to. Answers are never taken from the SDK's cache. What the SDK keeps to
itself (an event stream of its own that it lost, a session that could not be ended) cannot be counted here.
"""

# mypy: disable-error-code="import-not-found,unused-ignore,import-untyped"
from __future__ import annotations

import asyncio
import contextlib
import json
import random
import sys
import time
from collections import Counter
from typing import Any

from mcp import MCPError
from mcp.client import Client

SHOWN = 20
MODES = {"legacy": "legacy", "modern": "2026-07-28"}
AFTER_FAILURE = 0.1


def leaves(error: BaseException) -> list[BaseException]:
    """The exceptions in a group of them; the SDK's task groups wrap what went wrong."""
    if isinstance(error, BaseExceptionGroup):
        return [leaf for each in error.exceptions for leaf in leaves(each)]
    return [error]


def reason_of(error: BaseException) -> str:
    """The reason under which an exception is counted."""
    if isinstance(error, MCPError):
        return f"jsonrpc {error.error.code}"
    return type(error).__name__


class Counts:
    """What the clients have counted."""

    def __init__(self) -> None:
        self.requests = 0
        self.failures: Counter[str] = Counter()
        self.sessions: Counter[str] = Counter()
        self.first_failures: list[dict[str, str]] = []

    def failed(self, client: Caller, what: str, error: BaseException) -> None:
        """Count one failed request."""
        leaf = leaves(error)[0]
        self.requests += 1
        self.failures[reason_of(leaf)] += 1
        if len(self.first_failures) < SHOWN:
            stamp = time.strftime("%Y-%m-%dT%H:%M:%S")
            told = f"{what}: {type(leaf).__name__}: {leaf}"[:400]
            self.first_failures.append(
                {"time": stamp, "target": client.target, "era": client.era, "what": told}
            )

    def report(self, state: str) -> dict[str, Any]:
        """The report.

        Requests are calls of the SDK (opening a legacy session is one). Sessions are the legacy ones: ended
        by us, lost as the server said, or torn_down by the SDK itself, which it does when it cannot connect.
        """
        return {
            "state": state,
            "requests": self.requests,
            "failed": self.failures.total(),
            "failures": dict(self.failures),
            "sessions": {name: self.sessions[name] for name in ("opened", "ended", "lost", "torn_down")},
            "first_failures": self.first_failures,
        }


async def think(stop: asyncio.Event, mean: float) -> None:
    """Wait for the think time, or until all is to end."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(mean * random.uniform(0.5, 1.5)):
            await stop.wait()


class Caller:
    """One client: opens a connection, lists the tools again and again, closes it in the end."""

    def __init__(self, work: dict[str, Any], target: str, url: str, era: str, counts: Counts) -> None:
        self.target = target
        self.era = era
        self._url = url
        self._think = float(work["think"])
        self._timeout = float(work["timeout"])
        self._counts = counts

    async def live(self, stop: asyncio.Event) -> None:
        """Hold one connection after the other until all is to end."""
        await think(stop, min(self._think, 1.0))
        while not stop.is_set():
            end, opened = await self._hold(stop)
            if opened and self.era == "legacy":
                self._counts.sessions[end] += 1
            if end != "ended":
                await think(stop, max(self._think, AFTER_FAILURE))

    async def _hold(self, stop: asyncio.Event) -> tuple[str, bool]:
        """One connection, used until it is of no use or all is to end: how it ended, whether it was open."""
        what = "open"
        opened = False
        try:
            async with Client(
                self._url, mode=MODES[self.era], cache=None, read_timeout_seconds=self._timeout
            ) as client:
                opened = True
                if self.era == "legacy":
                    self._counts.requests += 1
                    self._counts.sessions["opened"] += 1
                while not stop.is_set():
                    what = "list_tools"
                    try:
                        await client.list_tools()
                        self._counts.requests += 1
                    except MCPError as error:
                        self._counts.failed(self, what, error)
                        if "session" in error.error.message.lower():
                            return "lost", opened
                    what = "between two requests"
                    await think(stop, self._think)
                what = "close"
        except Exception as error:
            self._counts.failed(self, what, error)
            return "torn_down", opened
        return "ended", opened


async def until_stdin_ends(stop: asyncio.Event) -> None:
    """Tell all to end when standard input has."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    await reader.read()
    stop.set()


async def tell(counts: Counts) -> None:
    """A report each second."""
    while True:
        print(json.dumps(counts.report("running")), flush=True)
        await asyncio.sleep(1)


async def main(work: dict[str, Any]) -> None:
    """Run the clients until standard input ends."""
    counts = Counts()
    stop = asyncio.Event()
    others = [asyncio.create_task(until_stdin_ends(stop)), asyncio.create_task(tell(counts))]
    await asyncio.gather(
        *(
            Caller(work, target, url, era, counts).live(stop)
            for target, url, era in work["targets"]
            for _number in range(work["clients"])
        )
    )
    for task in others:
        task.cancel()
    print(json.dumps(counts.report("finished")), flush=True)


if __name__ == "__main__":
    asyncio.run(main(json.loads(sys.argv[1])))
