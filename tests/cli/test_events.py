"""What long commands tell with --json: the last line says how it ended, and a reader that leaves ends nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.cli.cli_kit import follows_its_schema
from trimtab.answers.drain import Ended
from trimtab.cli import events as module
from trimtab.cli.events import Events
from trimtab.cli.output import ReaderGone
from trimtab.errors import Denied


def told(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    out = capsys.readouterr().out
    follows_its_schema(["drain"], out)
    return [json.loads(line) for line in out.splitlines()]


def ended(events: Events) -> Ended:
    return Ended(target="hk", site="hk", done=True, why="as it was asked for", steps=tuple(events.steps))


def test_steps_come_as_they_are_done_and_once_more_at_the_end(capsys: pytest.CaptureFixture[str]) -> None:
    events = Events(True)
    events.step("prefer", "second choice")
    (first,) = told(capsys)
    assert (first["event"], first["step"], first["why"]) == ("step", "prefer", "second choice")
    events.tell(ended(events))
    (last,) = told(capsys)
    assert last["event"] == "ended" and [each["step"] for each in last["steps"]] == ["prefer"]


def test_an_error_is_the_last_event(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(Denied), Events(True).ends():
        raise Denied("hk is not drained", "see status")
    assert told(capsys) == [{"event": "failed", "message": "hk is not drained", "hint": "see status"}]


def test_people_are_told_no_events(capsys: pytest.CaptureFixture[str]) -> None:
    events = Events(False)
    events.step("prefer", "second choice")
    events.tell(ended(events))
    assert capsys.readouterr().out[10:] == "prefer    second choice\n"


@pytest.mark.parametrize("as_json", [True, False])
def test_a_reader_that_leaves_ends_no_step_but_the_end_says_so(
    monkeypatch: pytest.MonkeyPatch, as_json: bool
) -> None:
    def gone(_: object) -> None:
        raise ReaderGone("")

    monkeypatch.setattr(module, "print_record", gone)
    monkeypatch.setattr(module, "print_line", gone)
    events = Events(as_json)
    with pytest.raises(ReaderGone), events.ends():
        events.step("prefer", "second choice")
        events.step("withdraw", "no longer announced")
        events.tell(ended(events))
    assert [each.step for each in events.steps] == ["prefer", "withdraw"]
