# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Deploy, put under load, update in waves, try a bad release, show what clients noticed, clean up."""

from __future__ import annotations

import shutil
import socket
import sys
import tempfile
import textwrap
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from ansible_collections.mcpops.fleet.plugins.module_utils.audit.chain import Chain, Part, check
from ansible_collections.mcpops.fleet.plugins.module_utils.effects import Effects
from ansible_collections.mcpops.fleet.plugins.module_utils.host.layout import read_layout
from ansible_collections.mcpops.fleet.plugins.module_utils.update.host import trail_of
from tests.load.control import Load
from tests.load.options import Options, Target, ToolCall
from tests.support.command import INTERRUPTED, execute

from .playbook import REPOSITORY, Playbooks, Run
from .table import render, switches, went_back

NODES = ("node1", "node2", "node3")
LONGEST_ROOT = 60
"""Characters of the demo's folder: below it are unix sockets, whose paths have room for 108."""

SWITCHES = 10
"""Three servers on each node, and one more on the first."""

NEWER = {
    "everything_version": "2026.8.31",
    "context7_version": "4.1.1",
    "duckduckgo_version": "0.7.0",
    "time_version": "2026.10.19",
}
BAD = {**NEWER, "duckduckgo_version": "0.5.0"}
"""A real release that no longer starts: it asks for any version of the SDK, and the newest broke it."""


class Demo:
    """One run; ``close`` takes down whatever it had brought up."""

    def __init__(self) -> None:
        self.root = _root()
        self.port = _free_base()
        self.playbooks = Playbooks(self.root, self.port)
        self.load: Load | None = None

    def run(self) -> int:
        started = time.monotonic()
        _say("1/4  Deploy three servers from npm and PyPI to three nodes, and one over stdio to the first")
        self._must(self.playbooks.run("demo", "1-deploy", {"mcp_update_waves": ["100%"]}))
        _say("2/4  Put MCP clients of both eras on the edges, and keep them there until the end")
        self.load = Load.start(self._options())
        self.load.until(lambda report: report["requests"] > 200)
        _say("3/4  Update all servers, one node first, then the others")
        waves = {"mcp_update_waves": [1, "100%"]}
        updated = self.playbooks.run("update", "2-update", {**NEWER, **waves})
        self._must(updated)
        _say("4/4  Update duckduckgo to 0.5.0, a release that is bad")
        bad = self.playbooks.run("update", "3-bad", {**BAD, **waves})
        if bad.returncode == 0:
            raise SystemExit("The bad release was accepted; it should have been rolled back.")
        time.sleep(2)
        report = self.load.stop()
        return self._sum_up(report, updated, bad, time.monotonic() - started)

    def close(self) -> None:
        """End the load and the fleet, and remove the releases; packages stay cached."""
        if self.load is not None:
            self.load.close()
        _say("Clean up")
        done = self.playbooks.run("demo", "4-clean-up", {"mcp_demo_state": "absent"})
        if done.returncode != 0:
            print(f"  It failed; see {done.log}")
        Effects().remove_tree(self.root / "releases")

    def _options(self) -> Options:
        def url(node: int, server: str) -> str:
            return f"http://127.0.0.1:{self.port + node}/{server}"

        echo = ToolCall("echo", {"message": "hi"})
        targets = [
            target
            for node in (1, 2, 3)
            for target in (
                Target(f"node{node}/everything", url(node, "everything"), ("legacy",), (echo,)),
                Target(f"node{node}/context7", url(node, "context7"), ("legacy", "modern"), streaming=False),
                Target(f"node{node}/duckduckgo", url(node, "duckduckgo"), ("legacy",)),
            )
        ]
        return Options(
            targets=tuple(targets),
            legacy=2,
            modern=2,
            streams=1,
            think=0.3,
            session_seconds=6,
            stream_seconds=5,
        )

    def _record(self, node: str) -> list[Part]:
        """What a node has on record; a copy stays with the logs."""
        parts = trail_of(read_layout(self.root / node / "etc" / "host.json"), Effects()).parts()
        for part in parts:
            (self.playbooks.logs / f"{node}-{part.name}").write_bytes(part.data)
        return parts

    def _must(self, run: Run) -> None:
        if run.returncode != 0:
            print("\n".join(run.log.read_text().splitlines()[-25:]))
            raise SystemExit(f"The playbook failed (exit code {run.returncode}); its whole output: {run.log}")

    def _sum_up(self, report: dict[str, Any], updated: Run, bad: Run, seconds: float) -> int:
        sessions, streams, latency = report["sessions"], report["streams"], report["latency_ms"]
        kept = sessions["opened"] - sessions["lost"]
        times = switches(updated.report)
        failed = {
            "failed requests": report["failed"],
            "sessions lost": sessions["lost"],
            "streams cut": streams["cut"],
        }
        back = went_back(bad.report)
        rows = [
            ("", "count", ""),
            (
                "requests", str(report["requests"]),
                f"p50 {latency['p50']:.1f} ms, p99 {latency['p99']:.1f} ms",
            ),
            ("failed", f"{report['failed']}", _reasons(report["failures"])),
            ("sessions kept", f"{kept} of {sessions['opened']}", _reasons(sessions["lost_reasons"])),
            ("streams cut", f"{streams['cut']} of {streams['opened']}", _reasons(streams["cut_reasons"])),
            ("switches", f"{len(times)}", f"{times[0]:.1f} to {times[-1]:.1f} ms each" if times else ""),
            ("rolled back", f"{len(back)}", ""),
        ]  # fmt: skip
        print("\n" + render(rows))
        for line in back:
            print(textwrap.fill(line, 108, initial_indent="  ", subsequent_indent="    "))
        for host in sorted(bad.report):
            versions = ", ".join(
                f"{name} {result['version']}"
                for name, result in sorted(updated.report[host]["servers"].items())
            )
            print(f"  {host} now runs {versions}")
        records = {node: self._record(node) for node in NODES}
        chains = {node: check(parts) for node, parts in records.items()}
        for node, chain in chains.items():
            whole = "its chain is whole" if _is_whole(chain) else f"NOT whole: {chain.problems}"
            print(f"  {node} has {len(chain.lines)} lines on record, {whole}")
        lying = check(
            [replace(part, data=part.data.replace(b'"undone"', b'"done"')) for part in records["node1"]]
        )
        print(f"  a copy of node1's in which the bad update went well: {_seen(lying)}")
        for first in report["first_failures"][:5]:
            print(f"  first failures: {first}")
        good = not any(failed.values()) and len(back) == 1 and len(times) == SWITCHES
        good = good and all(map(_is_whole, chains.values())) and not _is_whole(lying)
        print(
            f"\n{'As promised' if good else 'NOT as promised'}; {seconds:.0f} s in all."
            f" Logs: {self.playbooks.logs}"
        )
        return 0 if good else 1


def _is_whole(record: Chain) -> bool:
    return not record.problems and record.torn == 0 and len(record.lines) > 0


def _seen(record: Chain) -> str:
    problem = next(iter(record.problems), None)
    return f"refused: {problem}" if problem else "NOT refused"


def _reasons(reasons: dict[str, int]) -> str:
    return ", ".join(f"{count} × {reason}" for reason, count in sorted(reasons.items()))


def _say(text: str) -> None:
    print(f"\n{text}", flush=True)


def _root() -> Path:
    """A folder of the checkout's own; elsewhere only when the checkout lies too deep for unix sockets."""
    root = REPOSITORY / ".work" / "demo"
    return root if len(str(root)) <= LONGEST_ROOT else Path(tempfile.gettempdir()) / f"mcpops-demo-{_user()}"


def _user() -> int:
    return Path.home().stat().st_uid


def _free_base() -> int:
    """A number such that the edges' ports counted from it are free."""
    for base in range(20080, 30000, 500):
        try:
            for node in range(1, len(NODES) + 1):
                socket.create_server(("127.0.0.1", base + node)).close()
            return base
        except OSError:
            continue
    raise SystemExit("No free ports between 20080 and 30000 on loopback.")


def main() -> int:
    """Run the demo; the exit code is 0 when it showed what it promises."""
    if shutil.which("haproxy") is None:
        print("HAProxy 2.6 or newer is missing: sudo apt-get install -y haproxy", file=sys.stderr)
        return 2
    demo = Demo()
    try:
        return demo.run()
    except KeyboardInterrupt:
        print("\nStopped by you.")
        return INTERRUPTED
    finally:
        demo.close()


if __name__ == "__main__":
    execute(main)
