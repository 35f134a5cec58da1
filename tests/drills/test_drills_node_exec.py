"""Programs on a node: their answer, their failure, their silence. The nodes are this machine."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from drills_kit import LoopbackLab, TlsShop
from drills_paper_kit import PaperTwin

from trimtab.drills import node_exec as module
from trimtab.drills.node_exec import ask, ask_if_there, tell, whatever_it_exits
from trimtab.errors import EnvironmentUnable


@pytest.fixture
def lab(tmp_path: Path) -> LoopbackLab:
    return LoopbackLab(tmp_path, TlsShop(1), tmp_path, None)


def test_a_program_is_fed_and_answers(lab: LoopbackLab) -> None:
    assert ask(lab, "hk", ["tr", "a-z", "A-Z"], "hk\n") == "HK\n"
    assert ask_if_there(lab, "hk", ["echo", "hk"]) == "hk\n"


def test_what_greets_is_told_when_it_has(lab: LoopbackLab, tmp_path: Path) -> None:
    """The time is that of the word, not that of the program's start."""
    heard = tmp_path / "heard"
    began = time.monotonic()
    at = tell(lab, "hk", ["sh", "-c", f"sleep 0.2; echo ready; cat > {heard}"], "disable all\n")
    assert heard.read_text() == "disable all\n"
    assert began + 0.2 <= at <= time.monotonic()


def test_who_never_greets_is_not_waited_for(lab: LoopbackLab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ASK_SECONDS", 0.2)
    for mute in (["sleep", "60"], ["true"]):
        with pytest.raises(EnvironmentUnable, match=r"gave no answer in 0\.2 s"):
            tell(lab, "hk", mute, "disable all\n")
    assert all(process.poll() is not None for process in lab.started)


def test_its_errors_stand_in_the_reason(lab: LoopbackLab) -> None:
    with pytest.raises(EnvironmentUnable, match=r"hk: sh .* exited 3: no such thing"):
        ask(lab, "hk", ["sh", "-c", "echo no such thing >&2; exit 3"])
    assert ask_if_there(lab, "hk", ["false"]) is None


def test_a_failure_that_is_an_answer_is_kept(lab: LoopbackLab) -> None:
    assert ask(lab, "hk", whatever_it_exits("sh", "-c", 'echo "$0 $1"; exit 8', "Network", "not found")) == (
        "Network not found\n"
    )


def test_silence_is_told_and_leaves_no_process(lab: LoopbackLab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ASK_SECONDS", 0.2)
    with pytest.raises(EnvironmentUnable, match=r"gave no answer in 0\.2 s"):
        ask(lab, "hk", ["sleep", "60"])
    assert ask_if_there(lab, "hk", ["sleep", "60"]) is None
    assert all(process.poll() is not None for process in lab.started)


def test_a_node_without_power_gives_no_answer(tmp_path: Path) -> None:
    twin = PaperTwin(tmp_path)
    twin.dark = {"hk-proxy-1"}
    assert ask_if_there(twin, "hk-proxy-1", ["ip", "-o", "addr"]) is None


def test_a_program_that_is_not_there_gives_no_answer(lab: LoopbackLab) -> None:
    assert ask_if_there(lab, "hk", ["trimtab-has-no-such-program"]) is None
