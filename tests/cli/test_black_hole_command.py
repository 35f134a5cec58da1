"""`trimtab blackhole`: what it takes and refuses, what it writes, and what people and programs read of it."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from typing import Any

import pytest

from tests.cli.conftest import Do, Memory
from trimtab.cli import blackhole as command
from trimtab.errors import BadInput, Denied
from trimtab.ops.blackhole.hole import Came, Hole
from trimtab.ops.blackhole.record import encode, holes_of, key_of
from trimtab.ops.drain.standing import decisions_in

WWW = "198.18.1.10"  # of www at hk
API = "203.0.113.10"  # of api, everywhere
NOBODY = "198.18.1.77"


@pytest.fixture(autouse=True)
def _nobody_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "TOLD_S", 0.0)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("", "no address is named"),
        (f"{WWW} --list", "--list is of all"),
        (f"{WWW} --lift --for 1h --reason x", "two things at once"),
        (f"{WWW} --reason x", "needs an end"),
        (f"{WWW} --for 1h", "needs a reason"),
        (f"{WWW} --for soon --reason x", "--for soon"),
        (f"{WWW} --for 2s --reason x", "--for 2s"),
        (f"{WWW} --for 25h --reason x", "--for 25h"),
        ("198.18.1.0/24 --for 1h --reason x", "is no single host"),
        ("www --for 1h --reason x", "is no single host"),
        ("fe80::1%eth0 --for 1h --reason x", "has a zone"),
        ("192.0.2.1 --for 1h --reason x", "is in no prefix that the estate announces"),
        ("10.1.16.10 --for 1h --reason x", "is in no prefix that the estate announces"),
        (f"{WWW} --for 1h --reason x --site xx", "no site 'xx'"),
        ("198.18.9.1 --for 1h --reason x", "is in no prefix"),
        ("2001:db8:1::a --for 1h --reason x --upstream nobody", "no upstream 'nobody' accepts black holes"),
        (f"{WWW} --for 1h --reason x --site sg --upstream hkix", "hkix is at none of its sites"),
        (f"{' '.join(f'198.18.1.{n}' for n in range(1, 22))} --for 1h --reason x", "21 addresses"),
        (f"{WWW} --for 1h --force", "--force needs a reason"),
    ],
)
def test_what_cannot_be_asked_for_is_said_and_nothing_is_written(
    words: str, says: str, store: Memory, do: Do
) -> None:
    with pytest.raises(BadInput) as refused:
        do(f"blackhole {words}")
    assert says in refused.value.message or "needs a reason" in refused.value.message
    assert refused.value.hint and store.records == {}


def test_an_address_of_nobody_needs_nobody_s_leave(store: Memory, do: Do) -> None:
    code, said, _ = do(f"blackhole {NOBODY}/32 --for 1h --json", "--reason", "a flood")
    (hole,) = holes_of(store.records)
    assert (hole.address, hole.sites, hole.upstreams, hole.reason) == (
        NOBODY,
        ("hk", "sg", "la"),
        (),
        "a flood",
    )
    assert hole.until - hole.since == 3600 and hole.by.startswith("li@")
    told = json.loads(said)
    assert code == 1 and told["changed"] and not told["done"], "no router has said anything"
    assert told["holes"][0]["routers"] == dict.fromkeys(("hk-router-1", "sg-router-1", "la-router-1"), False)
    assert "does its agent run?" in told["holes"][0]["amiss"][0]
    (row,) = decisions_in(store.records)
    assert (row.request.kind, row.outcome, row.request.target) == ("blackhole", "granted", NOBODY)


def test_it_is_for_one_site_and_one_upstream_where_that_is_said(store: Memory, do: Do) -> None:
    do(f"blackhole {NOBODY} --for 1h --site hk --upstream transit --json", "--reason", "a flood")
    (hole,) = holes_of(store.records)
    assert (hole.sites, hole.upstreams) == (("hk",), ("transit",))


def test_what_takes_the_last_address_is_refused_and_kept_and_force_overrules_it(
    store: Memory, do: Do
) -> None:
    with pytest.raises(Denied) as refused:
        do(f"blackhole {API} --for 1h", "--reason", "a flood")
    assert "last-address: api would have no IPv4 address left" in refused.value.message
    assert f"{API} is not black-holed: nothing was begun" in refused.value.message
    assert holes_of(store.records) == [] and [row.outcome for row in decisions_in(store.records)] == [
        "refused"
    ]
    code, said, _ = do(f"blackhole {API} --for 1h --force --json", "--reason", "a flood")
    assert code == 1 and "last-address" in json.loads(said)["notes"][0] and len(holes_of(store.records)) == 1
    assert [row.outcome for row in decisions_in(store.records)] == ["refused", "forced"]


def test_of_several_all_are_granted_or_none(store: Memory, do: Do) -> None:
    with pytest.raises(Denied):
        do(f"blackhole {NOBODY} {API} --for 1h", "--reason", "a flood")
    assert holes_of(store.records) == []


def test_a_freeze_is_for_what_takes_an_address(store: Memory, do: Do) -> None:
    do("freeze", "--reason", "sale")
    do(f"blackhole {NOBODY} --for 1h", "--reason", "a flood")
    with pytest.raises(Denied, match="frozen"):
        do(f"blackhole {WWW} --for 1h", "--reason", "a flood")
    assert [each.address for each in holes_of(store.records)] == [NOBODY]


def test_a_dry_run_writes_nothing(store: Memory, do: Do) -> None:
    code, said, _ = do(f"blackhole {NOBODY} --for 1h --dry-run --json", "--reason", "a flood")
    assert code == 0 and not json.loads(said)["changed"] and store.records == {}
    with pytest.raises(Denied):
        do(f"blackhole {API} --for 1h --dry-run", "--reason", "a flood")
    assert store.records == {}


def stands(number: int = 1, **changed: Any) -> Hole:
    now = round(time.time(), 3)
    found = Hole(number, WWW, ("hk",), (), "ann@x", "flood", now, now + 600)
    return replace(found, **changed)


def keep(store: Memory, *records: Any) -> None:
    store.records |= {key_of(each): encode(each) for each in records}


def test_it_is_done_when_every_router_has_said_so(store: Memory, do: Do) -> None:
    came = Came("hk", "hk-router-1", (1,), True, 9.0)
    keep(store, came)
    code, said, _ = do(f"blackhole {NOBODY} --for 1h --site hk --json", "--reason", "a flood")
    assert code == 0 and json.loads(said)["done"]
    keep(store, replace(came, verified=False, amiss="up_hkix4: 198.18.1.77/32 is not told"))
    code, said, _ = do("blackhole --list")
    assert code == 0 and "0 of 1" in said and "hk-router-1: up_hkix4: 198.18.1.77/32 is not told" in said


def test_it_is_lifted_by_its_address(store: Memory, do: Do) -> None:
    keep(store, stands(), Came("hk", "hk-router-1", (), True, 9.0))
    code, said, _ = do(f"blackhole {WWW} --lift", "--reason", "over")
    (hole,) = holes_of(store.records)
    assert code == 0 and hole.lifted_by.startswith("li@") and "lifted" in said
    with pytest.raises(Denied, match="is not black-holed"):
        do(f"blackhole {WWW} --lift")


def test_a_router_that_still_drops_is_waited_for(store: Memory, do: Do) -> None:
    keep(store, stands(), Came("hk", "hk-router-1", (1,), True, 9.0))
    assert do(f"blackhole {WWW} --lift")[0] == 1


def test_the_list_has_what_stands_and_what_is_over(memory: Memory, store: Memory, do: Do) -> None:
    assert do("blackhole --list")[1] == "no host is black-holed\n"
    past = time.time() - 900
    keep(
        store, stands(2), stands(1, since=past, until=past + 60), stands(3, lifted_by="bob@y", lifted_at=past)
    )
    states = [each["state"] for each in json.loads(do("blackhole --list --json")[1])["holes"]]
    assert states == ["lifted", "stands", "over"]
    said = do("blackhole --list")[1]
    assert "lifted by bob@y" in said and "ann@x: flood (www)" in said
    told = json.loads(do("status --json")[1])["blackholes"]
    assert [each["number"] for each in told] == [2]
    assert f"{WWW} is black-holed until" in do("status")[1]


def test_why_tells_of_it(memory: Memory, store: Memory, do: Do) -> None:
    do(f"blackhole {NOBODY} --for 1h --site hk", "--reason", "a flood")
    rows = json.loads(do("why hk --json")[1])["decisions"]
    assert [(row["kind"], row["target"]) for row in rows] == [("blackhole", NOBODY)]
    assert NOBODY in do("why hk")[1]
    assert json.loads(do("why sg --json")[1])["decisions"] == []
