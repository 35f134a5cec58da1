"""The release before: where it stands, and what operators' work comes to."""

from __future__ import annotations

from pathlib import Path

import pytest

from trimtab.answers.drain import Ended as Answer
from trimtab.answers.drain import Failed
from trimtab.delivery.releases import RELEASE
from trimtab.drills.faults.agent_releases import came_to
from trimtab.drills.operator import Ended

ROOT = Path(__file__).parents[2]


def test_the_release_is_the_newest_that_can_be_built() -> None:
    lines = [
        each for each in (ROOT / "scripts/releases").read_text().splitlines() if not each.startswith("#")
    ]
    assert lines[-1].split()[0] == RELEASE


@pytest.mark.parametrize(
    ("exit", "reply", "said"),
    [
        (0, Answer(target="api/b1", site="hk", done=True, why="it may be stopped", steps=()), "done"),
        (1, Answer(target="api/b1", site="hk", done=False, why="not idle", steps=()), "the last words"),
        (3, Failed(message="no answer", hint=""), "the last words"),
        (None, None, "the last words"),
    ],
)
def test_what_a_drain_came_to(exit: int | None, reply: object, said: str) -> None:
    assert came_to(Ended(exit, (), (), "the last words", reply)) == said
