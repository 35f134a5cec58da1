"""`weight` and `deregister` ask the arbiter where they take a member away: what is refused, and what stands afterwards."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Do, Memory
from trimtab.cli.app import app
from trimtab.ops.arbiter import records as arbiter
from trimtab.ops.arbiter.ledger import ChangeBudget, Decision
from trimtab.ops.arbiter.world import Freeze, Permit
from trimtab.registry.record import Alive, Claim, FrontState, HostState, Member, Override, Record

FROZEN = Freeze("ann", "the big sale", 5.0)
TAKES = ("weight api/b1 drain --site hk", "weight api/b1 maint --site hk", "weight api/b1 0 --site hk")
FORCED = " --force --reason why"


def members(count: int, silent: int = 0) -> list[Record]:
    """silent: the last ones are registered, and their agents say nothing."""
    found: list[Record] = []
    for n in range(1, count + 1):
        found += [Member("api", f"b{n}", f"10.0.0.{n}", 8080, n), Claim("api", n, f"b{n}")]
        found += [Alive("api", f"b{n}")] if n <= count - silent else []
    return found


def has(store: Memory, *given: Any) -> None:
    store.records |= {arbiter.key_of(each): arbiter.encode(each) for each in given}


def decisions(store: Memory) -> list[Decision]:
    found = [arbiter.decode(key, store.records[key]) for key in store.kept("decision")]
    return [each for each in found if isinstance(each, Decision)]


@pytest.mark.parametrize("words", TAKES)
def test_a_frozen_estate_refuses_it_and_keeps_that(words: str, memory: Memory, store: Memory, do: Do) -> None:
    memory.has(*members(3))
    has(store, FROZEN)
    before = dict(memory.records)
    code, out, err = do(words)
    assert (code, out) == (1, "") and "frozen: the estate is frozen by ann: the big sale" in err
    assert memory.records == before and not store.kept("permit")
    (said,) = decisions(store)
    assert (said.granted, said.request.target, said.request.site) == (False, "api/b1", "hk")
    assert do(words + FORCED)[0] == 0
    assert memory.override("hand/api/b1").reason == "why" and not store.kept("permit")
    assert [(each.granted, each.request.force) for each in decisions(store)] == [(False, False), (True, True)]


@pytest.mark.parametrize("words", ["weight api/b1 5 --site hk", "weight api/b1 ready --site hk"])
def test_what_leaves_it_a_share_asks_nobody(words: str, memory: Memory, store: Memory, do: Do) -> None:
    memory.has(*members(1), Override("api", "b1", "ready", 70))
    has(store, FROZEN)
    store.down = True
    assert do(words)[0] == 0 and memory.override("hand/api/b1").weight == (5 if " 5 " in words else None)
    assert not decisions(store)


def test_ready_asks_where_the_member_itself_registered_with_nothing(
    memory: Memory, store: Memory, do: Do
) -> None:
    silent = Member("api", "b1", "10.0.0.1", 8080, 1, weight=0)
    memory.has(*members(2), silent, Override("api", "b1", "ready", 70))
    has(store, FROZEN)
    code, _, err = do("weight api/b1 ready --site hk")
    assert code == 1 and "frozen" in err and memory.override("hand/api/b1").weight == 70
    memory.has(Override("api", "b1", "drain"))
    assert do("weight api/b1 ready --site hk")[0] == 0, "it takes nothing now, and nothing afterwards"


def test_one_that_takes_nothing_may_go_further_out_without_asking(
    memory: Memory, store: Memory, do: Do
) -> None:
    memory.has(*members(2), Override("api", "b1", "drain"))
    store.down = True
    assert do("weight api/b1 maint --site hk")[0] == 0 and memory.override("hand/api/b1").state == "maint"


def test_every_objection_is_said_and_force_overrules_what_it_may(
    memory: Memory, store: Memory, do: Do
) -> None:
    memory.has(*members(4, silent=3))
    has(store, FROZEN)
    code, _, err = do(TAKES[0])
    assert code == 1
    assert [line.split(":")[0] for line in err.splitlines() if line.startswith("  ") and ": " in line] == [
        "  frozen",
        "  too-few-members",
        "  members-unknown",
    ]
    assert "is known to be well; nobody says how b2, b3, b4 does" in err
    memory.has(*(Override("api", f"b{n}", "drain") for n in (2, 3, 4)))
    before = dict(memory.records)
    code, _, err = do(TAKES[0] + FORCED)
    assert code == 1 and "last-member" in err and "frozen" not in err and memory.records == before
    memory.lacks(*(f"hand/api/b{n}" for n in (2, 3, 4)))
    assert do(TAKES[0] + FORCED)[0] == 0 and memory.override("hand/api/b1").state == "drain"
    memory.lacks("hand/api/b1")
    memory.has(Alive("api", "b2"))  # 1 of 4 would be left
    code, _, err = do(TAKES[0])
    assert code == 1 and "too-few-members: 1 of 4 members would be well (25 %), the floor is 50 %" in err
    assert not memory.kept("hand")
    assert do(TAKES[0] + FORCED)[0] == 0 and memory.override("hand/api/b1").state == "drain"


def test_while_another_of_the_pool_is_on_its_way_out_nobody_else_goes(
    memory: Memory, store: Memory, do: Do
) -> None:
    memory.has(*members(5))
    has(store, Permit("p1", "drain-member", "hk", "api/b2", "ann", "cabling", 5.0, 5.0))
    for words in (*TAKES, TAKES[0] + FORCED, "deregister api b1 --site hk" + FORCED):
        code, _, err = do(words)
        assert code == 1 and "under-way: ann is draining api/b2: cabling" in err, words
    assert not memory.kept("hand") and "members/api/b1" in memory.records


def test_one_member_after_the_other_is_never_held_back_by_a_budget(
    memory: Memory, store: Memory, do: Do
) -> None:
    """Twelve, twice what the estate grants in an hour."""
    memory.has(*members(12))
    for n in range(1, 13):
        assert do(f"weight api/b{n} drain --site hk")[0] == 0, n
        assert do(f"weight api/b{n} ready --site hk")[0] == 0, n
    gate = arbiter.decode("gate", store.records["gate"])
    assert isinstance(gate, ChangeBudget) and (gate.number, gate.grants) == (12, ())
    assert [each.granted for each in decisions(store)] == [True] * 12


def test_without_an_answer_of_the_store_nothing_is_written_but_by_force(
    memory: Memory, store: Memory, do: Do
) -> None:
    memory.has(*members(2))
    store.down = True
    for words in (*TAKES, "deregister api b1 --site hk --dry-run" + FORCED):
        code, out, err = do(words)
        if "--force" in words:
            assert code == 0 and "by the site's own registry alone" in out
            continue
        assert (code, out) == (1, "") and "the estate's store cannot be asked: nobody answers" in err
        assert "--force --reason WHY goes by the site's own registry alone" in err
    assert not memory.kept("hand")
    code, out, _ = do(TAKES[0] + FORCED)
    assert code == 0 and out.startswith("hk: api/b1 drain: the estate's store was not asked (nobody answers)")
    assert memory.override("hand/api/b1").state == "drain"
    code, _, err = do("weight api/b2 drain --site hk" + FORCED)
    assert code == 2 and ": b2 is the last of 2" in err, "the floors of today hold"
    assert memory.kept("hand") == ["hand/api/b1"]


def test_a_dry_run_says_what_would_be_answered(memory: Memory, store: Memory, do: Do) -> None:
    memory.has(*members(3))
    before = dict(memory.records)
    out = do(TAKES[0] + " --dry-run")[1]
    assert out == "hk: api/b1 drain: would be written: 2 of 3 members of api would be well\n"
    found = json.loads(do(TAKES[0] + " --dry-run --json")[1])["sites"]["hk"]
    assert found == {"changed": True, "note": "2 of 3 members of api would be well"}
    has(store, FROZEN)
    code, _, err = do(TAKES[0] + " --dry-run")
    assert code == 1 and "frozen: " in err
    code, out, _ = do(TAKES[0] + " --dry-run" + FORCED)
    assert code == 0 and out.endswith("; frozen: the estate is frozen by ann: the big sale (overruled)\n")
    assert memory.records == before and list(store.records) == ["freeze"]


def test_a_living_member_is_deregistered_through_the_arbiter(memory: Memory, store: Memory, do: Do) -> None:
    memory.has(*members(2))
    has(store, FROZEN)
    assert do("deregister api b1 --site hk")[0] == 2 and "members/api/b1" in memory.records
    assert do("deregister api b1 --site hk" + FORCED)[0] == 0 and "members/api/b1" not in memory.records
    (said,) = decisions(store)
    assert (said.granted, said.request.target, said.objections[0].overruled) == (True, "api/b1", True)
    code, _, err = do("deregister api b2 --site hk" + FORCED)
    assert code == 1 and "last-member" in err and "members/api/b2" in memory.records


def test_one_whose_agent_is_gone_may_serve_on_and_is_asked_for_too(
    memory: Memory, store: Memory, do: Do
) -> None:
    memory.has(*members(3, silent=1))
    has(store, FROZEN)
    code, _, err = do("deregister api b3 --site hk")
    assert code == 1 and "frozen" in err and "members/api/b3" in memory.records
    store.records.clear()
    assert do("deregister api b3 --site hk")[0] == 0 and "members/api/b3" not in memory.records
    (said,) = decisions(store)
    assert said.granted and said.request.target == "api/b3"


def test_one_that_takes_no_requests_is_missed_by_nobody(memory: Memory, store: Memory, do: Do) -> None:
    memory.has(*members(3, silent=1), Override("api", "b3", "maint"))
    store.down = True
    assert do("deregister api b3 --site hk")[0] == 0 and "members/api/b3" not in memory.records


def test_a_weight_of_0_is_no_way_around_by_registering_anew(memory: Memory, store: Memory, do: Do) -> None:
    memory.has(*members(3, silent=1))
    code, _, err = do("register api b3 --address 10.0.0.3 --site hk --weight 0" + FORCED)
    assert code == 2 and "would take b3 out of api" in err and "`trimtab weight api/b3 0`" in err


def test_who_asks_again_and_again_leaves_one_row(memory: Memory, store: Memory, do: Do) -> None:
    memory.has(*members(5))
    has(store, FROZEN)
    for _ in range(3):
        assert do(TAKES[0])[0] == 1
    assert len(decisions(store)) == 1


def test_members_that_the_estate_names_count_while_their_agents_are_there(
    memory: Memory, store: Memory, do: Do
) -> None:
    backends = [f"hk-backend-{n}" for n in range(1, 13)]
    memory.has(*(HostState(name) for name in backends[:6]))
    code, _, err = do("weight web/hk-backend-1 drain --site hk")
    assert code == 1 and "too-few-members: 5 of 12 members would be well" in err
    memory.has(*(HostState(name) for name in backends))
    assert do("weight web/hk-backend-1 drain --site hk --reason disk")[0] == 0
    assert memory.override("hand/web/hk-backend-1").by == f"li@{socket.gethostname()}"


OUTSIDE = """
estate: small
zone: small.example
sites:
  one:
    id: 1
    at: [22.3, 114.2]
    asn: 65010
    hosts: {router: 1, proxy: 2, registry: 1}
    upstreams: {ix: {asn: 64500, peer: [198.51.100.1, 2001:db8:ff01::1]}}
services:
  www: {address: site, names: [www.small.example], routes: [{pool: cdn}]}
pools:
  cdn: {members: [{address: 203.0.113.7, port: 80}, {address: 203.0.113.8, port: 80}]}
  beside: {discover: beside, port: 8080}
"""


@pytest.fixture
def outside(tmp_path: Path) -> str:
    path = tmp_path / "outside.yaml"
    path.write_text(OUTSIDE)
    return str(path)


def test_addresses_beyond_the_estate_count_and_one_has_to_be_left(
    outside: str, memory: Memory, store: Memory, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of those nobody ever tells anything: nobody of them could be taken out otherwise."""

    def do(words: str) -> Any:
        return app([*words.split(), "-e", outside], standalone_mode=False)

    assert do("weight cdn/member-1 drain") == 0 and memory.override("hand/cdn/member-1").state == "drain"
    assert do("weight cdn/member-2 drain --force --reason why") == 1
    assert "last-member" in capsys.readouterr().err and memory.kept("hand") == ["hand/cdn/member-1"]


def test_a_pool_that_no_route_leads_to_is_missed_by_nobody(
    outside: str, memory: Memory, store: Memory
) -> None:
    memory.has(*(Member("beside", f"b{n}", f"10.0.0.{n}", 80, n) for n in (1, 2)), Alive("beside", "b2"))
    has(store, FROZEN)
    code: Any = app(["weight", "beside/b1", "drain", "-e", outside], standalone_mode=False)
    assert code == 0 and memory.override("hand/beside/b1").state == "drain" and not decisions(store)


TWICE = OUTSIDE.replace(
    "routes: [{pool: cdn}]", "routes: [{path: /api/, pool: api}, {path: /old/, pool: old}, {pool: cdn}]"
).replace("beside: {discover: beside", "old: {discover: api, port: 8080}\n  api: {discover: api")


def test_a_drain_asks_for_each_pool_that_discovers_the_name_and_waits_for_all(
    tmp_path: Path, memory: Memory, store: Memory, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "twice.yaml"
    path.write_text(TWICE)

    def do(words: str) -> tuple[Any, str]:
        code: Any = app([*words.split(), "-e", str(path)], standalone_mode=False)
        return code, capsys.readouterr().out

    memory.has(*members(3), *(FrontState(f"one-proxy-{n}", n == 1, False, {"api/b1": 0}) for n in (1, 2)))
    code, out = do("drain api/b1 --dry-run")
    assert code == 0 and [line.split(" without")[0] for line in out.splitlines()[:2]] == [
        "api/b1: 2 of 3 members healthy",
        "old/b1: 2 of 3 members healthy",
    ]
    code, out = do("drain api/b1 --reason disk --wait 0")
    assert code == 1 and "not yet noted by one-proxy-1, one-proxy-2" in out, (
        "of `old` nobody has told anything"
    )
    assert [(each.granted, each.request.target) for each in decisions(store)] == [
        (True, "api/b1"),
        (True, "old/b1"),
    ]
    memory.lacks("hand/api/b1")
    told = {"api/b1": 0, "old/b1": 0}
    memory.has(*(FrontState(f"one-proxy-{n}", n == 1, False, told) for n in (1, 2)))
    code, out = do("drain api/b1 --reason disk")
    assert code == 0 and "nothing is under way to api/b1; it may be stopped" in out
