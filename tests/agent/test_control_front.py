"""A proxy gives its addresses away, and takes part again; what it says of that."""

from __future__ import annotations

import asyncio
import json

import pytest
from tests.agent.control_kit import FakeRegistry, run

from trimtab.agent.proxy.front import BUSY_S, FrontControl, Look, TellFront, Verb, verb_for
from trimtab.agent.runtime.lease import Lease
from trimtab.agent.runtime.result import DONE, Result
from trimtab.errors import Unreachable
from trimtab.registry.codec import decode
from trimtab.registry.record import CheckState

LIMIT = 0.6


@pytest.mark.parametrize(
    ("wanted", "now", "verb"),
    [
        (False, Look(False, False, True), None),
        (False, Look(True, False, False), "undrain"),
        (False, Look(False, True, False), "undrain"),
        (True, Look(False, False, True), "drain"),
        (True, Look(False, False, False), "drain"),
        (True, Look(True, True, True), None),  # until another one takes them
        (True, Look(True, True, False), "yielded"),
        (True, Look(True, False, False), None),
        (True, Look(True, False, True), None),  # nobody else is left: it keeps them
        (None, Look(True, False, False), None),  # nobody has said anything: what was decided goes on
        (None, Look(False, False, True), None),
        (None, Look(True, True, False), "yielded"),
    ],
)
def test_the_next_thing_to_do(wanted: bool | None, now: Look, verb: Verb | None) -> None:
    assert verb_for(wanted, now) == verb


class Vrrp:
    """A host whose keepalived gives the addresses away some time after it was told; alone: nobody takes them."""

    def __init__(self, alone: bool = False) -> None:
        self.drained = self.yielding = False
        self.holds, self.alone, self.fails = True, alone, False
        self.done: list[Verb] = []
        self._looks = 0

    def look(self) -> Look:
        if self.yielding and not self.alone:
            self._looks += 1
            self.holds = self.holds and self._looks < 4
        return Look(self.drained, self.yielding, self.holds)

    async def do(self, verb: Verb) -> None:
        if self.fails:
            raise Unreachable("the hook does not run")
        self.done.append(verb)
        self.drained, self.yielding = verb != "undrain", verb == "drain"


def override(vrrp: Vrrp, wanted: list[bool | None], told: list[int]) -> FrontControl:
    return FrontControl(vrrp, lambda: wanted[0], LIMIT, lambda: told.append(1))


def test_it_gives_them_away_and_competes_from_the_last_place() -> None:
    vrrp, wanted, told = Vrrp(), [True], list[int]()
    front = override(vrrp, wanted, told)
    run(front.reconcile(frozenset(front.keys())))
    assert vrrp.done == ["drain", "yielded"] and vrrp.look() == Look(True, False, False) and told
    run(front.reconcile(frozenset(front.keys())))
    assert vrrp.done == ["drain", "yielded"], "twice is once"
    wanted[0] = False
    run(front.reconcile(frozenset(front.keys())))
    assert vrrp.done[-1] == "undrain" and not vrrp.look().drained


def test_the_last_proxy_takes_them_back() -> None:
    vrrp = Vrrp(alone=True)
    front = override(vrrp, [True], [])
    run(front.reconcile(frozenset(front.keys())))
    assert vrrp.done == ["drain", "yielded"] and vrrp.look() == Look(True, False, True)


def test_whoever_was_killed_between_the_two_is_followed_by_one_that_ends_it() -> None:
    vrrp = Vrrp()
    vrrp.drained = vrrp.yielding = True
    front = override(vrrp, [None], [])  # a new agent, and the registry is away
    run(front.reconcile(frozenset(front.keys())))
    assert vrrp.done == ["yielded"] and vrrp.look() == Look(True, False, False)


def test_a_hook_that_fails_is_a_failure() -> None:
    vrrp = Vrrp()
    vrrp.fails = True
    front = override(vrrp, [True], [])
    with pytest.raises(Unreachable):
        run(front.reconcile(frozenset(front.keys())))


def test_what_a_proxy_says_is_written_when_it_changes_and_ends_with_its_lease() -> None:
    async def whole() -> None:
        store, vrrp, busy = FakeRegistry(), Vrrp(), {"api/b2": 3}

        async def leaving() -> dict[str, int]:
            return dict(busy)

        lease = Lease(store, lambda: None)
        found: list[CheckState] = []
        tell = TellFront(
            store,
            lease,
            "hk-proxy-1",
            vrrp,
            leaving,
            lambda: 5000.0,
            lambda: found[0] if found else None,
        )
        for _ in range(3):
            result = await tell.reconcile(frozenset(tell.keys()))
            assert result == Result(requeue_after_s={"front": BUSY_S}), "as long as something is under way"
        said = json.loads(store.records["fronts/hk-proxy-1"])
        assert store.writes == 1 and said == {
            "holds": True, "drained": False, "leaving": {"api/b2": 3}, "at": 5000.0, "since": 0.0,
        }  # fmt: skip
        busy["api/b2"] = 0
        assert await tell.reconcile(frozenset(tell.keys())) == DONE
        assert json.loads(store.records["fronts/hk-proxy-1"])["leaving"] == {"api/b2": 0}
        assert "checks/hk-proxy-1" not in store.records
        found.append(CheckState("hk-proxy-1", {"api": 1}, ("api/b1",)))
        await tell.reconcile(frozenset(tell.keys()))
        assert decode("checks/hk-proxy-1", store.records["checks/hk-proxy-1"]) == found[0]
        found.clear()
        await tell.reconcile(frozenset(tell.keys()))
        assert "checks/hk-proxy-1" not in store.records
        vrrp.holds = False
        await tell.reconcile(frozenset(tell.keys()))
        given = json.loads(store.records["fronts/hk-proxy-1"])
        assert (given["holds"], given["since"]) == (False, 5000.0)
        await asyncio.sleep(30)
        assert "fronts/hk-proxy-1" not in (await store.read()).records

    run(whole())
