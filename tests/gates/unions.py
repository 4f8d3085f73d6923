# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find types joined with ``|`` that Python 3.9 would evaluate: ``python -m tests.gates.unions FOLDER``.

Annotations are not evaluated and may have them; ``Maybe = str | None`` and ``isinstance(x, int | str)``
stop the import or the call there. Neither ruff nor vermin tells the two apart.
"""

from __future__ import annotations

import ast
import builtins
import re
import sys
from collections.abc import Iterator
from pathlib import Path

CLASS_NAME = re.compile(r"_*[A-Z]\w*[a-z]\w*")


def evaluated_unions(source: str) -> list[int]:
    """Lines on which a union of types is evaluated; what is a type is told by its name."""
    return [
        node.lineno
        for node in _evaluated(ast.parse(source))
        if isinstance(node, ast.BinOp)
        and isinstance(node.op, ast.BitOr)
        and (_is_type(node.left) or _is_type(node.right))
    ]


def _evaluated(node: ast.AST) -> Iterator[ast.AST]:
    yield node
    for name, value in ast.iter_fields(node):
        if name not in ("annotation", "returns"):
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, ast.AST):
                    yield from _evaluated(child)


def _is_type(node: ast.expr) -> bool:
    if isinstance(node, ast.Subscript):
        return _is_type(node.value)
    if isinstance(node, ast.Constant):
        return node.value is None
    name = node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
    return isinstance(getattr(builtins, name, None), type) or bool(CLASS_NAME.fullmatch(name))


def main(folder: Path) -> int:
    """Name each place; exit code 1 when there is one."""
    found = [
        f"{path}:{line}: a union of types that is evaluated: use Optional or Union, or a tuple"
        for path in sorted(folder.rglob("*.py"))
        for line in evaluated_unions(path.read_text("utf-8"))
    ]
    print("\n".join(found))
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
