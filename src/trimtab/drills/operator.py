"""An operator at a host of the estate: `trimtab` runs there, is watched while it works, killed, and read when it has ended."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

from trimtab.answers import drain
from trimtab.answers.codec import read
from trimtab.answers.table import STREAMS
from trimtab.drills.scene import LabLike
from trimtab.errors import EnvironmentUnable

SECONDS = 60.0
READ_SECONDS = 5.0  # until a dead command's last words are read
REASON = "a drill"
T = TypeVar("T")
TRIMTAB = (sys.executable, "-m", "trimtab")


class Told(NamedTuple):
    """A step that a command told. at: time.monotonic() at which we read it."""

    at: float
    what: str


@dataclass(frozen=True, slots=True)
class Ended:
    """exit: None where it had not ended in time and was killed.  moves: what it told.  rules: of the arbiter, those that
    objected and were not overruled.  said: the end of what it told people.  reply: its answer, of a command that tells as
    it works the last one; None where there was none.
    """

    exit: int | None
    moves: tuple[Told, ...]
    rules: tuple[str, ...]
    said: str
    reply: Any

    @property
    def drained(self) -> drain.Ended | None:
        """How a drain, or its way back, ended that is done."""
        return self.reply if isinstance(self.reply, drain.Ended) and self.reply.done else None


class Command:
    """A `trimtab` command under way on a host. A context manager: leaving it kills what is left of it."""

    def __init__(self, lab: LabLike, node: str, source: str, *words: str) -> None:
        """source: the estate's file. Raises EnvironmentUnable where the host has no power."""
        self.node, self.asked = node, words
        self._lines, self._words, self._over = list[str](), list[str](), False
        self._events: list[tuple[float, drain.Event]] = []
        self._heard = threading.Condition()
        # a session of its own: Ctrl-C reaches the drill alone, which then ends it
        self._process = lab.popen(
            node, ["env", "TRIMTAB_TWIN=1", *TRIMTAB, *words, "-e", source], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
        )  # fmt: skip
        self._readers = [threading.Thread(target=each, daemon=True) for each in (self._hear, self._read)]
        for reader in self._readers:
            reader.start()

    def __enter__(self) -> Command:
        return self

    def __exit__(self, *error: object) -> None:
        self.kill()

    @property
    def moves(self) -> tuple[Told, ...]:
        """Those told so far."""
        return tuple(Told(at, each.step) for at, each in self._heard_of(drain.Stepped))

    def _heard_of(self, kind: type[T]) -> list[tuple[float, T]]:
        """Each event of a kind that it has told so far, and when."""
        with self._heard:
            return [(at, each) for at, each in self._events if isinstance(each, kind)]

    def await_move(self, what: str, seconds: float = SECONDS, *, followed: bool = False) -> float:
        """time.monotonic() at which it told this move. followed: and another one after it. A step is told before it is
        written, so only the next word shows that it is under way. Raises EnvironmentUnable.
        """
        with self._heard:
            self._heard.wait_for(lambda: self._over or self._told(what, followed) is not None, seconds)
            found = self._told(what, followed)
        if found is not None:
            return found
        for reader in self._readers if self._over else ():
            reader.join(READ_SECONDS)
        raise EnvironmentUnable(
            f"{self.node}: `trimtab {' '.join(self.asked[:2])}` has not told `{what}`: {self._said()}",
            "`trimtab why` says more",
        )

    def _told(self, what: str, followed: bool) -> float | None:
        moves = self.moves
        number = next((n for n, move in enumerate(moves) if move.what == what), len(moves))
        return moves[number].at if number + followed < len(moves) else None

    def kill(self) -> float:
        """SIGKILL; returns time.monotonic(). Afterwards `moves` has all that it ever told."""
        at = time.monotonic()
        self._process.kill()
        self._process.wait()
        for reader in self._readers:
            reader.join(READ_SECONDS)
        return at

    def end(self, seconds: float = SECONDS) -> Ended:
        """Wait for its end, and kill it where that does not come."""
        code: int | None = None
        with suppress(subprocess.TimeoutExpired):
            code = self._process.wait(max(0.0, seconds))
        self.kill()
        with self._heard:
            rules = objecting(event for _, event in self._events)
        return Ended(code, self.moves, rules, self._said(), self._reply() if code is not None else None)

    def _reply(self) -> Any:
        with self._heard:
            last = self._events[-1][1] if self._events else None
            return last or read(self.asked[0], "".join(self._lines))

    def _hear(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as stream:
            for line in stream:
                at, event = time.monotonic(), read(self.asked[0], line) if self.asked[0] in STREAMS else None
                with self._heard:
                    self._lines.append(line)
                    if event is not None:
                        self._events.append((at, event))
                    self._heard.notify_all()
        with self._heard:
            self._over = True
            self._heard.notify_all()

    def _read(self) -> None:
        assert self._process.stderr is not None
        with self._process.stderr as stream:
            for line in stream:
                with self._heard:
                    self._words.append(line.strip())

    def _said(self) -> str:
        with self._heard:
            found = [line for line in self._words if line]
        if not found:
            found = [f"{each.step}: {each.why}" for _, each in self._heard_of(drain.Stepped)]
            found += [f"ended: {each.why}" for _, each in self._heard_of(drain.Ended)]
        return "; ".join(found[-4:])[-300:] or "nothing"


def objecting(events: Iterable[drain.Event]) -> tuple[str, ...]:
    """The rules that objected and were not overruled, to a request or to a dry run of it."""
    answers = (event for event in events if isinstance(event, drain.Refused | drain.Answered))
    return tuple(each.rule for event in answers for each in event.objections if not each.overruled)


def run(lab: LabLike, node: str, source: str, *words: str, seconds: float = SECONDS) -> Ended:
    """A command from its beginning to its end."""
    with Command(lab, node, source, *words) as command:
        return command.end(seconds)


def begin_drain(lab: LabLike, node: str, source: str, site: str) -> Command:
    """Ask for a drain. Forced where the budget alone objects: what other drills took away in the last hour says nothing
    about this one.
    """
    return Command(lab, node, source, *drain_words(lab, node, source, site))


def drain_words(lab: LabLike, node: str, source: str, site: str) -> tuple[str, ...]:
    words = ("drain", site, "--json", "--reason", REASON)
    tried = run(lab, node, source, *words, "--dry-run")
    return (*words, "--force") if tried.rules == ("budget-spent",) else words


def needs_leave(lab: LabLike, node: str, source: str, site: str) -> None:
    """Raises EnvironmentUnable where the arbiter would let nobody take the site out now: agents never force."""
    tried = run(lab, node, source, "drain", site, "--json", "--reason", REASON, "--dry-run")
    if tried.exit != 0:
        raise EnvironmentUnable(
            f"agents may not drain {site} now: {tried.said}",
            "wait until they may (`trimtab status`), or take the twin down and start it anew",
        )
