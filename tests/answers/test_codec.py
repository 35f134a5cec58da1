"""Answers as JSON and back."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from trimtab.answers.codec import extended, plain, read
from trimtab.answers.drain import Connections, Ended, Failed, Step, Stepped
from trimtab.answers.incidents import Incidents, Row

STEP = Step(1.0, 2.0, "prefer", "second choice")
ENDED = Ended(target="hk", site="hk", done=True, why="so", steps=(STEP,))
ROW = Row(3, "hk", "unreachable", "closed", False, 1.0, None, None, None, None, "it serves")


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        ("drain", extended(Stepped, STEP)),
        ("drain", ENDED),
        ("undrain", extended(Ended, ENDED)),
        ("drain", Failed(message="no answer", hint="")),
        ("incidents", Incidents((ROW,))),
    ],
)
def test_what_is_written_is_read(command: str, answer: object) -> None:
    assert read(command, json.dumps(plain(answer))) == answer


def test_the_event_stands_first() -> None:
    assert list(plain(extended(Stepped, STEP))) == ["event", "at", "monotonic_s", "step", "why"]


def test_only_a_default_of_none_is_left_out() -> None:
    assert "connections" not in plain(ENDED)
    assert plain(extended(Row, ROW))["closed"] is None
    moved = Ended(target="hk", site="hk", done=True, why="so", steps=(), connections=Connections(3, None))
    assert plain(moved)["connections"] == {"before": 3, "after": None}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hk is drained",
        '{"event": "ended", "do',
        json.dumps(plain(ENDED) | {"more": 1}),
        json.dumps(plain(ENDED) | {"done": "yes"}),
        json.dumps({key: value for key, value in plain(ENDED).items() if key != "why"}),
    ],
    ids=["nothing", "words", "cut off", "a key more", "another type", "a key less"],
)
def test_what_is_no_answer_is_none(text: str) -> None:
    assert read("drain", text) is None


def test_the_types_bring_nothing_with_them() -> None:
    program = "import sys, trimtab.answers.table, trimtab.answers.codec; print(*sys.modules)"
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    ours = {name for name in said.stdout.split() if name.startswith("trimtab")}
    assert "pydantic" not in said.stdout.split()
    assert {".".join(name.split(".")[:2]) for name in ours} == {"trimtab", "trimtab.answers"}
