"""What the registry says becomes state: nothing is taken back on a doubt."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.agent.control_kit import member, override, registered

from trimtab.agent.membership.id_claims import HOLD_S
from trimtab.agent.membership.persistence import records_of, store_text
from trimtab.agent.membership.store import Store
from trimtab.registry.base import Batch, Snapshot
from trimtab.registry.codec import encode
from trimtab.registry.record import Alive, Claim, Override, Record, Split, key_of

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
    assert names(store) == {"a", "b", "c"}, "and who cannot do it by itself is given back"
    assert set(store.orphans) == {"members/api/b", "members/api/c", "ids/api/2", "ids/api/3"}
    store.apply(batch(3, B, Claim("api", 2, "b")), 2e6)
    assert set(store.orphans) == {"members/api/c", "ids/api/3"}
    store.apply(batch(4, gone=keys_of("b")), 2e6)
    assert names(store) == {"a", "c"}


def test_all_removed_by_a_watch_keeps_the_last_ones(store: Store) -> None:
    store.apply(batch(11, gone=keys_of("a", "b", "c")), 5.0)
    store.expire(1e9)
    assert names(store) == {"a", "b", "c"}


def test_a_number_that_another_one_has_now_lets_the_held_one_go(store: Store) -> None:
    store.replace(Snapshot(20, records(*registered(A))), 100.0)
    store.apply(batch(21, *registered(member("d", 2))), 101.0)
    assert names(store) == {"a", "c", "d"}


def test_nobody_is_let_go_by_time_while_the_registry_is_not_followed(store: Store) -> None:
    store.replace(Snapshot(20, records(*registered(A))), 100.0)
    assert not store.expire(100.0 + 2 * HOLD_S, since=100.0 + 1.5 * HOLD_S)
    store.apply(batch(21, override("a", weight=7)), 100.0 + 2 * HOLD_S)
    store.apply(batch(22, member("a", 1, weight=8)), 100.0 + 2 * HOLD_S)
    store.replace(Snapshot(23, records(*registered(member("a", 1, weight=9)))), 100.0 + 2 * HOLD_S)
    assert names(store) == {"a", "b", "c"}, "no record of others lets them go either"
    assert store.expire(100.0 + 3 * HOLD_S, since=100.0 + 1.5 * HOLD_S)
    assert names(store) == {"a"}


# ---- a registry that was restored from an old backup


OLD: list[Record] = registered(
    member("x", 2), member("b", 1, weight=7)
)  # b had another number then, and x has gone since


def test_a_restored_registry_moves_nobody_while_hosts_register_again(store: Store) -> None:
    before = dict(store.pool("api").members)
    store.replace(Snapshot(5, records(*OLD)), 100.0)
    assert store.pool("api").members == before
    store.apply(batch(6, *registered(member("d", 3))), 101.0)
    assert store.pool("api").members == before, "the number of one whose host is not back yet"
    store.apply(batch(7, *registered(member("a", 9, weight=3))), 102.0)
    assert store.pool("api").members == {**before, "a": replace(A, address="10.1.0.9", weight=3)}
    store.expire(100.0 + HOLD_S - 1)
    assert names(store) == {"a", "b", "c"}
    store.expire(100.0 + HOLD_S)
    assert {name: m.id for name, m in store.pool("api").members.items()} == {"a": 9, "b": 1, "d": 3, "x": 2}


def test_who_lost_its_number_to_another_is_let_go_with_a_reason() -> None:
    told: list[tuple[str, str]] = []
    store = Store(lambda key, reason, text: told.append((key, text)))
    store.replace(Snapshot(10, records(*registered(A, B))), 0.0)
    store.replace(Snapshot(5, records(*registered(member("x", 2)))), 100.0)
    assert {"members/api/b", "members/api/a", "ids/api/1"} == set(store.orphans)
    store.expire(100.0 + HOLD_S)
    assert names(store) == {"a", "x"}
    assert set(store.orphans) == {"members/api/a", "ids/api/1"}
    text = "members/api/b is let go: number 2 is that of x now"
    assert ("members/api/b", text) in told


def test_a_successor_in_the_hold_time_holds_as_well(store: Store) -> None:
    before = dict(store.pool("api").members)
    store.replace(Snapshot(5, records(*OLD)), 100.0)
    again = Store()
    again.load(dict(store.lasting()), store.lineage(), 110.0)
    again.replace(Snapshot(6, records(*OLD)), 111.0)
    assert again.pool("api").members == before
    assert set(again.orphans) == {"members/api/c", "ids/api/3"} < set(store.orphans)


def test_of_two_words_of_an_operator_the_later_holds() -> None:
    store = Store()
    ours: list[Record] = [
        override("a", "maint", at=50.0),
        override("b", at=10.0),
        Split("s", "x+y", {"x": 1}, at=50.0),
    ]
    theirs: list[Record] = [
        override("a", "ready", at=40.0),
        override("b", "drain", at=20.0),
        Split("s", "x+y", {"y": 1}, at=49.0),
    ]
    store.replace(Snapshot(10, records(*registered(A, B), *ours)), 0.0)
    for revision in (5, 6):
        store.replace(Snapshot(revision, records(*registered(A, B), *theirs)), 1.0)
        assert {name: h.state for name, h in store.pool("api").overrides.items()} == {
            "a": "maint",
            "b": "drain",
        }
        assert store.splits["s/x+y"].shares == {"x": 1}
        assert set(store.orphans) == set(store.older) == {"hand/api/a", "splits/s/x+y"}
    store.apply(batch(7, *ours), 2.0)
    assert (store.orphans, store.older) == ({}, {})
    store.replace(Snapshot(8, records(*registered(A, B))), 3.0)
    assert store.pool("api").overrides == {}


def test_a_word_that_somebody_took_back_before_it_was_given_back_is_gone() -> None:
    store = Store()
    store.replace(Snapshot(10, records(*registered(A), override("a", "maint", at=50.0))), 0.0)
    store.replace(Snapshot(5, records(*registered(A), override("a", "ready", at=40.0))), 1.0)
    store.replace(Snapshot(6, records(*registered(A))), 2.0)
    assert (store.pool("api").overrides, store.orphans, store.older) == ({}, {}, {})


# ---- a claim without its member


def test_a_claim_alone_keeps_nobody_for_ever() -> None:
    told: list[str] = []
    store = Store(lambda key, reason, text: told.append(text))
    store.replace(Snapshot(10, records(*registered(A, B))), 0.0)
    alone = records(*registered(A), Claim("api", 2, "b"))
    store.replace(Snapshot(11, alone), 100.0)
    assert names(store) == {"a", "b"}
    assert store.refused()["members/api/b"][0] == "member_missing"
    store.expire(100.0 + HOLD_S)
    assert names(store) == {"a"}
    assert "members/api/b is let go: its number is claimed, but it is not registered" in told
    store.apply(batch(12, B), 200.0)
    assert names(store) == {"a", "b"}
    store.apply(batch(13, gone=("members/api/b",)), 201.0)
    assert names(store) == {"a", "b"}, "a watch that tells half of a removal waits for the other half"


def test_a_claim_alone_keeps_the_last_one() -> None:
    store = Store()
    store.replace(Snapshot(10, records(*registered(A))), 0.0)
    store.replace(Snapshot(11, records(Claim("api", 1, "a"))), 100.0)
    store.expire(1e6)
    assert names(store) == {"a"}


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
    store.replace(Snapshot(10, records(*registered(A, B, C), override("b", "drain"))), 0.0)
    before = store.pool("api").members, dict(store.pool("api").overrides)
    for revision in (11, 12):
        store.apply(Batch(revision, ((key, value),)), 1.0)
    assert (store.pool("api").members, store.pool("api").overrides) == before
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
    assert store.apply(batch(11, override("a", "drain")), 1.0).pools == {"api"}
    assert store.pool("api").overrides["a"].state == "drain"
    assert store.apply(batch(12, gone=("hand/api/a",)), 1.0).pools == {"api"}
    assert store.pool("api").overrides == {}


def test_a_registry_without_its_data_loses_no_word_of_an_operator() -> None:
    store = Store()
    split = Split("shop", "web+web-next", {"web": 95, "web-next": 5})
    store.replace(Snapshot(500, records(*registered(A, B), override("a", "maint"), split)), 0.0)
    store.replace(Snapshot(3, records(*registered(A))), 1.0)
    assert store.pool("api").overrides["a"].state == "maint"
    assert store.splits["shop/web+web-next"] == split
    given_back = {"members/api/b", "ids/api/2", "hand/api/a", "splits/shop/web+web-next"}
    assert set(store.orphans) == given_back
    store.replace(Snapshot(4, records(*registered(A))), 2.0)
    assert store.pool("api").overrides["a"].state == "maint", "until it has been given back"
    store.apply(batch(5, override("a", "maint")), 3.0)
    assert set(store.orphans) == given_back - {"hand/api/a"}
    store.apply(batch(6, gone=("hand/api/a",)), 4.0)
    assert store.pool("api").overrides == {}


def test_in_the_same_registry_a_hand_that_is_gone_is_gone() -> None:
    store = Store()
    store.replace(Snapshot(500, records(*registered(A), override("a", "maint"))), 0.0)
    store.replace(Snapshot(501, records(*registered(A))), 1.0)
    assert store.pool("api").overrides == {}


def test_what_is_saved_is_what_is_loaded(store: Store) -> None:
    store.apply(batch(11, override("a", "drain"), Split("shop", "s", {"x": 1}), gone=keys_of("b")), 1.0)
    store.apply(Batch(12, (("members/api/c", b"bad"),)), 1.0)
    store.replace(Snapshot(13, records(*registered(A), override("a", "drain"))), 2.0)  # c is held now
    revision, saved = records_of(json.loads(store_text(store, 1e9)), lambda: 1e9 + 60)
    again = Store()
    again.load(saved, revision, 0.0)
    assert again.pool("api").members == store.pool("api").members == {"a": A, "c": C}
    assert again.pool("api").overrides == store.pool("api").overrides
    assert (again.splits, again.revision) == (store.splits, 13)
    assert again.pool("api").alive == {}


def test_what_was_loaded_holds_over_a_read_that_lacks_it(store: Store) -> None:
    revision, saved = records_of(json.loads(store_text(store)))
    again = Store()
    again.load(saved, revision, 0.0)
    again.replace(Snapshot(11, records(*registered(A))), 0.0)
    assert names(again) == {"a", "b", "c"}


def test_pools_do_not_meet(store: Store) -> None:
    store.apply(batch(11, *registered(member("a", 1, pool="other")), Override("other", "a", "drain")), 1.0)
    assert store.pool("api").overrides == {}
    assert names(store, "other") == {"a"}
    store.apply(batch(12, Alive("other", "a", "failing")), 1.0)
    assert store.pool("other").alive == {"a": "failing"}


@pytest.mark.parametrize(("later", "found"), [(0, 10), (600, 10), (602, 0), (-1, 0), (1e8, 0)])
def test_what_is_not_of_just_now_is_given_back_to_nobody(store: Store, later: float, found: int) -> None:
    store.apply(batch(10, override("a", "maint")), 0.0)
    revision, saved = records_of(json.loads(store_text(store, 1e9)), lambda: 1e9 + later)
    assert revision == found
    again = Store()
    again.load(saved, revision, 0.0)
    assert names(again) == {"a", "b", "c"}, "to serve it is good enough"
    again.replace(Snapshot(3, {}), 1.0)
    assert bool(again.orphans) == bool(again.pool("api").overrides) == bool(found)
    assert names(again) == {"a", "b", "c"}


def test_a_file_of_before_this_was_kept_is_not_of_just_now(store: Store) -> None:
    saved = json.loads(store_text(store))
    del saved["saved"]
    assert records_of(saved)[0] == 0


def test_one_bad_record_does_not_cost_the_file(store: Store) -> None:
    saved = json.loads(store_text(store, 1e9))
    saved["records"] |= {"members/api/b": 7, "hand/api/a": {"state": "gone"}}
    revision, found = records_of(saved, lambda: 1e9)
    again = Store()
    again.load(found, revision, 0.0)
    assert names(again) == {"a", "c"}


def test_nothing_that_a_registry_has_makes_the_file_unreadable(store: Store) -> None:
    text = '{"address":"10.1.0.9","port":80,"id":1%s}'
    deep = text % (',"x":' + "[" * 940 + "]" * 940)
    bad = [(f"members/api/n{i}", b"{") for i in range(1001)]  # more than are remembered
    bad += [
        ("members/api/a", (text % "").encode("utf-16")),
        ("members/api/b", b"\xef\xbb\xbf" + (text % "").encode()),
        ("members/api/c", deep.encode()),
        ("ids/api/1", b"{"),
    ]
    store.apply(Batch(11, tuple(bad)), 0.0)
    again = Store()
    again.load(records_of(json.loads(store_text(store)))[1], 0, 0.0)
    assert again.pool("api").members == store.pool("api").members == {"a": A, "b": B, "c": C}


# ---- whatever comes, in whatever order

PEOPLE = [member(name, number) for name in "abcd" for number in (1, 2, 3)]
CLAIMS = [Claim("api", number, name) for name in "abcd" for number in (1, 2, 3)]
PUTS = st.sampled_from([(key_of(r), encode(r)) for r in (*PEOPLE, *CLAIMS, override("a", "drain"))])
BAD = st.tuples(
    st.sampled_from(["members/api/a", "ids/api/1", "hand/api/b", "x", "members/api/a/b"]),
    st.binary(max_size=9),
)
GONE = st.sampled_from([key_of(r) for r in (*PEOPLE, *CLAIMS)]).map(lambda key: (key, None))
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["watch", "read", "wiped"]), st.lists(PUTS | BAD | GONE, max_size=6), st.floats(0, 40)
    ),
    max_size=12,
)


@given(STEPS)
def test_numbers_are_never_shared_and_who_had_members_keeps_some(
    steps: list[tuple[str, list[tuple[str, bytes | None]], float]],
) -> None:
    store, now, had = Store(), 0.0, False
    for revision, (how, changes, passes) in enumerate(steps, 1):
        now += passes
        if how != "watch":
            at = revision if how == "read" else -revision
            store.replace(Snapshot(at, {key: value for key, value in changes if value is not None}), now)
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


@pytest.mark.parametrize("number", ["9" * 5000, "65536", "007", "0", "²"])
def test_a_key_without_a_possible_number_costs_nothing_else(store: Store, number: str) -> None:
    claim = {f"ids/api/{number}": b'{"name":"d"}'}
    store.apply(Batch(11, (*claim.items(), *batch(11, *registered(member("e", 5))).changes)), 1.0)
    assert names(store) == {"a", "b", "c", "e"}
    assert [reason for reason, _ in store.refused().values()] == ["malformed"]
    store.apply(Batch(12, ((f"ids/api/{number}", None), *((key, None) for key in keys_of("b")))), 2.0)
    assert names(store) == {"a", "c", "e"}
    assert store.refused() == {}
