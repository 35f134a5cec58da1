"""Hysteresis as a value: a word that turns only after enough answers in a row say otherwise, and does not turn back at once."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Damping:
    """fall, rise: how many noes, yesses in a row turn the word; at least 1.  hold_s: how long a no stays at least, from
    when it was reached. Raises ValueError.
    """

    fall: int = 3
    rise: int = 2
    hold_s: float = 0.0

    def __post_init__(self) -> None:
        if self.fall < 1 or self.rise < 1 or not 0 <= self.hold_s < float("inf"):
            raise ValueError(f"fall and rise are 1 or more, hold_s is 0 or more seconds, got {self}")


@dataclass(frozen=True, slots=True)
class Stream:
    """state: None until enough was said.  since: when it turned to that; 0 before.  heard: when somebody last knew.
    run: how many answers in a row were `last`.
    """

    damping: Damping
    state: bool | None = None
    since: float = 0.0
    heard: float | None = None
    last: bool | None = None
    run: int = 0

    def step(self, seen: bool | None, now: float) -> Stream:
        """seen: None where it could not be asked.  now: seconds; may go backwards, and then a hold begins anew.

        None neither counts nor interrupts. It tells of the observer, not of what is observed: counted as no, one without
        descriptors would take down what serves; counted as yes, or as a break, every third such moment would hide what
        is dead for ever. That it goes on for too long is for `aged` to notice.
        """
        since = min(self.since, now)
        if seen is None:
            heard = None if self.heard is None else min(self.heard, now)
            return Stream(self.damping, self.state, since, heard, self.last, self.run)
        run = self.run + 1 if seen is self.last else 1
        if self._turns(seen, run, now - since):
            return Stream(self.damping, seen, now, now, seen, run)
        return Stream(self.damping, self.state, since, now, seen, run)

    def _turns(self, seen: bool, run: int, stood_s: float) -> bool:
        if seen is self.state or run < (self.damping.rise if seen else self.damping.fall):
            return False
        return self.state is not False or stood_s >= self.damping.hold_s

    def aged(self, now: float, fresh_s: float) -> Stream:
        """Itself, or one that begins anew: who could not ask for more than fresh_s seconds cannot speak of now, and what
        was half counted then does not continue. The hold goes with it, since nobody knows what happened meanwhile.
        """
        if self.heard is None or now - self.heard <= fresh_s:
            return self
        return Stream(self.damping)
