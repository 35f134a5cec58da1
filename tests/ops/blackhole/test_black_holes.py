"""Black holes: their records, their transactions, how long they stand, and whether upstreams were told so."""

from __future__ import annotations

import json
from dataclasses import replace
from ipaddress import ip_network
from typing import Any

import pytest

from trimtab.errors import BadInput
from trimtab.ops.arbiter.decide import Answer
from trimtab.ops.arbiter.effect import Effect
from trimtab.ops.arbiter.records import FREEZE
from trimtab.ops.arbiter.world import Request
from trimtab.ops.blackhole.hole import LIMIT_S, MOST, SETTLES_S, Came, Hole, inside, standing, unasked
from trimtab.ops.blackhole.record import came_of, decode, encode, holes_of, key_of, unread
from trimtab.ops.blackhole.told import BLACKHOLE, ToldOfHosts, judge
from trimtab.ops.drain import black_holes, writes
from trimtab.ops.drain.standing import decisions_in
from trimtab.registry.base import Snapshot
from trimtab.registry.fields import BadRecord, NewerRecord

NOW = 1_800_000_000.0
HOLE = Hole(7, "198.18.1.10", ("hk", "sg"), ("hkix",), "ann@x", "flood", NOW, NOW + 600)
CAME = Came("hk", "hk-router-1", (7, 9), False, NOW, "up_hkix4: 198.18.1.10/32 is not told")
P, Q = ip_network("198.18.1.10/32"), ip_network("198.18.1.11/32")


@pytest.mark.parametrize(
    "record",
    [HOLE, replace(HOLE, upstreams=(), address="2001:db8::1"), replace(HOLE, lifted_by="bob@y", lifted_at=NOW + 5), CAME],
)  # fmt: skip
def test_a_record_is_read_as_it_was_written(record: Any) -> None:
    assert decode(key_of(record), encode(record)) == record


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"address": "198.18.1.0/24"}, "address"),
        ({"address": "198.018.1.10"}, "address"),
        ({"address": "fe80::1%eth0"}, "address"),
        ({"address": 7}, "address"),
        ({"until": NOW}, "it lasts 0 s"),
        ({"until": NOW - 1}, "it lasts -1 s"),
        ({"until": NOW + LIMIT_S + 1}, "at most 86400"),
        ({"sites": [["HK"]]}, "0 'HK'"),
        ({"sites": "hk"}, "sites"),
        ({"upstreams": [["a b"]]}, "upstream"),
        ({"reason": "\x1b[2J"}, "reason"),
        ({"lifted": [["bob"]]}, "lifted"),
        ({"lifted": [["bob", "now"]]}, "seconds since 1970"),
    ],
)
def test_what_is_no_black_hole_is_refused(changed: dict[str, Any], says: str) -> None:
    body = {**json.loads(encode(HOLE)), **changed}
    with pytest.raises(BadRecord) as refused:
        decode(key_of(HOLE), json.dumps(body).encode())
    assert says in str(refused.value) and key_of(HOLE) in str(refused.value)


def test_a_later_one_is_not_read_and_is_known_to_be_there() -> None:
    key, value = key_of(HOLE), b'{"v":2}'
    with pytest.raises(NewerRecord):
        decode(key, value)
    records = {key: value, "blackhole/x": b"", key_of(CAME): encode(CAME)}
    assert holes_of(records) == [] and unread(records) == {key, "blackhole/x"}
    assert came_of(records) == {"hk-router-1": CAME}


@pytest.mark.parametrize(
    ("at", "lifted", "stands"),
    [(0, False, True), (599, False, True), (600, False, False), (601, False, False), (5, True, False)],
)
def test_it_stands_until_its_end_or_somebody_s_word(at: float, lifted: bool, stands: bool) -> None:
    hole = replace(HOLE, lifted_by="bob", lifted_at=NOW + 2) if lifted else HOLE
    assert standing([hole], NOW + at, "hk") == ((hole,) if stands else ())
    assert standing([hole], NOW + at, "la") == ()


def test_nobody_asks_at_it_for_a_moment_longer() -> None:
    lifted = replace(HOLE, lifted_by="bob", lifted_at=NOW + 2)
    assert unasked([HOLE], NOW + 600 + SETTLES_S - 1) == {HOLE.address} == unasked([lifted], NOW + 2)
    assert unasked([HOLE], NOW + 600 + SETTLES_S) == frozenset() == unasked([lifted], NOW + 2 + SETTLES_S)


@pytest.mark.parametrize(
    ("address", "is_ours"),
    [("198.18.1.10", True), ("198.18.2.10", False), ("2001:db8:1::a", True), ("2001:db8:2::a", False)],
)
def test_only_hosts_of_our_prefixes(address: str, is_ours: bool) -> None:
    own = [ip_network("198.18.1.0/24"), ip_network("2001:db8:1::/48")]
    assert inside(replace(HOLE, address=address), own) == is_ours
    assert not inside(replace(HOLE, address=address), [ip_network(address)]), "a prefix of one host"


# ---- transactions


def asked(*addresses: str) -> list[writes.Asked]:
    answer = Answer(True, Effect((), (), None, None))
    return [writes.Asked(Request("blackhole", "", each, "ann@x", "flood"), answer, NOW) for each in addresses]


def snapshot(*holes: Hole, **more: bytes) -> Snapshot:
    return Snapshot(1, {**{key_of(each): encode(each) for each in holes}, **more})


def test_what_was_granted_and_what_comes_of_it_are_one_write() -> None:
    wanted = [replace(HOLE, number=0), replace(HOLE, number=0, address="198.18.1.11")]
    word = black_holes.begin(snapshot(HOLE), asked("198.18.1.10", "198.18.1.11"), wanted)
    assert [(each.number, each.address) for each in holes_of(word.put)] == [
        (8, "198.18.1.10"),
        (9, "198.18.1.11"),
    ]
    assert [row.request.target for row in decisions_in(word.put)] == ["198.18.1.10", "198.18.1.11"]
    assert not word.leased and {"blackhole/0000000008", "decision/0000000001", FREEZE} <= set(word.absent)


def test_it_holds_only_for_the_freeze_as_it_was_read() -> None:
    word = black_holes.begin(snapshot(freeze=b"{}"), asked(HOLE.address), [HOLE])
    assert word.equal == {FREEZE: b"{}"} and FREEZE not in word.absent


def test_too_many_at_once_are_bad_input_and_those_that_are_over_do_not_count() -> None:
    many = [replace(HOLE, number=n) for n in range(1, MOST + 1)]
    with pytest.raises(BadInput, match="100 black holes"):
        black_holes.begin(snapshot(*many), asked(HOLE.address), [HOLE])
    over = [replace(each, since=NOW - 900, until=NOW - 900 + each.number) for each in many]
    word = black_holes.begin(snapshot(*over), asked(HOLE.address), [HOLE])
    assert [key for key in word.delete if key.startswith("blackhole/")] == [
        key_of(each) for each in over[:50]
    ]


def test_what_no_agent_would_read_is_not_written() -> None:
    with pytest.raises(BadInput, match="at most 86400"):
        black_holes.begin(snapshot(), asked(HOLE.address), [replace(HOLE, until=NOW + LIMIT_S + 1)])


def test_lifting_ends_every_one_of_the_address_and_no_other() -> None:
    other, over = (
        replace(HOLE, number=8, address="198.18.1.11"),
        replace(HOLE, number=6, since=NOW - 9, until=NOW - 1),
    )
    word = black_holes.lift(snapshot(HOLE, other, over), [HOLE.address], "bob@y", "it is over", NOW + 5)
    assert word is not None and holes_of(word.put) == [replace(HOLE, lifted_by="bob@y", lifted_at=NOW + 5)]
    assert word.equal == {key_of(HOLE): encode(HOLE)}
    (row,) = decisions_in(word.put)
    assert (row.request.kind, row.outcome, row.request.target) == ("blackhole-lifted", "done", HOLE.address)
    assert black_holes.lift(snapshot(over), [HOLE.address], "bob@y", "", NOW + 5) is None


# ---- is it so?

ACCEPTS = {"up_a4": "a", "up_b4": "b"}
TOLD: dict[Any, Any] = {P: frozenset({BLACKHOLE, (65535, 65281)})}
ANY, ONE = replace(HOLE, upstreams=()), replace(HOLE, upstreams=("a",))


def heard(**told: dict[Any, Any]) -> list[ToldOfHosts]:
    """By session; those that are not named are not up."""
    return [ToldOfHosts(name, ACCEPTS.get(name, ""), 4, each) for name, each in told.items()]


@pytest.mark.parametrize(
    ("holes", "dropped", "sessions", "why", "late"),
    [
        ([ANY], {P}, heard(up_a4=TOLD, up_b4=TOLD, up_c4={}), [], []),
        ([], set(), heard(up_a4={}, up_b4={}, up_c4={}), [], []),
        ([ONE], {P}, heard(up_a4=TOLD, up_b4={}, up_c4={}), [], []),
        ([ANY], {P}, heard(up_a4=TOLD), [], []),
        ([ANY], {P}, heard(up_a4={}, up_b4=TOLD), ["up_a4: 198.18.1.10/32 is not told"], ["up_a4"]),
        (
            [ANY],
            {P},
            heard(up_a4={P: frozenset()}),
            ["up_a4: 198.18.1.10/32 is told without BLACKHOLE"],
            ["up_a4"],
        ),
        ([ONE], {P}, heard(up_a4=TOLD, up_b4=TOLD), ["up_b4: 198.18.1.10/32 is told"], ["up_b4"]),
        ([ANY], {P}, heard(up_a4=TOLD, up_c4=TOLD), ["up_c4: 198.18.1.10/32 is told"], ["up_c4"]),
        ([], set(), heard(up_a4=TOLD), ["up_a4: 198.18.1.10/32 is told"], ["up_a4"]),
        ([ANY], set(), heard(up_a4=TOLD), ["198.18.1.10/32 is not dropped"], []),
        ([], {Q}, heard(up_a4={}), ["198.18.1.11/32 is dropped"], []),
        ([ANY], {P}, heard(up_c4={}), ["no session that takes 198.18.1.10/32 is up"], []),
        ([ONE], {P}, heard(up_b4={}), ["no session that takes 198.18.1.10/32 is up"], []),
    ],
)
def test_whether_it_is_as_it_should_be(
    holes: Any, dropped: Any, sessions: Any, why: list[str], late: list[str]
) -> None:
    found = judge(holes, [P], dropped, ACCEPTS, sessions)
    assert (list(found.why), list(found.late)) == (why, late)


def test_a_router_without_such_an_upstream_only_drops() -> None:
    elsewhere = replace(HOLE, upstreams=("z",))
    assert judge([elsewhere], [P], {P}, ACCEPTS, heard(up_a4={}, up_b4={})).why == ()
    assert judge([ANY], [P], {P}, {}, heard(up_c4={})).why == ()
