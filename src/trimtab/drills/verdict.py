"""true, false or unknown: how a run is judged, and why a crash is never a pass."""

from __future__ import annotations

import multiprocessing
import traceback
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection
from typing import Any, Literal, Protocol

from trimtab.drills.history import History

Value = Literal["true", "false", "unknown"]
JUDGE_SECONDS = 120.0
OTHERS_LIMIT = 0.1  # a quiet twin machine has up to some hundredths of its own housekeeping
TIMELESS = ("orders",)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one checker says. figures: what it measured, JSON-able, also when it says true."""

    checker: str
    value: Value
    reasons: tuple[str, ...] = ()
    figures: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Claims:
    """The limits of a scenario: seconds, a number of orders, a number of reads. None: not claimed, so not judged.

    conduct: what the estate itself is expected to do, by the name of its checker.
    """

    reads_s: float | None = None
    writes_s: float | None = None
    lost: int | None = None
    recovery_s: float | None = None
    failed: int | None = None
    failed_later: int | None = None
    failed_retried: int | None = None
    failed_kept: int | None = None
    pauses_s: float | None = None
    conduct: Mapping[str, str] = field(default_factory=dict)


class Checker(Protocol):
    """Judges one claim. Pure: no I/O, no clock."""

    @property
    def name(self) -> str: ...

    def check(self, history: History, claims: Claims) -> Verdict: ...


def combine(values: Iterable[Value]) -> Value:
    """false outranks unknown outranks true; of nothing at all nothing is known."""
    found = set(values)
    if "false" in found:
        return "false"
    return "true" if found == {"true"} else "unknown"


def decide(value: bool | None) -> Value:
    """A measured yes, no, or None."""
    return "unknown" if value is None else "true" if value else "false"


def believed(verdicts: Sequence[Verdict], others: float | None) -> list[Verdict]:
    """What is left of them on a machine that others used, a share of all processors. Whoever waits for one is late, and
    what is late fails, so a false is unknown then. A lost order is lost on any machine.
    """
    if others is None or others <= OTHERS_LIMIT:
        return list(verdicts)
    why = f"others used {others:.0%} of this machine's processors: that tells about the machine"
    return [
        replace(each, value="unknown", reasons=(*each.reasons, why))
        if each.value == "false" and each.checker not in TIMELESS
        else each
        for each in verdicts
    ]


def judge(checkers: Sequence[Checker], history: History, claims: Claims) -> list[Verdict]:
    """Run each checker in a process of its own.

    One that raises, hangs or is killed says unknown, with the reason.
    """
    return [_judge_one(checker, history, claims) for checker in checkers]


def _judge_one(checker: Checker, history: History, claims: Claims) -> Verdict:
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_answer, args=(theirs, checker, history, claims), daemon=True)
    process.start()
    theirs.close()
    try:
        if not ours.poll(JUDGE_SECONDS):
            return Verdict(checker.name, "unknown", (f"no verdict after {JUDGE_SECONDS:g} s",))
        answer = ours.recv()
        assert isinstance(answer, Verdict)
        return answer
    except EOFError:
        process.join()
        return Verdict(checker.name, "unknown", (f"the checker died (exit code {process.exitcode})",))
    finally:
        ours.close()
        process.kill()
        process.join()


def _answer(pipe: Connection[Verdict, Any], checker: Checker, history: History, claims: Claims) -> None:
    try:
        verdict = checker.check(history, claims)
    except Exception as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        reason = f"the checker raised {type(error).__name__}: {error} ({place.name}, line {place.lineno})"
        verdict = Verdict(checker.name, "unknown", (reason,))
    pipe.send(verdict)
