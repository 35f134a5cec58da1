"""A command on a host, as an operator gives it: watched, killed, read. The hosts are this machine, `trimtab` is a script."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

import pytest
from drills_kit import LoopbackLab, TlsShop
from drills_paper_kit import PaperTwin

from trimtab.answers.codec import extended, plain
from trimtab.answers.drain import Ended, Event, Failed, Objection, Refused, Step, Stepped
from trimtab.drills import operator
from trimtab.drills.operator import Command, begin_drain, drain_words, run
from trimtab.errors import EnvironmentUnable

REFUSED = """\
hk is not drained: nothing was begun
  frozen: the estate is frozen by root@sg-registry-1: a drill
  too-few-sites: 1 of 3 sites would carry, the floor is 2 (la is dark)
    `trimtab freeze --off`, or --force --reason WHY
"""
OBJECTIONS = (
    Objection("frozen", "for a reason", "", False),
    Objection("budget-spent", "for a reason", "", True),
    Objection("too-few-sites", "for a reason", "", False),
)


def line(event: Event) -> str:
    return json.dumps(plain(event))


DENIED = line(Refused(target="hk", site="hk", objections=OBJECTIONS))
STEPS = Step(1.0, 1.0, "prefer", "second choice"), Step(1.0, 2.0, "waits", "hk-router-1 has not answered")
PREFERS, WAITS = (f"echo '{line(extended(Stepped, step))}'" for step in STEPS)
UNDER_WAY = f"""\
echo $$ > pid
echo '{{"event": "effect", "target": "hk"}}'
{PREFERS}
{WAITS}
exec sleep 60
"""


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LoopbackLab:
    monkeypatch.chdir(tmp_path)
    return LoopbackLab(tmp_path, TlsShop(1), tmp_path, None)


def says(monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """What `trimtab` does."""
    monkeypatch.setattr(operator, "TRIMTAB", ("sh", "-c", script, "trimtab"))


def is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_the_program_is_this_one_and_knows_that_it_is_in_a_twin(
    lab: LoopbackLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (sys.executable, "-m", "trimtab") == operator.TRIMTAB
    says(
        monkeypatch,
        'echo "{\\"event\\": \\"failed\\", \\"message\\": \\"$TRIMTAB_TWIN $*\\", \\"hint\\": \\"\\"}"',
    )
    ended = run(lab, "hk", "/estate.yaml", "drain", "la", "--json")
    assert (ended.exit, ended.reply) == (0, Failed(message="1 drain la --json -e /estate.yaml", hint=""))


def test_a_move_is_heard_while_the_command_works_and_the_kill_hits_the_command(
    lab: LoopbackLab, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    says(monkeypatch, UNDER_WAY)
    with Command(lab, "hk", "/estate.yaml", "drain", "hk") as command:
        began = time.monotonic()
        told = command.await_move("prefer", followed=True)
        pid = int((tmp_path / "pid").read_text())
        assert is_there(pid) and told <= time.monotonic() and told >= began - 30
        assert [move.what for move in command.moves] == ["prefer", "waits"]
        assert command.kill() >= told
        assert not is_there(pid)
    assert [process.returncode for process in lab.started] == [-9]


def test_leaving_it_ends_it(lab: LoopbackLab, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    says(monkeypatch, UNDER_WAY)
    with pytest.raises(KeyboardInterrupt), Command(lab, "hk", "/e", "drain", "hk") as command:
        command.await_move("prefer")
        raise KeyboardInterrupt
    assert not is_there(int((tmp_path / "pid").read_text()))


@pytest.mark.parametrize(
    ("followed", "script"),
    [(False, "echo 'no site' >&2"), (True, f"{PREFERS}; echo 'no site' >&2")],
)
def test_a_move_that_is_never_told_is_an_error_with_its_last_words(
    lab: LoopbackLab, monkeypatch: pytest.MonkeyPatch, followed: bool, script: str
) -> None:
    says(monkeypatch, script)
    with Command(lab, "hk", "/e", "drain", "la") as command, pytest.raises(EnvironmentUnable) as told:
        command.await_move("prefer", followed=followed)
    assert told.value.message.startswith("hk: `trimtab drain la` has not told `prefer`: ")
    assert told.value.message.endswith("no site")


def test_patience_has_an_end(lab: LoopbackLab, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    says(monkeypatch, UNDER_WAY)
    with Command(lab, "hk", "/e", "drain", "hk") as command:
        command.await_move("waits")
        with pytest.raises(EnvironmentUnable, match="has not told `withdraw`"):
            command.await_move("withdraw", 0.05)
        ended = command.end(0.05)
    assert (ended.exit, ended.reply) == (None, None)
    assert [move.what for move in ended.moves] == ["prefer", "waits"]
    assert not is_there(int((tmp_path / "pid").read_text()))


def test_a_refusal_says_by_which_rules(lab: LoopbackLab, monkeypatch: pytest.MonkeyPatch) -> None:
    says(monkeypatch, f"cat <<'END'\n{DENIED}\nEND\ncat >&2 <<'END'\n{REFUSED}END\nexit 1")
    ended = run(lab, "hk", "/e", "drain", "hk")
    assert (ended.exit, ended.rules, ended.moves) == (1, ("frozen", "too-few-sites"), ())
    assert "the estate is frozen by root@sg-registry-1" in ended.said


def test_where_nothing_is_said_to_people_the_last_reasons_are_told(
    lab: LoopbackLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    why = "hk-router-1 has not verified it"
    ended = line(Ended(target="hk", site="hk", done=False, why=why, steps=STEPS[:1]))
    says(monkeypatch, f"{PREFERS}; echo '{ended}'; exit 1")
    found = run(lab, "hk", "/e", "drain", "hk")
    assert (found.said, found.drained) == (f"prefer: second choice; ended: {why}", None)


def test_what_is_none_of_its_answers_is_no_reply(lab: LoopbackLab, monkeypatch: pytest.MonkeyPatch) -> None:
    for text in ("", "drained", "[1]", '{"done": tr', '{"event": "ended", "done": true}'):
        says(monkeypatch, f"printf %s '{text}'")
        assert run(lab, "hk", "/e", "drain", "hk").reply is None


def test_a_spent_budget_alone_is_overruled(tmp_path: Path) -> None:
    twin = PaperTwin(tmp_path)
    asked = ("sg-registry-1", "/estate.yaml", "hk")
    assert "--force" not in drain_words(twin, *asked)
    twin.arbiter.spent = True
    assert "--force" in drain_words(twin, *asked)
    twin.arbiter.frozen = True
    assert "--force" not in drain_words(twin, *asked), "a freeze is an operator's word"
    with begin_drain(twin, *asked) as command:
        assert command.end().rules == ("frozen", "budget-spent")


def test_a_host_without_power_is_told(tmp_path: Path) -> None:
    twin = PaperTwin(tmp_path)
    twin.dark = {"sg-registry-1"}
    with pytest.raises(EnvironmentUnable, match="no power"):
        run(twin, "sg-registry-1", "/estate.yaml", "status")
