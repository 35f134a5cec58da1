"""Looking at site endpoints: what a look becomes, and when it is written."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from tests.agent.control_kit import FakeRegistry, run

from trimtab.agent.runtime.lease import Lease
from trimtab.agent.site.observe import Observe, PublishView, both
from trimtab.agent_config import Front, WatchFile
from trimtab.daemons.front.judge import Answer, Probe
from trimtab.errors import Unreachable
from trimtab.ops.health.reading import Reading, state_of
from trimtab.ops.health.record import AGAIN_S, decode

V4, V6 = "198.18.1.10", "2001:db8:1::a"
OTHER_V4 = "198.18.1.11"
FILE = WatchFile((Front("hk", (V4, V6), "shop.example"),), ("https", "tcp"), 2.0, 1.0, 3, 2)
OK = "HTTP/1.1 200 OK\r\n\r\n"
SG = "HTTP/1.1 200 OK\r\nX-Trimtab-Site: sg\r\n\r\n"


class Fronts:
    """By address, what https says; None: silent."""

    def __init__(self) -> None:
        self.says: dict[str, str | None] = {V4: OK, V6: OK}

    async def __call__(self, probe: Probe, front: Front, address: str) -> Answer:
        found = self.says[address]
        if found is None:
            return Answer(probe, "silent", "no answer within 1 s")
        return Answer(probe, "unable", "no route") if found == "unable" else Answer(probe, "came", found)


class Slow(Fronts):
    """late: connections are taken, and requests are not answered in time."""

    late = False

    async def __call__(self, probe: Probe, front: Front, address: str) -> Answer:
        if self.late and probe == "https":
            return Answer(probe, "silent", "no answer within 1 s")
        return await super().__call__(probe, front, address)


def looks(fronts: Fronts, times: int, observe: Observe | None = None) -> Observe:
    clock = iter(range(1000, 1100, 2))
    made = observe or Observe(FILE, lambda: None, fronts, lambda: float(next(clock)))
    for _ in range(times):
        assert not asyncio.run(made.reconcile(frozenset(made.keys()))).failed
    return made


def test_what_is_black_holed_is_not_asked_and_says_nothing_of_the_site() -> None:
    fronts, holes, clock = Fronts(), set[str](), iter(range(1000, 1100, 2))
    fronts.says = {V4: None, V6: OK}
    made = Observe(FILE, lambda: None, fronts, lambda: float(next(clock)), unasked=lambda: holes)
    holes.add(V4)
    assert state_of(looks(fronts, 3, made).readings["hk"]) == "serving", "by the other family"
    holes.add(V6)
    assert state_of(looks(fronts, 8, made).readings["hk"]) == "unknown"
    assert "black-holed" in made.readings["hk"].why
    holes.clear()
    assert state_of(looks(fronts, 3, made).readings["hk"]) == "unreachable", "it is asked again"


@pytest.mark.parametrize(
    ("v4", "v6", "expected"),
    [
        (OK, OK, "serving"),
        (OK, "unable", "serving"),  # this host has no IPv6: that tells of this host
        ("unable", "unable", "unknown"),
        (OK, None, "unreachable"),  # clients of one family are out
        (None, None, "unreachable"),
        ("HTTP/1.1 503 No\r\n\r\n", "HTTP/1.1 503 No\r\n\r\n", "unhealthy"),
        (SG, SG, "unreachable"),  # a covering prefix led there: of hk nothing answers
    ],
)
def test_what_is_seen(v4: str | None, v6: str | None, expected: str) -> None:
    fronts = Fronts()
    fronts.says = {V4: v4, V6: v6}
    assert state_of(looks(fronts, 3).readings["hk"]) == expected


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [(OK, OK, "serving"), (OK, None, "serving"), (None, None, "unreachable"), ("unable", None, "unknown")],
)
def test_of_a_site_whose_proxies_have_an_address_each_one_that_answers_is_enough(
    one: str | None, other: str | None, expected: str
) -> None:
    """Its clients take another address of the same family."""
    file = replace(FILE, fronts=(Front("hk", (V4, OTHER_V4), "shop.example"),))
    fronts = Fronts()
    fronts.says = {V4: one, OTHER_V4: other}
    assert state_of(looks(fronts, 3, Observe(file, lambda: None, fronts)).readings["hk"]) == expected


def test_a_request_that_another_site_loses_tells_nothing_of_a_withdrawn_ones_hosts() -> None:
    """Who took the connection is not known then; it was the other site a moment before."""
    fronts, clock = Slow(), iter(range(1000, 1200, 2))
    fronts.says = {V4: SG, V6: SG}
    observe = Observe(FILE, lambda: None, fronts, lambda: float(next(clock)))
    looks(fronts, 3, observe)
    assert state_of(observe.readings["hk"]) == "unreachable"
    for late in (True, True, True, False, True, True):
        fronts.late = late
        looks(fronts, 1, observe)
        assert state_of(observe.readings["hk"]) == "unreachable"
    looks(fronts, 9, observe)  # nobody has said for 10 s whose kernel it is
    assert state_of(observe.readings["hk"]) == "unhealthy"


def test_one_that_answers_for_itself_again_is_heard_at_once() -> None:
    fronts, clock = Slow(), iter(range(1000, 1200, 2))
    fronts.says = {V4: SG, V6: SG}
    observe = Observe(FILE, lambda: None, fronts, lambda: float(next(clock)))
    looks(fronts, 3, observe)
    fronts.says = {V4: "HTTP/1.1 503 No\r\n\r\n", V6: "HTTP/1.1 503 No\r\n\r\n"}
    looks(fronts, 1, observe)
    fronts.late = True
    looks(fronts, 2, observe)
    assert state_of(observe.readings["hk"]) == "unhealthy"


def test_a_site_is_given_up_after_so_many_looks_and_told_once() -> None:
    fronts, told = Fronts(), []
    clock = iter(range(1000, 1100, 2))
    observe = Observe(FILE, lambda: told.append(1), fronts, lambda: float(next(clock)))
    looks(fronts, 4, observe)
    fronts.says[V4] = None
    before = len(told)
    looks(fronts, 2, observe)
    assert state_of(observe.readings["hk"]) == "serving" and len(told) == before
    looks(fronts, 3, observe)
    reading = observe.readings["hk"]
    assert state_of(reading) == "unreachable" and reading.why == f"https: no answer within 1 s ({V4})"
    assert len(told) == before + 1


def test_one_that_fails_is_asked_twice_as_often_until_it_is_known() -> None:
    fronts, clock = Fronts(), iter(range(1000, 1100, 2))
    observe = Observe(FILE, lambda: None, fronts, lambda: float(next(clock)))
    again = []
    for says in [*[OK] * 3, *[None] * 7, *[OK] * 3]:
        fronts.says[V4] = says
        result = asyncio.run(observe.reconcile(frozenset(observe.keys())))
        again.append({site: round(seconds) for site, seconds in result.requeue_after_s.items()})
    assert again == [{}] * 3 + [{"hk": 1}] * 2 + [{}] * 8, (
        "known is known, and nobody hurries to send clients back"
    )


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [(True, True, True), (True, False, False), (None, False, False), (None, True, True), (None, None, None)],
)
def test_two_families_of_one_front(one: bool | None, other: bool | None, expected: bool | None) -> None:
    assert both(one, other) is expected and both(other, one) is expected


def test_a_view_is_written_when_it_changes_and_now_and_then() -> None:
    async def whole() -> None:
        store, clock = FakeRegistry(), [5000.0]
        seen = {"hk": Reading("hk", True, None, None, 1.0, "", ("https",))}
        lease = Lease(store, lambda: None, "estate-lease")
        publish = PublishView(store, lease, "la", "la-registry-1", lambda: seen, lambda: clock[0])
        keys = frozenset(publish.keys())
        for _ in range(3):
            await publish.reconcile(keys)
        assert store.writes == 1
        seen["hk"] = Reading("hk", False, None, None, 2.0, "https 503", ("https",))
        await publish.reconcile(keys)
        assert store.writes == 2
        clock[0] += AGAIN_S
        await publish.reconcile(keys)
        view = decode("view/la/la-registry-1", store.records["view/la/la-registry-1"])
        assert store.writes == 3 and (view.at, view.readings) == (5000.0 + AGAIN_S, seen)
        await asyncio.sleep(30)  # the agent hung: its word goes with its lease
        assert "view/la/la-registry-1" not in (await store.read()).records
        store.down = True
        clock[0] += AGAIN_S
        with pytest.raises(Unreachable):
            await publish.reconcile(keys)

    run(whole())
