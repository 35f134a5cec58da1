"""In which order a twin that boots is asked."""

from __future__ import annotations

import asyncio

import pytest

from trimtab.daemons.probe import ReadyCheck
from trimtab.daemons.reply import TRUE, Verdict, false
from trimtab.lab import ready
from trimtab.lab.ready import Readiness

SESSIONS, LEADER = ReadyCheck("bgp", "sessions", ("r",)), ReadyCheck("etcd", "a leader", ("e",))
ROUTE, PAGE = ReadyCheck("route", "a route", ("r",)), ReadyCheck("http", "a page", ("c",))


class Booting(Readiness):
    """Each check holds when it is asked for the second time."""

    def __init__(self) -> None:
        super().__init__({}, {})
        self.asked: list[str] = []

    async def _judge(self, check: ReadyCheck, true: set[str]) -> Verdict:
        self.asked.append(check.kind)
        return TRUE if self.asked.count(check.kind) == 2 else false("not yet")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ready, "FIRST_PAUSE", 0.001)


def test_nothing_is_asked_that_needs_what_does_not_hold() -> None:
    booting = Booting()
    asyncio.run(booting.wait([PAGE, ROUTE, SESSIONS, LEADER], 10, lambda _: None))
    assert sorted(booting.asked[:4]) == ["bgp", "bgp", "etcd", "etcd"]
    assert booting.asked[4:] == ["route", "route", "http", "http"]


def test_what_nobody_needs_to_wait_for_is_asked_at_once() -> None:
    booting = Booting()
    asyncio.run(booting.wait([PAGE], 10, lambda _: None))
    assert booting.asked == ["http", "http"]
