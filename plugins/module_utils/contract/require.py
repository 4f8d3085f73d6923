# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether what was observed satisfies what the owner requires. Expectations are JMESPath (jmespath.org)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from ..errors import FleetError
from .change import BREAKING
from .document import Budget
from .schemas import INPUT, OUTPUT, differences

try:
    import jmespath
except ImportError:
    HAS_JMESPATH = False
else:
    HAS_JMESPATH = True


def missing_tools(required: Collection[str], offered: Collection[str]) -> list[str]:
    """Required tools that are not offered, in order."""
    return [tool for tool in required if tool not in offered]


def unfit(wanted: Mapping[str, Any], tool: Mapping[str, Any] | None) -> tuple[str, ...]:
    """Why a tool is not what clients rely on; nothing where it is.

    :param wanted: the ``input`` that they send and the ``output`` that they read, either or both, as schemas.
    :param tool: as it is offered; None when it is not.
    """
    if tool is None:
        return ("it is not offered",)
    reasons: list[str] = []
    for side, direction, key in (("input", INPUT, "inputSchema"), ("output", OUTPUT, "outputSchema")):
        if side in wanted:
            offered = tool.get(key)
            if offered is None:
                reasons.append(f"it has no {key}")
                continue
            found = differences(direction, wanted[side], offered, Budget())
            reasons += [reason for weight, reason in found if weight == BREAKING]
    return tuple(reasons)


def check_expression(expression: str) -> None:
    """:raises FleetError: when it is no JMESPath, saying where it goes wrong."""
    try:
        jmespath.compile(expression)
    except jmespath.exceptions.JMESPathError as error:
        message = " ".join(str(error).split())
        raise FleetError(
            f"read the expectation {expression!r}",
            f"it is no JMESPath: {message}",
            "Correct require.calls.expect.",
        ) from error


def disappointment(
    expression: str | None,
    result: Mapping[str, Any] | None,
    error: str | None,
    shown: Callable[[str], str],
) -> str | None:
    """Why the answer of a required call will not do; None when it will.

    Without an expression any answer that is not an error (``isError``) will do; with one it must be true.

    :param shown: makes what the server said fit to be shown: short, and without secrets.
    """
    if result is None:
        return error or "no answer"
    if expression is None:
        return f"the tool failed: {shown(repr(result.get('content')))}" if result.get("isError") else None
    try:
        value = jmespath.search(expression, result)
    except jmespath.exceptions.JMESPathError as problem:
        return f"{expression!r} cannot be applied to {shown(repr(result))}: {shown(str(problem))}"
    return None if value is True else f"{expression!r} gave {shown(repr(value))} on {shown(repr(result))}"
