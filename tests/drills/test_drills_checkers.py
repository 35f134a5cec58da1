"""Every checker with a run that is fine, and with planted failures that it must find."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from drills_kit import END, FAULT, history, orders, reads, row

from trimtab.drills.checkers import CHECKERS, checkers_for
from trimtab.drills.history import Events, History, Order
from trimtab.drills.verdict import Claims, Verdict, combine, judge

CLAIMS = Claims(reads_s=1.0, writes_s=5.0, lost=0, recovery_s=1.0)


def says(name: str, found: History, claims: Claims = CLAIMS) -> Verdict:
    checker = next(checker for checker in CHECKERS if checker.name == name)
    return checker.check(found, claims)


def test_a_good_run_is_true() -> None:
    claims = replace(CLAIMS, failed=0, conduct={"returns": "unnoticed"})
    verdicts = judge(checkers_for(claims), history(), claims)
    names = ["load", "reads", "failed", "writes", "orders", "recovery", "returns"]
    assert [(verdict.checker, verdict.value, verdict.reasons) for verdict in verdicts] == [
        (name, "true", ()) for name in names
    ]


def test_dropping_one_acknowledged_order_is_false() -> None:
    found = history()
    stored = dict(found.stored or {})
    del stored["k-asia-77"]
    verdict = says("orders", replace(found, stored=stored))
    assert verdict.value == "false"
    assert "k-asia-77" in verdict.reasons[0]
    assert verdict.figures["lost_orders"] == 1


def test_an_order_written_twice_is_false() -> None:
    found = history()
    assert says("orders", replace(found, stored={**(found.stored or {}), "k-asia-3": 2})).value == "false"


def test_an_order_reported_as_failed_must_not_be_stored() -> None:
    placed = (*orders(), Order("ghost", 104.0, 105.0, "failed"))
    found = history(orders={"asia": placed})
    assert says("orders", found).value == "false"


@pytest.mark.parametrize("stored", [0, 1])
def test_an_unknown_order_may_be_either(stored: int) -> None:
    placed = (*orders(), Order("maybe", 104.0, None, "unknown"))
    found = history(orders={"asia": placed})
    kept = {key: count for key, count in (found.stored or {}).items() if key != "maybe" or stored}
    assert says("orders", replace(found, stored=kept)).value == "true"


def test_orders_that_cannot_be_read_back_or_were_never_sent_are_unknown() -> None:
    assert says("orders", history(stored=None)).value == "unknown"
    assert says("orders", history(orders={}, stored={})).value == "unknown"
    assert says("writes", history(orders={}, stored={})).value == "unknown"


def test_a_promised_loss_may_be_used_up() -> None:
    found = history()
    stored = {key: 1 for key in (found.stored or {}) if key != "k-asia-77"}
    assert says("orders", replace(found, stored=stored), Claims(lost=1)).value == "true"


def test_the_worst_region_counts() -> None:
    slow = {"asia": reads(lambda at: 0 <= at <= 1.5), "america": reads()}
    verdict = says("reads", history(reads=slow))
    assert verdict.value == "false"
    assert verdict.reasons == ("asia could not read for 1.50 s, promised 1 s",)
    assert verdict.figures["outage_s"] == pytest.approx(1.5)


def test_a_second_outage_before_the_restoration_is_false() -> None:
    twice = reads(lambda at: 0 <= at <= 0.2 or 2 <= at <= 3.5)
    assert "again" in says("reads", history(reads={"asia": twice})).reasons[0]


def test_not_recovered_is_false() -> None:
    assert "did not recover" in says("reads", history(reads={"asia": reads(lambda at: at >= 0)})).reasons[0]


def test_slow_writes_are_false() -> None:
    found = history(orders={"asia": orders(quiet=(0.0, 4.9))})
    assert says("writes", found).value == "true"
    assert says("writes", found, replace(CLAIMS, writes_s=3.0)).value == "false"


def test_nothing_may_fail_twice_while_a_site_comes_back() -> None:
    rows = tuple(
        one if one.start != pytest.approx(109.0) else row(one.start, ok=False, ok_after_retry=False)
        for one in reads()
    )
    verdict = says("recovery", history(reads={"asia": rows}))
    assert verdict.value == "false"
    assert "even when tried again" in verdict.reasons[0]


def test_a_second_outage_when_the_site_comes_back_is_false() -> None:
    rows = reads(lambda at: 6 <= at <= 7.5)
    assert "could not read for 1.50 s" in says("recovery", history(reads={"asia": rows})).reasons[0]


@pytest.mark.parametrize(("families", "value"), [((4, 6), "true"), ((4, 4), "false"), ((6, 6), "false")])
def test_each_family_returns_at_a_moment_of_its_own(families: tuple[int, int], value: str) -> None:
    """Two short episodes, together longer than the promise: of one family they are one, of two they are two."""
    moments = ((8.1, 8.4), (9.0, 9.3))

    def fails(family: int) -> Callable[[float], bool]:
        mine = [when for when, of in zip(moments, families, strict=True) if of == family]
        return lambda at: any(begin <= at <= end for begin, end in mine)

    rows = sorted((*reads(fails(4)), *reads(fails(6), family=6)), key=lambda each: each.start)
    verdict = says("recovery", history(reads={"asia": tuple(rows)}))
    assert verdict.value == value
    assert verdict.figures["recovery_outage_s"] == pytest.approx(0.3 if value == "true" else 1.2, abs=0.05)


def test_a_site_that_does_not_serve_again_did_not_recover() -> None:
    rows = tuple(one if one.start < FAULT else one._replace(site="sg") for one in reads())
    assert "none after its return" in says("recovery", history(reads={"asia": rows})).reasons[0]


def test_never_ready_again_is_false() -> None:
    assert says("recovery", history(events=Events(100.0, FAULT, 108.0, None, END))).value == "false"


@pytest.mark.parametrize(
    ("planted", "word"),
    [
        ({"reads": {}}, "no region"),
        ({"reads": {"asia": reads()[:400]}}, "were due"),
        ({"reads": {"asia": reads(late=0.3)}}, "starved"),
        ({"reads": {"asia": reads(lambda at: at == -2)}}, "before the fault"),
        ({"gaps": ("asia's record is not complete",)}, "not complete"),
    ],
)
def test_a_load_that_did_not_run_makes_it_unknown(planted: dict[str, Any], word: str) -> None:
    verdict = says("load", history(**planted))
    assert verdict.value == "unknown"
    assert word in " ".join(verdict.reasons)


def test_a_read_under_way_when_the_fault_came_is_no_failure_before_it() -> None:
    assert says("load", history(reads={"asia": reads(lambda at: at == -0.02)})).value == "true"


def test_only_claims_that_are_made_are_judged() -> None:
    assert [checker.name for checker in checkers_for(Claims(reads_s=1.0))] == ["load", "reads"]


# Who answers while a site has no members: the fault at 103, the promise for reads over at 104, the repair at 108.

ELSEWHERE = Claims(reads_s=1.0, conduct={"served": "elsewhere"})


def answered(site: Callable[[float], str], fails: Callable[[float], bool] = lambda at: False) -> Any:
    """Reads of a region whose answers come from `site`, by seconds since the fault."""
    return tuple(each._replace(site=site(each.start - FAULT)) for each in reads(fails))


def other_at(begins: float, ends: float) -> Callable[[float], str]:
    return lambda at: "sg" if begins <= at < ends else "hk"


@pytest.mark.parametrize(
    ("asia", "value", "why"),
    [
        (answered(other_at(0.3, 5.5)), "true", ""),
        (answered(other_at(0.9, 5.5), lambda at: 0 <= at < 0.9), "true", ""),
        # its own members answered where none should be left
        (answered(other_at(0.3, 2.0)), "false", "answered by members of hk"),
        (answered(other_at(0.3, 0.9), lambda at: at >= 0.9), "false", "no read was answered"),
        (answered(lambda at: "hk", lambda at: 0 <= at < 5), "false", "no read was answered"),
        # nobody of the region had been served by the site
        (answered(lambda at: "sg"), "unknown", "no region"),
    ],
)
def test_who_answers_once_the_promise_has_passed(asia: Any, value: str, why: str) -> None:
    found = history(reads={"asia": asia, "america": answered(lambda at: "la")})
    verdict = says("served", found, ELSEWHERE)
    assert verdict.value == value
    assert why in " ".join(verdict.reasons) and bool(why) == bool(verdict.reasons)
    if value != "unknown":
        assert set(verdict.figures["answers"]) == {"asia"}, "others' clients have nothing to do with it"


def test_what_the_repair_met_says_nothing_about_the_fault() -> None:
    """A read under way as the power came back may be answered by either."""
    rows = list(answered(other_at(0.3, 4.9)))
    found = [each._replace(latency=0.2) if each.start - FAULT >= 4.9 else each for each in rows]
    assert says("served", history(reads={"asia": tuple(found)}), ELSEWHERE).value == "true"


def test_a_watch_that_ends_within_the_promise_has_seen_who_served_at_its_end() -> None:
    patient = Claims(reads_s=6.0, conduct={"served": "elsewhere"})
    assert says("served", history(reads={"asia": answered(other_at(0.3, 5.5))}), patient).value == "true"
    verdict = says("served", history(reads={"asia": answered(other_at(0.3, 2.0))}), patient)
    assert verdict.value == "unknown" and "within the promise of 6 s" in verdict.reasons[-1]


MOVED = Claims(reads_s=1.0, conduct={"served": "moved"})


@pytest.mark.parametrize(
    ("asia", "value", "why"),
    [
        # however long it took, somebody else answers in the last two seconds before the repair
        (answered(other_at(2.9, 5.5), lambda at: 0 <= at < 2.9), "true", ""),
        (answered(other_at(2.9, 5.5)), "true", ""),  # the site served until they came elsewhere
        (answered(other_at(4.0, 5.5)), "false", "answered by members of hk"),
        (answered(lambda at: "hk", lambda at: 0 <= at < 5), "false", "no read was answered"),
    ],
)
def test_who_answers_before_the_repair_once_the_path_has_moved(asia: Any, value: str, why: str) -> None:
    verdict = says("served", history(reads={"asia": asia}), MOVED)
    assert verdict.value == value
    assert why in " ".join(verdict.reasons) and bool(why) == bool(verdict.reasons)


# What nobody may notice: the fault at 103, its repair at 108, ready at 110.

UNNOTICED = Claims(failed=0, conduct={"returns": "unnoticed"})


@pytest.mark.parametrize(
    ("at", "during", "recovery"),
    [
        (0.0, "false", "true"),
        (3.0, "false", "true"),
        (4.5, "true", "false"),  # under way as the repair came: it failed by the repair
        (5.0, "true", "false"),
        (11.0, "true", "false"),
        (-2.0, "true", "true"),
    ],
)
def test_a_failed_read_belongs_to_the_fault_or_to_its_repair(at: float, during: str, recovery: str) -> None:
    found = history(reads={"asia": reads(lambda seconds: seconds == at), "america": reads()})
    assert says("failed", found, UNNOTICED).value == during
    assert says("returns", found, UNNOTICED).value == recovery


@pytest.mark.parametrize(
    ("at", "later"),
    [(-0.5, "true"), (0.0, "true"), (0.1, "true"), (0.2, "false"), (4.0, "false"), (4.5, "true")],
)
def test_a_later_read_was_sent_once_its_clients_could_know(at: float, later: str) -> None:
    """A region whose round trip is 0.13 s hears of it then at the latest; one that is at the site at once."""
    found = history(
        reads={"asia": reads(), "default": reads(lambda seconds: seconds == at)}, away_s={"default": 0.13}
    )
    assert says("failed_later", found, Claims(failed_later=0)).value == later
    near = replace(found, away_s={"default": 0.0})
    assert says("failed_later", near, Claims(failed_later=0)).value == ("false" if 0 <= at < 4.5 else "true")


@pytest.mark.parametrize(
    ("kind", "at", "value"),
    [("kept", 3.0, "false"), ("kept", 11.0, "true"), ("opened", 3.0, "true"), ("new", 3.0, "true")],
)
def test_what_stood_already_is_told_from_what_came(kind: str, at: float, value: str) -> None:
    rows = [one._replace(kind="kept") for one in reads()]
    rows += [one._replace(kind=kind) for one in reads(lambda seconds: seconds == at)]
    found = history(reads={"asia": tuple(sorted(rows, key=lambda one: one.start))})
    assert says("failed_kept", found, Claims(failed_kept=0)).value == value


def test_without_a_kept_connection_nobody_knows() -> None:
    rows = tuple(one._replace(kind="new") for one in reads())
    assert says("failed_kept", history(reads={"asia": rows}), Claims(failed_kept=0)).value == "unknown"


def test_as_many_may_fail_as_are_claimed_in_all_regions_together() -> None:
    two = reads(lambda at: at in (1, 2))
    found = history(reads={"asia": two, "america": two})
    assert says("failed", found, Claims(failed=4)).value == "true"
    verdict = says("failed", found, Claims(failed=3))
    assert (verdict.value, verdict.figures["failed"]) == ("false", 4)
    assert verdict.reasons == (
        "asia: 2 requests failed: 2 x timeout", "america: 2 requests failed: 2 x timeout", "at most 3 were claimed"
    )  # fmt: skip


# A site that is cut off from the others: hk, which serves asia.

MINORITY = Claims(writes_s=2.0, recovery_s=1.0, conduct={"minority": "refuses"})


def refused(
    until: float = 5.0, told: tuple[str, ...] = ("503",), outcome: Any = "failed"
) -> tuple[Order, ...]:
    """asia's orders: those sent from the fault on, `until` seconds after it, are not taken."""
    found = []
    for order in orders():
        if 0 <= order.sent - FAULT < until:
            found.append(Order(order.key, order.sent, order.sent + 0.4, outcome, told))
        else:
            found.append(order)
    return tuple(found)


def partition(asia: tuple[Order, ...], america: tuple[Order, ...] | None = None, **other: Any) -> History:
    placed = {"asia": asia, "america": orders(region="america") if america is None else america}
    return history(reads={"asia": reads(), "america": reads(site="la")}, orders=placed, **other)


def test_a_minority_that_refuses_is_true() -> None:
    verdict = says("minority", partition(refused()), MINORITY)
    assert (verdict.value, verdict.reasons) == ("true", ())
    assert (
        verdict.figures["refused_503"] == verdict.figures["sent"] == 20
    )  # of 2 s: after the promise, before the end


def test_a_minority_that_acknowledges_is_false() -> None:
    placed = list(refused())
    at = next(number for number, order in enumerate(placed) if order.sent > FAULT + 3)
    placed[at] = replace(placed[at], outcome="ok")
    verdict = says("minority", partition(tuple(placed)), MINORITY)
    assert verdict.value == "false"
    assert f"acknowledged by a minority, first {placed[at].key}" in verdict.reasons[0]


def test_an_order_taken_once_the_path_is_mended_is_no_such_acknowledgement() -> None:
    late = tuple(
        replace(order, outcome="ok", answered=108.5) if order.outcome == "failed" else order
        for order in refused()
    )
    assert says("minority", partition(late), MINORITY).value == "true"


@pytest.mark.parametrize("told", [(), ("429",)])
def test_a_minority_that_leaves_its_clients_waiting_is_false(told: tuple[str, ...]) -> None:
    verdict = says("minority", partition(refused(told=told, outcome="unknown")), MINORITY)
    assert verdict.value == "false"
    assert "left waiting" in verdict.reasons[0]


def test_without_a_region_or_an_order_nothing_is_known_of_a_minority() -> None:
    elsewhere = replace(partition(refused()), site="sg")
    assert says("minority", elsewhere, MINORITY).value == "unknown"
    early = says("minority", partition(tuple(o for o in refused() if o.sent < FAULT + 1)), MINORITY)
    assert early.value == "unknown"
    assert "later than 2 s after the fault" in early.reasons[0]


def test_writes_are_the_majoritys_where_a_minority_has_to_refuse() -> None:
    found = partition(refused())
    assert says("writes", found, MINORITY).value == "true"
    assert set(says("writes", found, MINORITY).figures["regions"]) == {"america"}
    assert says("writes", found, replace(MINORITY, conduct={})).value == "false"
    both = partition(refused(), orders(quiet=(0.0, 3.0), region="america"))
    assert "america" in says("writes", both, MINORITY).reasons[0]


def test_a_minority_takes_orders_again_within_the_promise() -> None:
    assert says("recovery", partition(refused(until=6.5)), MINORITY).value == "true"
    slow = says("recovery", partition(refused(until=7.5)), MINORITY)
    assert slow.value == "false"
    assert (
        "asia: orders acknowledged after the path was mended: the first 2.55 s on, limit 2 s" in slow.reasons
    )
    never = says("recovery", partition(refused(until=20.0)), MINORITY)
    assert "none" in " ".join(never.reasons)


class Raises:
    name = "reads"

    def check(self, history: History, claims: Claims) -> Verdict:
        raise KeyError("asia")


class Killed:
    name = "orders"

    def check(self, history: History, claims: Claims) -> Verdict:
        os.kill(os.getpid(), signal.SIGKILL)
        return Verdict(self.name, "true")


class Leaves:
    name = "orders"

    def check(self, history: History, claims: Claims) -> Verdict:
        os._exit(0)


def test_a_checker_that_crashes_is_unknown_and_never_true() -> None:
    raised, killed, left = judge([Raises(), Killed(), Leaves()], history(), CLAIMS)
    assert [verdict.value for verdict in (raised, killed, left)] == ["unknown"] * 3
    assert "KeyError" in raised.reasons[0]
    assert "-9" in killed.reasons[0]


def test_false_outranks_unknown_outranks_true() -> None:
    assert combine(["true", "unknown", "false"]) == "false"
    assert combine(["true", "unknown"]) == "unknown"
    assert combine(["true", "true"]) == "true"
    assert combine([]) == "unknown"


@pytest.mark.parametrize(("limit", "value"), [(0, "false"), (1, "true")])
def test_what_fails_again_counts_and_what_a_retry_mends_does_not(limit: int, value: str) -> None:
    """Until the end: an address that moves a second time ends connections as well."""
    rows = reads(lambda at: at in (1, 9))
    mended = tuple(row._replace(ok_after_retry=row.ok or row.start < FAULT + 5) for row in rows)
    found = history(reads={"asia": mended, "america": reads()})
    assert [row.ok_after_retry for row in mended if not row.ok] == [True, False]
    assert says("failed_retried", found, Claims(failed_retried=limit)).value == value
