# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether artifacts fit a host, and what wheels and tools are asked for."""

from __future__ import annotations

import platform
import sys

import pytest

from ansible_collections.mcpops.fleet.plugins.module_utils.effects import Effects
from ansible_collections.mcpops.fleet.plugins.module_utils.errors import FleetError
from ansible_collections.mcpops.fleet.plugins.module_utils.release.target import (
    Target,
    needs_of_wheels,
    target_from,
    target_of,
)

HOST = Target("3.11.7", "x86_64", "glibc 2.36")


@pytest.mark.parametrize(
    "needs",
    [
        Target(),
        HOST,
        Target("3.11", "x86_64", None),
        Target("3.11.2", "x86_64", "glibc 2.17"),
        Target(None, "x86_64", "glibc"),
        Target(None, None, "glibc 2.9"),
    ],
    ids=str,
)
def test_a_host_has_what_is_needed_or_something_newer(needs: Target) -> None:
    assert needs.misfit(HOST) is None


@pytest.mark.parametrize(
    ("needs", "said"),
    [
        (Target(python="3.9.2"), "for Python 3.9.2, and releases of this host run on Python 3.11.7"),
        (Target(python="3.12"), "for Python 3.12,"),
        (Target(python="3.11.8"), "for Python 3.11.8,"),
        (Target(python="3.11.10"), "for Python 3.11.10,"),
        (Target(machine="aarch64"), "for aarch64, and this host is x86_64"),
        (Target(libc="glibc 2.38"), "needs glibc 2.38, and this host has glibc 2.36"),
        (Target(libc="musl 1.2"), "needs musl 1.2, and this host has glibc 2.36"),
        (Target(libc="musl"), "needs musl, and this host has glibc 2.36"),
    ],
)
def test_what_does_not_fit_is_said(needs: Target, said: str) -> None:
    assert said in str(needs.misfit(HOST))


@pytest.mark.parametrize(
    ("wheels", "libc"),
    [
        (["a-1-py3-none-any.whl", "b-1-py2.py3-none-any.whl"], None),
        (["a-1-cp311-cp311-manylinux2014_x86_64.manylinux_2_17_x86_64.whl"], "glibc 2.17"),
        (["a-1-cp311-abi3-manylinux_2_17_x86_64.manylinux_2_28_x86_64.whl"], "glibc 2.17"),
        (["a-1-cp311-abi3-manylinux_2_34_x86_64.whl", "b-1-cp36-abi3-manylinux1_x86_64.whl"], "glibc 2.34"),
        (["a-1-cp311-cp311-linux_x86_64.whl"], "glibc 2.36"),
    ],
)
def test_wheels_need_the_newest_c_library_of_their_tags(wheels: list[str], libc: str | None) -> None:
    assert needs_of_wheels(wheels, HOST) == Target("3.11.7", "x86_64", libc)


def test_wheels_of_musl_need_musl() -> None:
    made_for = Target("3.12.1", "aarch64", "musl 1.2")
    wheel = "a-1-cp312-cp312-musllinux_1_2_aarch64.whl"
    assert needs_of_wheels([wheel], made_for).libc == "musl 1.2"


@pytest.mark.parametrize(
    ("target", "name"),
    [
        (HOST, "x86_64-manylinux_2_36"),
        (Target("3.11", "x86_64", "glibc 2.29"), "x86_64-manylinux_2_28"),
        (Target("3.11", "aarch64", "glibc 2.99"), "aarch64-manylinux_2_40"),
        (Target("3.11", "aarch64", "musl 1.2"), "aarch64-unknown-linux-musl"),
    ],
    ids=str,
)
def test_uv_is_asked_for_the_newest_platform_that_the_host_has(target: Target, name: str) -> None:
    assert target.uv_platform() == name


@pytest.mark.parametrize("other", [("s390x", "glibc 2.36"), ("x86_64", "glibc 2.12")])
def test_a_platform_that_uv_does_not_know_is_refused(other: tuple[str, str]) -> None:
    with pytest.raises(FleetError, match="uv does not know this platform.*from the registry"):
        Target("3.11", *other).uv_platform()


def test_wheels_for_the_host_s_c_library_and_older_ones_are_taken() -> None:
    tags = HOST.wheel_platforms()
    assert tags[0] == "manylinux_2_36_x86_64"
    assert {"manylinux_2_17_x86_64", "manylinux2014_x86_64", "manylinux1_x86_64", "linux_x86_64"} <= set(tags)
    assert "manylinux_2_37_x86_64" not in tags
    assert Target("3.12", "x86_64", "musl 1.2").wheel_platforms()[0] == "musllinux_1_2_x86_64"


def test_of_targets_the_older_comes_first() -> None:
    versions = ["3.11.10", "3.9.2", "3.11.2"]
    ordered = sorted((Target(version, "x86_64", "glibc 2.36") for version in versions), key=Target.age)
    assert [target.python for target in ordered] == ["3.9.2", "3.11.2", "3.11.10"]


@pytest.mark.parametrize(
    "raw",
    [{"python": "3"}, {"python": "../3.11"}, {"machine": "x86-64;"}, {"libc": "2.36"}, {"node": "20"}, None],
)
def test_what_is_no_target_is_refused(raw: object) -> None:
    with pytest.raises(FleetError, match="read a target"):
        target_from(raw)


def test_a_host_says_itself_what_it_is() -> None:
    here = target_of(Effects(), sys.executable)
    assert here.python == platform.python_version()
    assert here.machine == platform.machine()
    assert here.misfit(here) is None
