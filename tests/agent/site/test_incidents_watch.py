"""Observers around one store: what they write down, once each, and what they leave alone."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any

import pytest
from tests.agent.control_kit import run
from tests.ops.incidents.incident_kit import DRAINED, NOW, SITES, Observer, Store, all_of, done, row, told

from trimtab.agent.site.incidents import BOOT_S, concerns
from trimtab.errors import Terminal, Unreachable
from trimtab.ops.arbiter.records import encode, key_of
from trimtab.ops.health.record import FRESH_S
from trimtab.ops.health.verdict import SiteVerdict
from trimtab.ops.incidents.decide import HOLD_S
from trimtab.ops.incidents.sight import Views, everywhere, vantage_of
from trimtab.ops.steering.wish import Doing

WELL, HK_DARK, ALL_DARK = ("+++",) * 3, ("+++", "d++", "d++"), ("ddd",) * 3
HK_GONE = ("d++",) * 3


def play(act: Callable[[Store, list[Observer]], Coroutine[Any, Any, None]]) -> None:
    async def whole() -> None:
        store = Store()
        await act(store, [Observer(store), Observer(store)])

    run(whole())


def test_two_that_see_the_same_write_one_incident() -> None:
    async def act(store: Store, both: list[Observer]) -> None:
        store.sees(*WELL)
        await all_of(both)
        assert (store.incidents(), store.writes) == ([], 0)
        store.sees(*HK_DARK, later=10)
        await all_of(both)
        assert store.open() == {"hk": 1} and store.writes == 1
        [found] = store.incidents()
        assert (found.kind, found.opened, found.first, found.since) == ("unreachable", NOW + 10, NOW, NOW)
        assert [line.partition(":")[0] for line in found.said] == ["la", "sg"]

    play(act)


def test_an_estate_that_comes_up_has_no_incident() -> None:
    async def act(store: Store, both: list[Observer]) -> None:
        new = Observer(store, served=())
        store.sees(*ALL_DARK)
        store.clock += BOOT_S - 1
        store.sees(*ALL_DARK)
        await all_of([new])
        assert store.incidents() == []
        store.sees(*WELL, later=5)
        await all_of([new])
        store.sees(*HK_DARK, later=5)
        await all_of([new])
        assert store.open() == {"hk": 1}  # it has been seen to serve: nothing is waited for

    play(act)


def test_a_site_that_never_came_up_has_one_after_a_while() -> None:
    async def act(store: Store, both: list[Observer]) -> None:
        new = Observer(store, served=())
        store.sees(*HK_DARK)
        store.clock += BOOT_S
        store.sees(*HK_DARK)
        await all_of([new])
        assert store.open() == {"hk": 1}

    play(act)


def test_who_has_seen_it_serve_does_not_wait_for_who_has_not() -> None:
    async def act(store: Store, both: list[Observer]) -> None:
        store.sees(*HK_DARK)
        await all_of([Observer(store, served=()), both[0]])
        assert store.open() == {"hk": 1}

    play(act)


def test_nothing_is_written_while_nothing_changes() -> None:
    async def act(store: Store, both: list[Observer]) -> None:
        for _ in range(5):
            store.sees(*HK_DARK, later=15)
            await all_of(both)
        assert store.writes == 1

    play(act)


def test_from_the_first_word_to_the_last_each_thing_once() -> None:
    async def act(store: Store, both: list[Observer]) -> None:
        before = row(4, at=NOW - 200)  # long enough not to be why
        store.has({key_of(before): encode(before)})
        store.sees(*HK_DARK)
        await all_of(both)
        for each in (row(5), row(6, granted=False), row(7, site="la"), DRAINED, done("withdraw")):
            store.has({key_of(each): encode(each)})
        store.clock += 60
        store.sees(*HK_DARK)
        await all_of(both)
        store.sees(*WELL, later=10)
        await all_of(both)
        store.sees(*WELL, later=HOLD_S - 1)
        await all_of(both)
        assert store.open() == {"hk": 1}
        store.sees(*WELL, later=1)
        await all_of(both)
        [found] = store.incidents()
        assert told(found) == [
            "detected", "classified", "granted", "refused", "acted", "acted", "verified", "closed",
        ]  # fmt: skip
        assert (found.state, found.closed, store.open()) == ("closed", NOW + 70 + HOLD_S, {})
        store.sees(*HK_DARK, later=10)  # it is drained, and serves in its own eyes
        await all_of(both)
        assert store.open() == {}
        store.sees(*WELL, later=10)
        await all_of(both)
        store.sees(*HK_GONE, later=10)
        await all_of(both)
        assert (len(store.incidents()), store.open()) == (2, {"hk": 2})
        assert told(store.incidents()[1]) == ["detected", "classified"]

    play(act)


def test_everybody_at_once_is_said_to_be_the_check() -> None:
    async def act(store: Store, both: list[Observer]) -> None:
        store.sees(*ALL_DARK)
        for _ in range(3):  # who lost one number takes the next
            await all_of(both)
        assert sorted(store.open()) == list(SITES)
        assert {each.kind for each in store.incidents()} == {"everywhere"}
        assert store.writes == 3
        store.sees(*HK_DARK, later=10)
        for _ in range(3):
            await all_of(both)
        words = {each.site: (each.state, each.kind) for each in store.incidents()}
        assert words == {
            "hk": ("classified", "unreachable"),
            "la": ("verified", "everywhere"),
            "sg": ("verified", "everywhere"),
        }

    play(act)


@pytest.mark.parametrize("words", [("+++", "+++", "d++"), ("?++", "d++"), ("d++",), ()])
def test_less_than_a_quorum_opens_nothing(words: tuple[str, ...]) -> None:
    async def act(store: Store, both: list[Observer]) -> None:
        store.sees(*words)
        await all_of(both)
        assert store.writes == 0

    play(act)


@pytest.mark.parametrize(
    ("more", "opens"),
    [
        ({}, True),
        ({"quorum": 3}, False),
        ({"vantage": SITES, "quorum": 2}, True),
        ({"vantage": (*SITES, "ny", "ta")}, False),
        ({"vantage": (*SITES, "ny", "ta"), "quorum": 2}, True),
        ({"vantage": ("hk", "ny")}, False),
    ],
)
def test_who_has_to_agree_is_the_files_to_say(more: dict[str, Any], opens: bool) -> None:
    async def act(store: Store, both: list[Observer]) -> None:
        store.sees(*HK_DARK)
        await all_of([Observer(store, **more)])
        assert store.open() == ({"hk": 1} if opens else {})

    play(act)


def test_views_that_are_old_are_unknown() -> None:
    async def act(store: Store, both: list[Observer]) -> None:
        store.sees(*HK_DARK)
        store.clock += FRESH_S + 1
        await all_of(both)
        assert store.writes == 0

    play(act)


def test_a_store_that_is_away_costs_only_time() -> None:
    async def act(store: Store, both: list[Observer]) -> None:
        store.sees(*WELL)
        await all_of(both)
        store.sees(*HK_DARK, later=10)
        for each in both:
            each.away = True
            assert await each.acts() == {}
        store.down = True
        both[0].away = False
        both[0].mirror.records = dict(store.records)
        assert {site: type(error) for site, error in (await both[0].acts()).items()} == {"hk": Unreachable}
        store.down, both[1].away = False, False
        store.sees(*HK_DARK, later=20)
        await all_of(both)
        [found] = store.incidents()
        assert (found.opened, found.since, store.writes) == (NOW + 30, NOW, 1)

    play(act)


def test_a_step_under_way_keeps_it_open_though_nobody_can_read_it() -> None:
    async def act(store: Store, both: list[Observer]) -> None:
        store.sees(*HK_DARK)
        await all_of(both)
        doing = Doing("hk", "prefer", "p1", 3, 5.0)
        for value in (encode(doing), b"nonsense"):
            store.has({key_of(doing): value})
            store.sees(*WELL, later=HOLD_S + 1)
            await all_of(both)
            assert store.open() == {"hk": 1}
        store.drop(key_of(doing))
        await all_of(both)
        assert store.open() == {}

    play(act)


def test_what_others_wrote_badly_stops_nobody() -> None:
    async def act(store: Store, both: list[Observer]) -> None:
        bad = (
            "gate",
            "steer/hk",
            "done/hk/r1",
            "decision/0000000009",
            "decision/x",
            "view/hk/h",
            "incident/x",
        )
        store.has(dict.fromkeys(bad, b"{") | {"open/hk": b"{", "incident/0000000003": b"{"})
        store.sees(*HK_DARK)
        await all_of(both)
        assert store.open() == {"hk": 4}
        [found] = store.incidents()
        assert found.decision == 9
        store.has({key_of(row(10)): encode(row(10))})
        await all_of(both)
        assert told(store.incidents()[0])[-1] == "granted"

    play(act)


def test_no_number_left_is_said_and_not_hidden() -> None:
    async def act(store: Store, both: list[Observer]) -> None:
        store.has({"incident/9999999999": b"{"})
        store.sees(*HK_DARK)
        await both[0].hears()
        failed = await both[0].acts()
        assert list(failed) == ["hk"] and "no number after it" in str(failed["hk"])
        assert isinstance(failed["hk"], Terminal), "somebody has to delete it"

    play(act)


def test_one_site_alone_says_nothing_about_the_observers() -> None:
    unreachable = SiteVerdict("hk", "unreachable", 1, 1, 0.0)
    unknown = replace(unreachable, site="la", state="unknown")
    assert everywhere([unreachable, replace(unreachable, site="la", state="unhealthy")])
    assert not any(everywhere(each) for each in ([], [unreachable], [unreachable, unknown]))


def test_views_are_read_once_and_forgotten_with_their_keys() -> None:
    store = Store()

    async def fill() -> None:
        store.sees(*WELL)

    run(fill())
    views = Views()
    first, again = views.of(store.records), views.of(dict(store.records))
    assert len(first) == 3 and all(one is other for one, other in zip(first, again, strict=True))
    assert vantage_of(first, ("hk", "ny")) == ["hk", "la", "ny", "sg"]
    store.records["view/la/la-registry-1"] = b"{"
    assert [view.vantage_site for view in views.of(store.records)] == ["hk", "sg"]
    assert views.of({}) == []


def test_which_keys_are_worth_a_look() -> None:
    assert all(
        concerns([f"{kind}/x", "gate"]) for kind in ("view", "decision", "steer", "done", "doing", "open")
    )
    assert not concerns(["gate", "freeze", "permit/p1", "heard/hk/h", "viewed/x"]) and not concerns([])
