"""`trimtab status`, `why`, `freeze` and dry runs, with the estate's store in memory: what is said of what stands there."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from tests.cli.conftest import Do, Memory
from trimtab.cli.why import lost_of
from trimtab.errors import BadInput, Denied, Unreachable
from trimtab.ops.arbiter import records as arbiter
from trimtab.ops.arbiter.ledger import ChangeBudget, Decision
from trimtab.ops.arbiter.world import Freeze, Grant, Permit, Request, Told
from trimtab.ops.health import record as views
from trimtab.ops.health.reading import Reading
from trimtab.ops.health.verdict import View
from trimtab.ops.steering.wish import Committed, Doing, Done
from trimtab.registry.record import Alive, Claim, HostState, Member, ProxyOverride

SITES = ("hk", "la", "sg")
WORD = Committed("hk", "withdraw", "ann@hk-registry-1", "fibre", 5.0, "p1")
ALONE = "committed by the site itself: no other site is known to serve: la is unreachable, sg is unreachable"
OPEN = Done("hk", "hk-router-1", "serve", 0, True, 6.0, ALONE)


def has(store: Memory, *given: Any) -> None:
    store.records |= {arbiter.key_of(each): arbiter.encode(each) for each in given}


def sees(store: Memory, *serving: str) -> None:
    """What every vantage point says: the other sites do not answer at all."""
    now = time.time()
    for vantage in SITES:
        readings = {
            site: Reading(site, ok, ok, ok, now - 500, "" if ok else "no answer", ("https", "tcp", "icmp"))
            for site in SITES
            for ok in [site in serving]
        }
        view = View(vantage, f"{vantage}-registry-1", readings, now)
        store.records[views.key_of(view)] = views.encode(view)


def row(do: Do, site: str = "hk") -> dict[str, Any]:
    found: dict[str, Any] = {each["site"]: each for each in json.loads(do("status --json")[1])["sites"]}
    return found[site]


# ---- a router that does not do as its site was told


def test_a_site_that_announces_by_itself_says_so_and_why(memory: Memory, store: Memory, do: Do) -> None:
    sees(store, "hk")
    has(store, WORD, OPEN)
    says = f": fibre; announced by hk-router-1 all the same: {ALONE}"
    (line,) = [each for each in do("status")[1].splitlines() if each.startswith("hk ")]
    assert "drained by ann@hk-registry-1" in line and line.endswith(says)
    assert do("why hk")[1].splitlines()[0].endswith(says)
    for found in (row(do), json.loads(do("why hk --json")[1])):
        assert found["word"].startswith("drained by ann@hk-registry-1 at ") and found["word"].endswith(says)
        assert (found["against"], found["routers"]["hk-router-1"]["why"]) == (["hk-router-1"], ALONE)


def test_a_site_that_is_not_drained_and_not_announced_says_so(memory: Memory, store: Memory, do: Do) -> None:
    has(store, Done("hk", "hk-router-1", "withdraw", 0, True, 6.0, "committed by ann: fibre"))
    has(store, Done("sg", "sg-router-1", "prefer", 0, True, 6.0))
    assert row(do)["word"] == (
        "serves as the estate says; not announced by hk-router-1 all the same: committed by ann: fibre"
    )
    assert row(do, "sg")["word"].endswith(
        "; announced as second choice by sg-router-1 all the same: no reason given"
    )


@pytest.mark.parametrize(
    "given",
    [
        (WORD, Done("hk", "hk-router-1", "withdraw", 0, True, 6.0, "committed by ann@hk-registry-1")),
        (WORD, Done("hk", "hk-router-9", "serve", 0, True, 6.0, ALONE)),
        (WORD, OPEN, Doing("hk", "prefer", "p2", 7, 5.0), Permit("p2", "undrain-site", "hk", "hk", "li", "", 7.0, 5.0)),
        (Done("hk", "hk-router-1", "serve", 0, False, 6.0, "nothing else was said", "no session is up"),),
        (),
    ],
    ids=["as told", "no router of the site", "a step is under way", "serves", "nothing was said"],
)  # fmt: skip
def test_what_is_as_it_was_told_or_on_the_way_is_not_against_it(
    given: tuple[Any, ...], memory: Memory, store: Memory, do: Do
) -> None:
    has(store, *given)
    found = row(do)
    assert found["against"] == [] and "all the same" not in found["word"]


# ---- why


def test_of_a_host_the_requests_about_it_as_a_member_are_told(memory: Memory, store: Memory, do: Do) -> None:
    memory.has(*(HostState(f"hk-backend-{n}") for n in range(1, 13)))
    assert do("weight web/hk-backend-1 drain --site hk --reason kernel")[0] == 0
    assert do("weight web/hk-backend-2 drain --site hk --reason disk")[0] == 0
    out = do("why hk-backend-1")[1]
    assert "granted  drain-member web/hk-backend-1 by li@" in out and ": kernel" in out
    assert "drain-member web/hk-backend-2" not in out
    for target in ("hk-backend-1", "web/hk-backend-1"):
        rows = json.loads(do(f"why {target} --json")[1])["decisions"]
        assert [each["target"] for each in rows] == ["web/hk-backend-1"]
    assert "drain-member" not in do("why hk")[1]


def test_the_requests_about_another_pool_are_not_those_about_the_member(
    memory: Memory, store: Memory, do: Do
) -> None:
    memory.has(
        *(HostState(f"hk-backend-{n}") for n in range(1, 13)),
        *(each for n in (1, 2) for each in (Member("api", f"hk-backend-{n}", f"10.0.0.{n}", 8080, n),
                                            Claim("api", n, f"hk-backend-{n}"), Alive("api", f"hk-backend-{n}"))),
    )  # fmt: skip
    assert do("weight web/hk-backend-1 drain --site hk")[0] == 0
    assert do("weight api/hk-backend-1 drain --site hk")[0] == 0
    rows = json.loads(do("why hk-backend-1 --json")[1])["decisions"]
    assert [each["target"] for each in rows] == ["api/hk-backend-1", "web/hk-backend-1"]
    rows = json.loads(do("why web/hk-backend-1 --json")[1])["decisions"]
    assert [each["target"] for each in rows] == ["web/hk-backend-1"]


def moves(*kinds: Told) -> list[Decision]:
    """Newest first, as `why` has them."""
    asked = [Request(kind, "hk", "hk", "ann", "fibre") for kind in kinds]
    return [Decision(n, float(n), each, True) for n, each in enumerate(asked, 1)][::-1]


@pytest.mark.parametrize(
    ("kinds", "under_way", "lost"),
    [
        (["drain-site", "drain-site-done", "undrain-site-begun", "undrain-site"], False, set()),
        (["drain-site", "drain-site-undone"], False, set()),
        (["drain-site"], True, set()),
        (["drain-site"], False, {1}),
        (["drain-site", "drain-site"], True, {1}),
        (["drain-site", "drain-proxy", "freeze", "drain-site", "drain-site-done"], False, {1}),
        (["drain-site", "drain-site-done", "undrain-site-begun"], False, {3}),
        (["drain-site-done"], False, set()),  # taken over from agents, or its beginning is too long ago
        ([], False, set()),
    ],
)
def test_of_what_was_begun_and_never_ended_it_is_said_that_it_was_lost(
    kinds: list[Told], under_way: bool, lost: set[int]
) -> None:
    assert lost_of(moves(*kinds), under_way) == lost


def test_a_drain_whose_command_was_killed_says_so(memory: Memory, store: Memory, do: Do) -> None:
    has(store, *moves("drain-site"))
    said = do("why hk")[1]
    assert (
        "granted  drain-site hk by ann: fibre\n" in said
        and "whoever asked was killed, or lost the store" in said
    )
    assert json.loads(do("why hk --json")[1])["decisions"][0]["lost"] is True
    has(store, Permit("p1", "drain-site", "hk", "hk", "ann", "", 1.0, 5.0))
    assert "was killed" not in do("why hk")[1]


@pytest.mark.parametrize(
    "words",
    ["status", "why hk", "drain hk", "drain hk-proxy-1", "undrain hk", "freeze --reason x", "incidents"],
)
def test_a_store_that_is_away_is_said_to_be_that(words: str, memory: Memory, store: Memory, do: Do) -> None:
    store.down = True
    with pytest.raises(Unreachable, match=r"^the estate's store cannot be asked: ") as raised:
        do(words)
    assert "look at etcd-estate.service on hk-registry-1, sg-registry-1, la-registry-1" in raised.value.hint


@pytest.mark.parametrize("words", ["why hk --site la", "why hk --site hk", "why hk-backend-1 --site hk"])
def test_a_site_goes_with_a_member_alone(words: str, do: Do) -> None:
    with pytest.raises(BadInput, match="--site goes with POOL/MEMBER"):
        do(words)


# ---- freeze, and what force overrules


def test_a_second_freeze_leaves_the_first_and_says_whose_it_is(memory: Memory, store: Memory, do: Do) -> None:
    has(store, Freeze("ann@sg-registry-1", "the big sale", 5.0))
    before = dict(store.records)
    for more in ((), ("--json",)):
        with pytest.raises(Denied, match=r"frozen by ann@sg-registry-1 since 19.*: the big sale$"):
            do("freeze --reason mine", *more)
        assert store.records == before
    assert do("freeze --off --reason over")[1] == "changes are allowed\n" and "freeze" not in store.records
    assert do("freeze --off")[1] == "no change\n"
    assert do("freeze --reason mine")[1].endswith(": mine\n")
    kept = arbiter.decode("freeze", store.records["freeze"])
    assert isinstance(kept, Freeze) and kept.reason == "mine"
    said = do("why hk")[1]
    assert "done     thaw estate by" in said and "were left" not in said
    rows = json.loads(do("why hk --json")[1])["decisions"]
    assert [(each["kind"], each["reason"]) for each in rows] == [("freeze", "mine"), ("thaw", "over")]


def test_a_forced_dry_run_says_what_force_would_overrule(memory: Memory, store: Memory, do: Do) -> None:
    sees(store, *SITES)
    has(store, Freeze("ann", "the big sale", 5.0))
    before = dict(store.records)
    out = do("drain hk --force --dry-run --reason x")[1]
    frozen = "frozen: the estate is frozen by ann: the big sale"
    assert "hk: would be granted\n" in out and f"\n  {frozen} (overruled)\n" in out
    effect, found = map(json.loads, do("drain hk --force --dry-run --reason x --json")[1].splitlines())
    assert (effect["event"], effect["sites_before"]) == ("effect", ["hk", "la", "sg"])
    told = [f"  {each['rule']}: {each['text']} (overruled)" for each in found["objections"]]
    assert out.splitlines()[-len(told) :] == told and store.records == before
    store.records.pop("freeze")
    assert "frozen" not in do("drain hk --force --dry-run --reason x")[1]


def test_status_says_which_proxy_is_drained_and_how_much_of_the_budget_is_used(
    memory: Memory, store: Memory, do: Do
) -> None:
    at = time.time()
    used = tuple(Grant(at - n, "drain-proxy", "hk", "hk-proxy-1") for n in range(2))
    has(store, ChangeBudget(2, used))
    memory.has(ProxyOverride("hk-proxy-2", "drain", "ann@ops-1", "a new kernel", 5.0))
    (line,) = [each for each in do("status")[1].splitlines() if each.startswith("hk ")]
    assert line.endswith("serves as the estate says; hk-proxy-2 is drained by ann@ops-1: a new kernel")
    assert "2 of 6 changes of sites and proxies in the last 60 min\n" in do("status")[1]
    has(store, ChangeBudget(6, used * 3))
    assert "6 of 6 changes of sites and proxies in the last 60 min: without --force none" in do("status")[1]
