"""Whether the machine was a drill's own, from a /proc of our own making, and what that does to a verdict."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from trimtab.drills.machine import KERNEL_THREAD, Sample, about, others, sample, spare
from trimtab.drills.verdict import Value, Verdict, believed

CPUS, TICKS = os.cpu_count() or 1, os.sysconf("SC_CLK_TCK")


def process(proc: Path, pid: int, parent: int, ticks: int, *, flags: int = 0, name: str = "sh") -> None:
    rest = [
        "S",
        str(parent),
        "1",
        "1",
        "0",
        "-1",
        str(flags),
        "0",
        "0",
        "0",
        "0",
        str(ticks),
        "0",
        "0",
        "0",
        "20",
    ]
    (proc / str(pid)).mkdir(exist_ok=True)
    (proc / str(pid) / "stat").write_text(f"{pid} ({name}) {' '.join(rest)}\n")


@pytest.fixture
def proc(tmp_path: Path) -> Path:
    (tmp_path / "stat").write_text("cpu  100 20 30 9000 5 0 7 3 0 0\ncpu0 1 2 3\n")
    (tmp_path / "self").mkdir()
    process(tmp_path, 2, 0, 11, flags=KERNEL_THREAD, name="kthreadd")
    process(tmp_path, 10, 1, 40, name="a) R (b")
    process(tmp_path, 11, 10, 5)
    process(tmp_path, 12, 11, 2)
    process(tmp_path, 20, 1, 1000)
    return tmp_path


def test_a_tree_is_counted_with_its_children_and_nothing_else(proc: Path) -> None:
    found = sample([10, 11, 999], proc)
    assert found is not None
    assert (found.busy, found.ours, found.kernel, found.idle) == (100 + 20 + 30 + 3, 47, 11, 9005)


@pytest.mark.parametrize("content", ["", "cpu  1 2", "cpu a b c d e f g h"])
def test_a_machine_that_does_not_tell_is_unknown(proc: Path, content: str) -> None:
    (proc / "stat").write_text(content)
    assert sample([10], proc) is None
    assert others(None, Sample(1.0, 0, 0, 0, 0)) is None


def test_a_process_that_has_just_ended_is_passed_over(proc: Path) -> None:
    (proc / "12" / "stat").unlink()
    (proc / "30").mkdir()
    (proc / "30" / "stat").write_text("30 (half")
    found = sample([10], proc)
    assert found is not None and found.ours == 45


@pytest.mark.parametrize(
    ("busy", "ours", "kernel", "share"),
    [
        (1.0, 1.0, 0.0, 0.0),
        (1.0, 0.5, 0.0, 0.5),
        (1.0, 0.5, 0.25, 0.25),
        (0.25, 0.5, 0.0, 0.0),
        (1.0, -0.1, 0.0, None),
    ],
)
def test_others_are_what_neither_we_nor_the_kernel_used(
    busy: float, ours: float, kernel: float, share: float | None
) -> None:
    whole = 10 * TICKS * CPUS
    after = Sample(20.0, round(busy * whole), round(ours * whole), round(kernel * whole), 0)
    found = others(Sample(10.0, 0, 0, 0, 0), after)
    assert found == (None if share is None else pytest.approx(share, abs=0.01))


@pytest.mark.parametrize(("idle", "left"), [(0.0, 0.0), (0.3, 0.3), (1.0, 1.0), (1.2, 1.0), (-0.1, 0.0)])
def test_what_nobody_used_is_spare(idle: float, left: float) -> None:
    after = Sample(20.0, 0, 0, 0, round(idle * 10 * TICKS * CPUS))
    assert spare(Sample(10.0, 0, 0, 0, 0), after) == pytest.approx(left, abs=0.01)


def test_what_is_spare_is_unknown_where_the_machine_does_not_tell() -> None:
    assert spare(None, Sample(1.0, 0, 0, 0, 0)) is None
    assert spare(Sample(1.0, 0, 0, 0, 0), Sample(1.0, 0, 0, 0, 0)) is None


def test_this_machine_tells_and_our_own_work_is_ours() -> None:
    before = sample([os.getpid()])
    subprocess.run(["sh", "-c", "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done"], check=True, timeout=60)
    after = sample([os.getpid()])
    assert before is not None and after is not None
    assert after.ours > before.ours and after.at > before.at
    assert about((1.0, 2.0), others(before, after))["others"] is not None


@pytest.mark.parametrize(
    ("checker", "value", "share", "expected"),
    [
        ("reads", "false", 0.5, "unknown"),
        ("reads", "false", 0.05, "false"),
        ("reads", "false", None, "false"),
        ("reads", "true", 0.5, "true"),
        ("orders", "false", 0.5, "false"),  # a lost order is lost on any machine
        ("load", "unknown", 0.5, "unknown"),
    ],
)
def test_what_is_false_on_a_machine_of_others_is_unknown(
    checker: str, value: Value, share: float | None, expected: Value
) -> None:
    (found,) = believed([Verdict(checker, value, ("why",))], share)
    assert found.value == expected and found.reasons[0] == "why"
    assert ("others used" in found.reasons[-1]) == (expected != value)
