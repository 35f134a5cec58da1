"""An operator at a host of the estate: `trimtab` runs there, is watched while it works, killed, and read when it has ended."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NamedTuple

from trimtab.drills.scene import LabLike
from trimtab.errors import EnvironmentUnable

SECONDS = 60.0
READ_SECONDS = 5.0  # until a dead command's last words are read
REASON = "a drill"
TRIMTAB = (sys.executable, "-m", "trimtab")


class Told(NamedTuple):
    """A step that a command told. at: time.monotonic() at which we read it."""

    at: float
    what: str


@dataclass(frozen=True, slots=True)
class Ended:
    """exit: None where it had not ended in time and was killed.  moves: what it told.  rules: of the arbiter, those that
    objected and were not overruled.  said: the end of what it told people.  reply: its JSON, or the last line of it; None
    where there was none.
    """

    exit: int | None
    moves: tuple[Told, ...]
    rules: tuple[str, ...]
    said: str
    reply: Mapping[str, Any] | None


class Command:
    """A `trimtab` command under way on a host. A context manager: leaving it kills what is left of it."""

    def __init__(self, lab: LabLike, node: str, source: str, *words: str) -> None:
        """source: the estate's file. Raises EnvironmentUnable where the host has no power."""
        self.node, self.asked = node, words
        self._events: list[tuple[float, str]] = []
        self._words, self._over = list[str](), False
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
        return tuple(Told(at, each["step"]) for at, each in self._heard_of("step"))

    def _heard_of(self, event: str) -> list[tuple[float, Mapping[str, Any]]]:
        """Each event of a kind that it has told so far, and when."""
        with self._heard:
            lines = tuple(self._events)
        found = ((at, _object(line)) for at, line in lines)
        return [(at, each) for at, each in found if each is not None and each.get("event") == event]

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
        denied = [each for _, told in self._heard_of("denied") for each in told["objections"]]
        rules = tuple(each["rule"] for each in denied if not each["overruled"])
        with self._heard:
            lines = [line for _, line in self._events]
        reply = (_object("\n".join(lines)) or _object("".join(lines[-1:]))) if code is not None else None
        return Ended(code, self.moves, rules, self._said(), reply)

    def _hear(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as stream:
            for line in stream:
                with self._heard:
                    self._events.append((time.monotonic(), line.rstrip("\n")))
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
            events = [each for _, line in self._events if (each := _object(line)) is not None]
        found = found or [
            f"{each.get('step', each['event'])}: {each['why']}" for each in events if "why" in each
        ]
        return "; ".join(found[-4:])[-300:] or "nothing"


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


def _object(text: str) -> Mapping[str, Any] | None:
    with suppress(ValueError):
        found = json.loads(text)
        return found if isinstance(found, dict) else None
    return None
