"""Who serves: tables of the rules, and the properties that hold for whatever is asked."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.agent.control_kit import hosts_pool, member, override, registered, registry_pool

from trimtab.agent.membership.desired import Desired
from trimtab.agent.membership.pools import NOTHING, PoolDecision, decide
from trimtab.agent.membership.store import Store
from trimtab.agent_config import PoolFile, ProxyFile, Server, floor_of
from trimtab.registry.base import Batch, Snapshot
from trimtab.registry.codec import encode
from trimtab.registry.record import Member, Override, key_of

POOL = registry_pool()


def members(*given: Member) -> dict[str, Member]:
    return {each.name: each for each in given}


def overrides(*given: Override) -> dict[str, Override]:
    return {each.name: each for each in given}


def serving(decision: PoolDecision) -> dict[str, int]:
    return {
        e.name: w.weight for w, e in zip(decision.wants, decision.known, strict=True) if w.ready and w.weight
    }


ABC = members(member("a", 1), member("b", 2), member("c", 3, weight=50))


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ([], {"a": 100, "b": 100, "c": 50}),
        ([override("a", weight=7)], {"a": 7, "b": 100, "c": 50}),
        ([override("a", weight=0)], {"b": 100, "c": 50}),
        ([override("a", "drain")], {"b": 100, "c": 50}),
        ([override("a", "drain", 200)], {"b": 100, "c": 50}),
        ([override("a", "maint"), override("b", "drain")], {"c": 50}),
        ([override("nobody", "maint")], {"a": 100, "b": 100, "c": 50}),
    ],
)
def test_hands(asked: list[Override], found: dict[str, int]) -> None:
    decision = decide(POOL, ABC, overrides(*asked))
    assert serving(decision) == found
    assert decision.reasons == ()


def test_drain_keeps_it_ready_with_weight_0_and_maint_keeps_its_weight() -> None:
    decision = decide(POOL, ABC, overrides(override("a", "drain"), override("b", "maint")))
    assert [(w.id, w.weight, w.ready) for w in decision.wants] == [
        (1, 0, True),
        (2, 100, False),
        (3, 50, True),
    ]
    assert [w.address for w in decision.wants] == ["10.1.0.1:8080", "10.1.0.2:8080", "10.1.0.3:8080"]


def test_weight_0_by_registration_is_honoured() -> None:
    decision = decide(POOL, members(member("a", 1), member("b", 2, weight=0)), {})
    assert serving(decision) == {"a": 100}
    assert decision.reasons == ()


def test_servers_of_the_file_take_hands_by_their_names() -> None:
    decision = decide(hosts_pool(), {}, overrides(override("host-2", "maint", pool="web")))
    assert serving(decision) == {"host-1": 100, "host-3": 100}


@pytest.mark.parametrize(
    ("panic", "asked", "kept"),
    [
        (0, [("a", "drain", 1), ("b", "drain", 2), ("c", "drain", 3)], {"c"}),
        (0, [("a", "drain", 3), ("b", "maint", 2), ("c", "drain", 1)], {"a"}),
        (0, [("a", "maint", 1), ("b", "maint", 5), ("c", "maint", 1)], {"b"}),
        (0, [("a", "maint", 1), ("b", "maint", 1), ("c", "maint", 1)], {"a"}),
        (50, [("a", "drain", 1), ("b", "drain", 2), ("c", "drain", 3)], {"b", "c"}),
        (100, [("a", "drain", 1), ("b", "drain", 2), ("c", "drain", 3)], {"a", "b", "c"}),
    ],
)
def test_who_asks_for_nobody_is_refused_the_newest_first(
    panic: int, asked: list[tuple[str, Any, float]], kept: set[str]
) -> None:
    decision = decide(
        registry_pool(panic=panic), ABC, overrides(*(override(n, s, at=at) for n, s, at in asked))
    )
    assert set(serving(decision)) == kept
    assert {reason.kind for reason in decision.reasons} == {"last_member"}
    assert len(decision.reasons) == len(kept)


def test_the_refused_one_serves_with_its_own_weight() -> None:
    decision = decide(POOL, members(member("a", 1, weight=30)), overrides(override("a", "drain")))
    assert serving(decision) == {"a": 30}


def test_all_of_weight_0_by_registration_keeps_who_served_last() -> None:
    before = decide(POOL, ABC, overrides(override("a", "maint")))
    none = members(*(member(n, i, weight=0) for n, i in (("a", 1), ("b", 2), ("c", 3))))
    decision = decide(POOL, none, {}, before)
    assert serving(decision) == {"b": 100}
    assert serving(decide(POOL, none, {}, decision)) == {"b": 100}


def test_nobody_registered_keeps_the_last_ones_and_the_hands_on_them() -> None:
    before = decide(POOL, ABC, {})
    decision = decide(POOL, {}, overrides(override("a", "drain")), before)
    assert serving(decision) == {"b": 100, "c": 50}
    assert [reason.kind for reason in decision.reasons] == ["nobody_registered"]
    assert serving(decide(POOL, {}, {}, decision)) == {"a": 100, "b": 100, "c": 50}
    assert serving(decide(POOL, members(member("d", 4)), {}, decision)) == {"d": 100}


def test_nobody_at_all_is_nobody() -> None:
    assert decide(POOL, {}, {}) == PoolDecision((), 1, (), ())


def test_the_floor_is_of_those_that_should_serve() -> None:
    pool = registry_pool(panic=50)
    four = members(*(member(f"m{i}", i) for i in range(1, 5)))
    assert decide(pool, four, {}).floor == floor_of(50, 4) == 2
    assert decide(pool, four, overrides(override("m1", "maint"), override("m2", "drain"))).floor == 1


def test_the_floor_does_not_count_who_is_not_heard_of() -> None:
    pool = registry_pool(panic=50, servers=(Server(1001, "fixed", "10.9.0.1:80"),))
    four = members(*(member(f"m{i}", i) for i in range(1, 5)))
    assert decide(pool, four, {}, alive={"m1", "m2", "m3", "m4", "nobody"}).floor == 3
    assert decide(pool, four, {}, alive={"m1"}).floor == 1, "m1 and the one of the file"
    assert decide(registry_pool(panic=100), four, {}, alive={}).floor == 1
    assert decide(hosts_pool(count=4, panic=50), {}, {}, alive={}).floor == 2
    drained = overrides(*(override(name, "drain") for name in four))
    assert len(serving(decide(registry_pool(panic=50), four, drained, alive={"m1", "m2"}))) == 1


def test_the_floor_follows_what_is_heard_of() -> None:
    store = Store()
    found = [registered(member(f"m{i}", i)) for i in range(1, 5)]
    store.replace(Snapshot(1, {key_of(r): encode(r) for each in found for r in each}), 0.0)
    desired = Desired(ProxyFile("haproxy", "haproxy.service", pools=(registry_pool(panic=50),)), store)
    desired.refresh(["api"])
    assert desired.decisions["api"].floor == 2
    store.apply(Batch(2, tuple((f"alive/api/m{i}", None) for i in (1, 2))), 0.0)
    assert desired.refresh(["api"]) == {"api"}
    assert desired.decisions["api"].floor == 1
    assert len(serving(desired.decisions["api"])) == 4


def test_a_number_beyond_the_places_needs_a_dynamic_pool() -> None:
    far = members(member("a", 1), member("far", 21))
    assert set(serving(decide(registry_pool(slots=20), far, {}))) == {"a", "far"}
    decision = decide(registry_pool(slots=20, dynamic=False), far, {})
    assert set(serving(decision)) == {"a"}
    assert decision.reasons[0].kind == "no_place"


def test_backups_of_the_file_stand_beside_those_who_register() -> None:
    spare = Server(1001, "spare-1", "10.9.0.1:80", backup=True)
    pool = registry_pool(servers=(spare,))
    decision = decide(pool, members(member("a", 1), member("x", 1001)), {})
    assert {e.name for e in decision.known} == {"a", "spare-1"}
    assert [reason.kind for reason in decision.reasons] == ["number_taken"]
    kept = decide(pool, {}, {}, decision)
    assert {e.name for e in kept.known} == {"a", "spare-1"}


# ---- properties

NAMES = [f"n{i}" for i in range(8)]
STATES = st.sampled_from(["ready", "drain", "maint"])
MEMBERS = st.lists(
    st.tuples(st.sampled_from(NAMES), st.integers(0, 256)), max_size=8, unique_by=lambda pair: pair[0]
).map(lambda pairs: members(*(member(n, NAMES.index(n) + 1, weight=w) for n, w in pairs)))
HANDS = st.lists(
    st.builds(
        override, st.sampled_from(NAMES), STATES, st.none() | st.integers(0, 256), st.floats(0, 1e9, width=32)
    ),
    max_size=8,
    unique_by=lambda each: each.name,
).map(lambda found: overrides(*found))
POOLS = st.builds(
    registry_pool, panic=st.integers(0, 100), slots=st.sampled_from([0, 4, 20]), dynamic=st.booleans()
) | st.builds(hosts_pool, count=st.integers(1, 5), panic=st.integers(0, 100))


@given(POOLS, st.lists(st.tuples(MEMBERS, HANDS), min_size=1, max_size=6))
def test_never_empty_when_somebody_was_known(
    pool: PoolFile, steps: list[tuple[dict[str, Member], dict[str, Override]]]
) -> None:
    last, known = NOTHING, bool(pool.servers)
    for found, asked in steps:
        last = decide(pool, found if pool.registry else {}, asked, last)
        known = known or bool(last.known)
        assert bool(serving(last)) == known
        assert 1 <= last.floor <= max(1, len(serving(last)))
        assert [w.id for w in last.wants] == sorted({w.id for w in last.wants})


@given(POOLS, MEMBERS, HANDS, MEMBERS, HANDS)
def test_twice_is_once(
    pool: PoolFile,
    early: dict[str, Member],
    word: dict[str, Override],
    found: dict[str, Member],
    asked: dict[str, Override],
) -> None:
    last = decide(pool, early, word)
    once = decide(pool, found, asked, last)
    twice = decide(pool, found, asked, once)
    assert twice == once


@given(POOLS, MEMBERS, HANDS, st.randoms())
def test_the_order_of_what_is_known_decides_nothing(
    pool: PoolFile, found: dict[str, Member], asked: dict[str, Override], chance: Any
) -> None:
    mixed, words = list(found.items()), list(asked.items())
    chance.shuffle(mixed)
    chance.shuffle(words)
    assert decide(pool, dict(mixed), dict(words)) == decide(pool, found, asked)


@given(POOLS, MEMBERS, HANDS)
def test_where_somebody_is_left_every_hand_is_obeyed(
    pool: PoolFile, found: dict[str, Member], asked: dict[str, Override]
) -> None:
    decision = decide(pool, found, asked)
    if any(reason.kind == "last_member" for reason in decision.reasons):
        return
    for want, each in zip(decision.wants, decision.known, strict=True):
        word = asked.get(each.name)
        if word is not None:
            assert want.ready == (word.state != "maint")
            assert want.weight == (
                0 if word.state == "drain" else each.weight if word.weight is None else word.weight
            )
