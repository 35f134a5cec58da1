"""Which keys are due: a level-triggered queue as plain values. Time comes in as an argument, in seconds.

A key that is marked twice is done once. What fails waits longer each time, and further marks do not shorten that: a
daemon that is down is not asked at the pace of the registry.
"""

from __future__ import annotations

import random as _random
from collections.abc import Iterable
from dataclasses import dataclass
from math import inf

from trimtab.agent.runtime.backoff import Random, pause
from trimtab.agent.runtime.result import Result
from trimtab.errors import Terminal


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds. window: how long marks are collected.  spacing: least time between two reconciles.  resync: how often
    all keys are done anew, give or take the share `jitter`; 0 never.  first, most: the pauses after failures.  limit: of
    one reconcile.
    """

    window: float = 0.005
    spacing: float = 0.0
    resync: float = 10.0
    first: float = 0.1
    most: float = 5.0
    limit: float = 30.0
    jitter: float = 0.1


ONCE_PACE = Pace(
    window=0.0, resync=30.0, first=0.5, most=15.0
)  # of what is done once, and then only looked at


class Queue:
    """The keys of one controller."""

    def __init__(self, pace: Pace, random: Random = _random.random) -> None:
        self._pace, self._random = pace, random
        self._due: dict[str, float] = {}
        self._until: dict[str, float] = {}  # no attempt before
        self._failures: dict[str, int] = {}
        self._next_resync = 0.0 if pace.resync else inf
        self._not_before = -inf

    def mark(self, keys: Iterable[str], now: float) -> None:
        """These may differ from what is wanted."""
        at = now + self._pace.window
        for key in keys:
            due = max(at, self._until.get(key, at))
            self._due[key] = min(due, self._due.get(key, due))

    def urge(self, keys: Iterable[str], now: float) -> None:
        """The same at once, whatever failed before: its cause has gone."""
        for key in keys:
            self._forget(key)
            self._due[key] = now

    def take(self, now: float) -> frozenset[str]:
        """Everything that is due, if something is, and what is being collected with it. Empty: see `wait`."""
        if now < self._not_before or not any(due <= now for due in self._due.values()):
            return frozenset()
        ready = frozenset(
            key
            for key, due in self._due.items()
            if due <= now + self._pace.window and self._until.get(key, now) <= now
        )
        for key in ready:
            del self._due[key]
        self._not_before = now + self._pace.spacing
        return ready

    def resync(self, now: float) -> bool:
        """Whether all keys are due now. Says so once; the next time is jittered."""
        if now < self._next_resync:
            return False
        share = 1.0 + self._pace.jitter * (2.0 * self._random() - 1.0)
        self._next_resync = now + self._pace.resync * share
        return True

    def settle(self, keys: Iterable[str], result: Result, now: float) -> None:
        """What becomes of the keys of a reconcile that ended at `now`. A terminal error leaves its key failing and not due."""
        self.succeeded(key for key in keys if key not in result.failed)
        for key, error in result.failed.items():
            if isinstance(error, Terminal):
                self._forget(key)
                self._failures[key] = 0
            else:
                self.failed((key,), now)
        for key, seconds in result.requeue_after_s.items():
            self.mark((key,), now + seconds)

    def succeeded(self, keys: Iterable[str]) -> None:
        for key in keys:
            self._forget(key)

    def failed(self, keys: Iterable[str], now: float) -> None:
        for key in keys:
            count = self._failures[key] = self._failures.get(key, 0) + 1
            until = now + pause(count, self._pace.first, self._pace.most, self._random)
            self._until[key] = self._due[key] = until

    def failing(self) -> frozenset[str]:
        return frozenset(self._failures)

    def keep_only(self, keys: Iterable[str]) -> None:
        """Forget the failures of keys that nobody knows any more."""
        for key in set(self._failures) - set(keys):
            self._forget(key)

    def wait(self, now: float) -> float:
        """Seconds until something may be due."""
        due = max(min(self._due.values(), default=inf), self._not_before)
        return max(0.0, min(due, self._next_resync) - now)

    def _forget(self, key: str) -> None:
        self._failures.pop(key, None)
        self._until.pop(key, None)
