# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which gates there are, in the order in which they run: the quick ones first."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from .gate import Gate
from .workplace import Workplace

PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"

AT_ONCE = ["--numprocesses=2", "--dist=loadfile"]
"""Two workers of pytest-xdist; files share what they have made, so each is one worker's."""

MANY_AT_ONCE = ["--numprocesses=4", "--dist=loadfile"]
"""For tests that mostly wait for servers; ``tests/integration/conftest.py`` says which share a worker."""


def static_gates(place: Workplace) -> list[Gate]:
    """Gates that read the code and run nothing of it."""
    at_home = {
        "HOME": str(place.home),
        "ANSIBLE_HOME": str(place.home / ".ansible"),
        "ANSIBLE_COLLECTIONS_PATH": str(place.work / "tree"),
        "LC_ALL": "C.UTF-8",
        "NO_COLOR": "1",
        "PYTHONPATH": "",
    }
    return [
        Gate("ruff", place.root, [["ruff", "check", "."], ["ruff", "format", "--check", "."]]),
        # ruff sees syntax that is too new for Python 3.9, vermin what the standard library lacks there.
        Gate(
            "python3.9",
            place.root,
            [
                ["vermin", "--target=3.9-", "--violations", "--no-tips", "plugins"],
                [sys.executable, "-m", "tests.gates.unions", "plugins"],
            ],
        ),
        Gate("mypy", place.root, [["mypy", "-p", "ansible_collections.mcpops.fleet.plugins", "-p", "tests"]]),
        Gate("yamllint", place.tree, [["yamllint", "--strict", "."]]),
        Gate("shellcheck", place.root, [["shellcheck", "requirements/setup.sh", ".ci/run"]]),
        Gate(
            "changelog",
            place.tree,
            [
                ["antsibull-changelog", "lint"],
                ["antsibull-changelog", "lint-changelog-yaml", "changelogs/changelog.yaml"],
            ],
            at_home,
        ),
        Gate(
            "docs",
            place.tree,
            [
                [
                    "antsibull-docs",
                    "lint-collection-docs",
                    "--plugin-docs",
                    "--validate-collection-refs",
                    "self",
                    ".",
                ]
            ],
            at_home,
        ),
        Gate("ansible-lint", place.tree, [["ansible-lint", "--offline", "--profile", "production"]], at_home),
        Gate(
            "sanity",
            place.tree,
            [
                ["sh", "-c", "! ls tests/sanity/ignore*.txt 2>/dev/null"],
                ["ansible-test", "sanity", "--python", PYTHON],
            ],
            at_home,
            forbidden=r"WARNING: (Skipping|Required program)",
        ),
        Gate(
            "galaxy",
            place.built,
            [
                ["ansible-galaxy", "collection", "build", "--force", str(place.tree)],
                [sys.executable, "-m", "galaxy_importer.main", str(place.artifact)],
            ],
            # ansible-lint is a gate of its own, with all rules; the importer gives it three minutes.
            {**at_home, "GALAXY_IMPORTER_RUN_ANSIBLE_LINT": "False"},
            # The importer passes what it only warns of.
            forbidden=r"^(WARNING|ERROR)",
        ),
    ]


def test_gates(place: Workplace) -> list[Gate]:
    """Gates that run the code."""
    return [
        _tests(place, "unit", [*AT_ONCE, "tests/unit", "tests/gates"], deadline=900),
        _tests(place, "integration", [*MANY_AT_ONCE, "tests/integration"], deadline=2700),
        Gate(
            "fault",
            place.root,
            [[sys.executable, "-m", "tests.fault", "--part"]],
            {"ANSIBLE_HOME": str(place.home / ".ansible")},
            noted=r"^attacks +\| SKIPPED",
            live=True,
            deadline=900,
        ),
        Gate(
            "molecule",
            place.root,
            [[sys.executable, "-m", "tests.molecule", "--where-possible"]],
            noted="^SKIPPED",
            live=True,
            deadline=1800,
        ),
    ]


def _tests(place: Workplace, name: str, arguments: Sequence[str], deadline: float) -> Gate:
    command = ["pytest", *arguments]
    if sys.stdout.isatty():
        command.append("--color=yes")
    # What a test can miss is installed, except root itself: without it a skipped test is told, not forbidden.
    ends = "skipped|xfailed|xpassed" if os.geteuid() == 0 else "xfailed|xpassed"
    return Gate(
        name,
        place.root,
        [command],
        {"ANSIBLE_HOME": str(place.home / ".ansible")},
        forbidden=rf"^=+ .*\b({ends})\b.* =+$",
        noted=r"^SKIPPED \[",
        live=True,
        deadline=deadline,
    )
