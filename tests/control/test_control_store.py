"""What the registry says becomes state: nothing is taken back on a doubt."""

from __future__ import annotations

import json

import pytest
from control_kit import hand, member, registered
from hypothesis import given
from hypothesis import strategies as st

from trimtab.control.saved import records_of, store_text
from trimtab.control.settle import HOLD_S
from trimtab.control.store import Store
from trimtab.drivers.registry.base import Batch, Snapshot
from trimtab.drivers.registry.record import Alive, Claim, Hand, Record, Split, encode, key_of

A, B, C = member("a", 1), member("b", 2), member("c", 3)


def records(*given: Record) -> dict[str, bytes]:
    return {key_of(each): encode(each) for each in given}


def batch(revision: int, *puts: Record, gone: tuple[str, ...] = ()) -> Batch:
    return Batch(revision, (*((key_of(r), encode(r)) for r in puts), *((key, None) for key in gone)))


def keys_of(*names: str) -> tuple[str, ...]:
    ids = {"a": 1, "b": 2, "c": 3}
    return tuple(k for n in names for k in (f"members/api/{n}", f"ids/api/{ids[n]}", f"alive/api/{n}"))


@pytest.fixture
def store() -> Store:
    found = Store()
    found.replace(Snapshot(10, records(*registered(A, B, C))), 0.0)
    return found


def names(store: Store, pool: str = "api") -> set[str]:
    return set(store.pool(pool).members)


def test_a_read_gives_members_with_their_health(store: Store) -> None:
    assert names(store) == {"a", "b", "c"}
    assert store.pool("api").alive == {"a": "passing", "b": "passing", "c": "passing"}


def test_the_same_again_changes_nothing(store: Store) -> None:
    version = store.pool("api").version
    assert not store.replace(Snapshot(11, records(*registered(A, B, C))), 1.0)
    assert store.pool("api").version == version


def test_a_removal_that_a_watch_tells_is_at_once(store: Store) -> None:
    assert store.apply(batch(11, gone=keys_of("b")), 1.0).pools == {"api"}
    assert names(store) == {"a", "c"}


def test_an_ended_lease_is_unknown_not_gone(store: Store) -> None:
    changed = store.apply(batch(11, gone=("alive/api/b",)), 1.0)
    assert (changed.pools, changed.told) == (set(), {"api"})
    assert names(store) == {"a", "b", "c"}
    assert "b" not in store.pool("api").alive


def test_a_member_whose_claim_stands_is_not_gone(store: Store) -> None:
    store.apply(batch(11, gone=("members/api/b",)), 1.0)
    assert names(store) == {"a", "b", "c"}
    assert store.refused()["members/api/b"][0] == "member_missing"
    store.apply(batch(12, gone=("ids/api/2",)), 1.0)
    assert names(store) == {"a", "c"}
    assert store.refused() == {}


def test_a_full_read_that_lacks_members_holds_them_for_a_while(store: Store) -> None:
    store.replace(Snapshot(20, records(*registered(A))), 100.0)
    assert names(store) == {"a", "b", "c"}
    assert set(store.held("api")) == {"b", "c"}
    store.apply(batch(21, *registered(B)), 101.0)
    assert set(store.held("api")) == {"c"}
    assert not store.expire(100.0 + HOLD_S - 1)
    assert store.expire(100.0 + HOLD_S).pools == {"api"}
    assert names(store) == {"a", "b"}


def test_an_empty_registry_empties_nothing_however_long_it_lasts(store: Store) -> None:
    store.replace(Snapshot(1, {}), 100.0)
    store.expire(1e6)
    assert names(store) == {"a", "b", "c"}
    store.apply(batch(2, *registered(A)), 1e6)
    assert names(store) == {"a", "b", "c"}, "who registers again does so one by one"
    store.expire(1e6 + HOLD_S)
    assert names(store) == {"a"}


def test_all_removed_by_a_watch_keeps_the_last_ones(store: Store) -> None:
    store.apply(batch(11, gone=keys_of("a", "b", "c")), 5.0)
    store.expire(1e9)
    assert names(store) == {"a", "b", "c"}


def test_a_number_that_another_one_has_now_lets_the_held_one_go(store: Store) -> None:
    store.replace(Snapshot(1, {}), 100.0)
    other = member("d", 2)
    store.apply(batch(2, *registered(other)), 101.0)
    assert names(store) == {"a", "c", "d"}


@pytest.mark.parametrize(
    ("key", "value", "reason"),
    [
        ("members/api/b", b"{", "malformed"),
        ("members/api/b", b'{"address":"evil.example","port":1,"id":2}', "malformed"),
        ("members/api/b", b'{"address":"10.1.0.2","port":8080,"id":2,"weight":9999}', "malformed"),
        ("members/api/b", b" " * 5000, "too_long"),
        ("hand/api/b", b'{"state":"gone"}', "malformed"),
        ("ids/api/2", b'{"name":"../b"}', "malformed"),
        ("surprise/api/b", b"{}", "unknown_kind"),
        ("members/api/b\n[forged]", b"{}", "malformed"),
    ],
)
def test_a_bad_record_is_refused_and_the_last_good_one_holds(key: str, value: bytes, reason: str) -> None:
    told: list[tuple[str, str]] = []
    store = Store(lambda key, reason, text: told.append((key, reason)))
    store.replace(Snapshot(10, records(*registered(A, B, C), hand("b", "drain"))), 0.0)
    before = store.pool("api").members, dict(store.pool("api").hands)
    for revision in (11, 12):
        store.apply(Batch(revision, ((key, value),)), 1.0)
    assert (store.pool("api").members, store.pool("api").hands) == before
    assert told == [(key, reason)], "and it is said once"
    assert store.refused()[key][0] == reason
    store.apply(Batch(13, ((key, None),)), 1.0)
    assert store.refused().get(key, ("",))[0] != reason


def test_a_good_record_after_a_bad_one_is_taken() -> None:
    store = Store()
    store.replace(Snapshot(1, records(*registered(A))), 0.0)
    store.apply(Batch(2, (("members/api/a", b"x"),)), 0.0)
    heavier = member("a", 1, weight=7)
    store.apply(batch(3, heavier), 0.0)
    assert store.pool("api").members == {"a": heavier}
    assert store.refused() == {}


def test_the_later_of_two_with_one_number_is_refused(store: Store) -> None:
    store.apply(batch(11, member("x", 2)), 1.0)
    assert names(store) == {"a", "b", "c"}
    assert store.refused()["members/api/x"] == ("id_taken", "number 2 is that of b")


def test_a_member_without_a_claim_waits_for_it(store: Store) -> None:
    x = member("x", 9)
    store.apply(batch(11, x), 1.0)
    assert store.refused()["members/api/x"][0] == "no_claim"
    store.apply(batch(12, Claim("api", 9, "x")), 1.0)
    assert names(store) == {"a", "b", "c", "x"}


def test_a_lost_claim_does_not_remove_its_member(store: Store) -> None:
    store.apply(batch(11, gone=("ids/api/2",)), 1.0)
    assert names(store) == {"a", "b", "c"}
    assert store.refused()["members/api/b"][0] == "claim_lost"


def test_a_new_number_needs_its_claim_before_the_old_one_is_left(store: Store) -> None:
    store.apply(batch(11, member("b", 7)), 1.0)
    assert store.pool("api").members["b"] == B
    store.apply(batch(12, Claim("api", 7, "b"), gone=("ids/api/2",)), 1.0)
    assert store.pool("api").members["b"].id == 7


def test_hands_come_and_go(store: Store) -> None:
    assert store.apply(batch(11, hand("a", "drain")), 1.0).pools == {"api"}
    assert store.pool("api").hands["a"].state == "drain"
    assert store.apply(batch(12, gone=("hand/api/a",)), 1.0).pools == {"api"}
    assert store.pool("api").hands == {}


def test_a_registry_without_its_data_loses_no_word_of_an_operator() -> None:
    store = Store()
    split = Split("shop", "web+web-next", {"web": 95, "web-next": 5})
    store.replace(Snapshot(500, records(*registered(A, B), hand("a", "maint"), split)), 0.0)
    store.replace(Snapshot(3, records(*registered(A))), 1.0)
    assert store.pool("api").hands["a"].state == "maint"
    assert store.splits["shop/web+web-next"] == split
    assert set(store.orphans) == {"hand/api/a", "splits/shop/web+web-next"}
    store.replace(Snapshot(4, records(*registered(A))), 2.0)
    assert store.pool("api").hands["a"].state == "maint", "until it has been given back"
    store.apply(batch(5, hand("a", "maint")), 3.0)
    assert set(store.orphans) == {"splits/shop/web+web-next"}
    store.apply(batch(6, gone=("hand/api/a",)), 4.0)
    assert store.pool("api").hands == {}


def test_in_the_same_registry_a_hand_that_is_gone_is_gone() -> None:
    store = Store()
    store.replace(Snapshot(500, records(*registered(A), hand("a", "maint"))), 0.0)
    store.replace(Snapshot(501, records(*registered(A))), 1.0)
    assert store.pool("api").hands == {}


def test_what_is_saved_is_what_is_loaded(store: Store) -> None:
    store.apply(batch(11, hand("a", "drain"), Split("shop", "s", {"x": 1}), gone=keys_of("b")), 1.0)
    store.apply(Batch(12, (("members/api/c", b"bad"),)), 1.0)
    store.replace(Snapshot(13, records(*registered(A), hand("a", "drain"))), 2.0)  # c is held now
    revision, saved = records_of(json.loads(store_text(store)))
    again = Store()
    again.load(saved, revision, 0.0)
    assert again.pool("api").members == store.pool("api").members == {"a": A, "c": C}
    assert again.pool("api").hands == store.pool("api").hands
    assert (again.splits, again.revision) == (store.splits, 13)
    assert again.pool("api").alive == {}


def test_what_was_loaded_holds_over_a_read_that_lacks_it(store: Store) -> None:
    revision, saved = records_of(json.loads(store_text(store)))
    again = Store()
    again.load(saved, revision, 0.0)
    again.replace(Snapshot(11, records(*registered(A))), 0.0)
    assert names(again) == {"a", "b", "c"}


def test_pools_do_not_meet(store: Store) -> None:
    store.apply(batch(11, *registered(member("a", 1, pool="other")), Hand("other", "a", "drain")), 1.0)
    assert store.pool("api").hands == {}
    assert names(store, "other") == {"a"}
    store.apply(batch(12, Alive("other", "a", "failing")), 1.0)
    assert store.pool("other").alive == {"a": "failing"}


# ---- whatever comes, in whatever order

PEOPLE = [member(name, number) for name in "abcd" for number in (1, 2, 3)]
CLAIMS = [Claim("api", number, name) for name in "abcd" for number in (1, 2, 3)]
PUTS = st.sampled_from([(key_of(r), encode(r)) for r in (*PEOPLE, *CLAIMS, hand("a", "drain"))])
BAD = st.tuples(
    st.sampled_from(["members/api/a", "ids/api/1", "hand/api/b", "x", "members/api/a/b"]),
    st.binary(max_size=9),
)
GONE = st.sampled_from([key_of(r) for r in (*PEOPLE, *CLAIMS)]).map(lambda key: (key, None))
STEPS = st.lists(
    st.tuples(st.booleans(), st.lists(PUTS | BAD | GONE, max_size=6), st.floats(0, 40)), max_size=12
)


@given(STEPS)
def test_numbers_are_never_shared_and_who_had_members_keeps_some(
    steps: list[tuple[bool, list[tuple[str, bytes | None]], float]],
) -> None:
    store, now, had = Store(), 0.0, False
    for revision, (whole, changes, passes) in enumerate(steps, 1):
        now += passes
        if whole:
            store.replace(
                Snapshot(revision, {key: value for key, value in changes if value is not None}), now
            )
        else:
            store.apply(Batch(revision, tuple(changes)), now)
        store.expire(now)
        members = store.pool("api").members
        assert len({each.id for each in members.values()}) == len(members)
        assert all(name == each.name for name, each in members.items())
        had = had or bool(members)
        assert bool(members) == had
        again = Store()
        again.load(dict(store.lasting()), store.revision, now)
        assert again.pool("api").members == members
