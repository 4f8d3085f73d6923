# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a load is made of: its targets and settings, from a command line and back to one."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

LEGACY = "legacy"
MODERN = "modern"
ERAS = (LEGACY, MODERN)


@dataclass(frozen=True)
class ToolCall:
    """A tool that the clients of a target call, with its arguments."""

    tool: str
    arguments: dict[str, Any]


@dataclass(frozen=True)
class Target:
    """One URL under load.

    ``stateful``: the target offers the tools ``remember`` (argument ``value``) and ``recall`` (no argument,
    its text is the value) whose state belongs to the session; legacy clients check it. ``streaming``: its
    clients hold event streams; a server that has none of them answers with errors of its own.
    """

    name: str
    url: str
    eras: tuple[str, ...]
    calls: tuple[ToolCall, ...] = ()
    stateful: bool = False
    streaming: bool = True


@dataclass(frozen=True)
class Options:
    """A load. Numbers of clients and streams are per target and era; all times are in seconds.

    ``session_seconds`` and ``stream_seconds`` of 0 mean for as long as possible, ``duration`` of 0 until it
    is told to stop. ``end_with_stdin`` also stops it when its standard input ends, which is how a load does
    not outlive the process that started it.
    """

    targets: tuple[Target, ...]
    legacy: int = 0
    modern: int = 0
    streams: int = 0
    think: float = 0.1
    session_seconds: float = 0.0
    stream_seconds: float = 0.0
    duration: float = 0.0
    timeout: float = 30.0
    report: Path | None = None
    progress: bool = False
    sdk_clients: int = 0
    sdk_python: Path | None = None
    end_with_stdin: bool = False

    def clients_of(self, era: str) -> int:
        """How many clients of an era each target that has it gets."""
        return self.legacy if era == LEGACY else self.modern

    def argv(self) -> list[str]:
        """The command line that ``parse`` makes the same options of."""
        argv: list[str] = []
        for target in self.targets:
            argv += ["--target", f"{target.name}={target.url}:{','.join(target.eras)}"]
            for call in target.calls:
                argv += ["--call", f"{target.name}:{call.tool}:{json.dumps(call.arguments)}"]
            if target.stateful:
                argv += ["--stateful", target.name]
            if not target.streaming:
                argv += ["--no-streams", target.name]
        for name in ("legacy", "modern", "streams", "sdk_clients"):
            argv += [_flag(name), str(getattr(self, name))]
        for name in ("think", "session_seconds", "stream_seconds", "duration", "timeout"):
            argv += [_flag(name), repr(float(getattr(self, name)))]
        for name in ("report", "sdk_python"):
            if getattr(self, name) is not None:
                argv += [_flag(name), str(getattr(self, name))]
        for name in ("progress", "end_with_stdin"):
            if getattr(self, name):
                argv.append(_flag(name))
        return argv


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")


def _target(text: str) -> Target:
    name, equals, rest = text.partition("=")
    url, colon, eras_text = rest.rpartition(":")
    eras = tuple(dict.fromkeys(eras_text.split(",")))
    if not (name and equals and colon) or not url.startswith(("http://", "https://")):
        raise argparse.ArgumentTypeError(
            f"{text!r} is not NAME=URL:ERA[,ERA], such as time=http://127.0.0.1:8080/mcp:legacy,modern"
        )
    unknown = [era for era in eras if era not in ERAS]
    if unknown:
        raise argparse.ArgumentTypeError(
            f"{text!r} has the era {unknown[0]!r}; there are {' and '.join(ERAS)}"
        )
    return Target(name, url, eras)


def _call(text: str) -> tuple[str, ToolCall]:
    name, _colon, rest = text.partition(":")
    tool, _colon, arguments_text = rest.partition(":")
    try:
        arguments = json.loads(arguments_text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"the arguments in {text!r} are not JSON: {error}") from error
    if not (name and tool and isinstance(arguments, dict)):
        raise argparse.ArgumentTypeError(
            f'{text!r} is not NAME:TOOL:JSON, such as time:echo:{{"text": "hi"}}'
        )
    return name, ToolCall(tool, arguments)


def _count(text: str) -> int:
    if not text.isdigit():
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 0")
    return int(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds from 0")
    return seconds


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.load", description=__doc__)
    add = parser.add_argument
    add(
        "--target",
        type=_target,
        action="append",
        required=True,
        metavar="NAME=URL:ERA[,ERA]",
        help="what to put under load, in which eras (legacy, modern); may be given again",
    )
    add("--legacy", type=_count, default=0, metavar="N", help="legacy clients on each legacy target")
    add("--modern", type=_count, default=0, metavar="N", help="modern clients on each modern target")
    add(
        "--streams",
        type=_count,
        default=0,
        metavar="N",
        help="clients of each target and era that also hold an event stream open",
    )
    add(
        "--think",
        type=_seconds,
        default=0.1,
        metavar="SECONDS",
        help="mean time between the requests of a client, varied by 50 %% (default 0.1)",
    )
    add(
        "--session-seconds",
        type=_seconds,
        default=0.0,
        metavar="SECONDS",
        help="how long a legacy session lives before it is ended by DELETE and another opened; 0: to the end",
    )
    add(
        "--stream-seconds",
        type=_seconds,
        default=0.0,
        metavar="SECONDS",
        help="how long a client holds a stream before it closes it and opens another; 0: to the end",
    )
    add(
        "--call",
        type=_call,
        action="append",
        default=[],
        metavar="NAME:TOOL:JSON",
        help="a tool that the clients of the target NAME also call; may be given again",
    )
    add(
        "--no-streams",
        action="append",
        default=[],
        metavar="NAME",
        help="the clients of the target NAME hold no event streams",
    )
    add(
        "--stateful",
        action="append",
        default=[],
        metavar="NAME",
        help="check the state of the sessions of the target NAME by its tools remember and recall",
    )
    add("--duration", type=_seconds, default=0.0, metavar="SECONDS", help="0: until SIGTERM or SIGINT")
    add(
        "--timeout",
        type=_seconds,
        default=30.0,
        metavar="SECONDS",
        help="how long a request may take before it has failed (default 30)",
    )
    add("--report", type=Path, metavar="FILE", help="where the report goes, every second and at the end")
    add("--progress", action="store_true", help="a line each second on stderr")
    add(
        "--sdk-clients",
        type=_count,
        default=0,
        metavar="N",
        help="also N clients of the official Python SDK on each target and era",
    )
    add("--sdk-python", type=Path, metavar="PATH", help="the interpreter that has the SDK (mcp 2.3.0)")
    add("--end-with-stdin", action="store_true", help="stop when standard input ends, too")
    return parser


def parse(argv: Sequence[str] | None = None) -> Options:
    """Options from a command line (by default the process's own); exits with a message when it is wrong."""
    parser = _parser()
    given = parser.parse_args(argv)
    targets: dict[str, Target] = {}
    for target in given.target:
        if target.name in targets:
            parser.error(f"two targets have the name {target.name!r}")
        targets[target.name] = target
    for name in [name for name, _call in given.call] + given.stateful + given.no_streams:
        if name not in targets:
            parser.error(f"there is no target {name!r}; there are: {', '.join(targets)}")
    for name, call in given.call:
        targets[name] = replace(targets[name], calls=(*targets[name].calls, call))
    for name in given.stateful:
        if LEGACY not in targets[name].eras:
            parser.error(
                f"--stateful {name}: only legacy clients have sessions, and the target has no legacy era"
            )
        targets[name] = replace(targets[name], stateful=True)
    for name in given.no_streams:
        targets[name] = replace(targets[name], streaming=False)
    own = ("target", "call", "stateful", "no_streams")
    settings = {key: value for key, value in vars(given).items() if key not in own}
    options = Options(targets=tuple(targets.values()), **settings)
    eras = {era for target in options.targets for era in target.eras}
    used = [era for era in ERAS if era in eras and options.clients_of(era)]
    if not used and not options.sdk_clients:
        parser.error("there is no client: give --legacy, --modern or --sdk-clients")
    for era in used:
        if options.streams > options.clients_of(era):
            parser.error(
                f"--streams {options.streams} is more than --{era} {options.clients_of(era)}; each holds one"
            )
    if options.streams and not used:
        parser.error("--streams needs --legacy or --modern clients to hold them")
    if options.sdk_clients and options.sdk_python is None:
        parser.error("--sdk-clients needs --sdk-python, an interpreter that has mcp 2.3.0")
    if not options.timeout:
        parser.error("--timeout must be more than 0")
    return options
