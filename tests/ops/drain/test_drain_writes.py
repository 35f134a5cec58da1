"""The transactions: what they put, what they hold for, and what the second of two of them meets."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.ops.drain.drain_kit import BACK, NOW, OUT, WORD, applied, doing, done, plan, stored

from trimtab.errors import BadInput, Conflict, Denied, InvalidResponse, LeaseGone
from trimtab.ops.arbiter.decide import Answer, Objection
from trimtab.ops.arbiter.effect import Effect
from trimtab.ops.arbiter.ledger import MAX_GRANTS, ChangeBudget, Decision
from trimtab.ops.arbiter.records import decode, encode
from trimtab.ops.arbiter.world import Freeze, Grant, Limits, Permit, Request
from trimtab.ops.drain import writes
from trimtab.ops.drain.plan import SetStep
from trimtab.ops.drain.standing import decisions_in
from trimtab.ops.drain.writes import MAX_DECISIONS, MOST_DELETED, MOST_ROWS, Asked
from trimtab.ops.steering.wish import Committed
from trimtab.registry.base import Snapshot, Write

EFFECT = Effect(("hk", "sg"), ("sg",), 0.4, 0.8)
REQUEST = Request("drain-site", "hk", "hk", "bob", "cabling")
YES, NO = Answer(True, EFFECT), Answer(False, EFFECT, (Objection("frozen", "the estate is frozen", "wait"),))
EMPTY = Snapshot(1, {})
MEMBER = Request("drain-member", "hk", "api/b1", "bob")
OLD = Grant(NOW - 5, "drain-member", "hk", "api/b9")
PREFER, WITHDRAW = SetStep("prefer", 5), SetStep("withdraw", 6)


def grant(found: Snapshot, at: float = NOW, **more: Any) -> Write:
    limits = Limits(window_s=3600.0, **more)
    return writes.grant(found, [(Asked(REQUEST, YES, at), replace(OUT, at=at))], limits, 7)


def change_budget(*ago: float, number: int = 9) -> ChangeBudget:
    return ChangeBudget(number, tuple(Grant(NOW - each, "drain-site", "sg", "sg") for each in ago))


def read(found: Snapshot, key: str) -> Any:
    return decode(key, found.records[key])


# ---- grants


def test_a_grant_is_the_permit_its_place_in_the_budget_and_the_row() -> None:
    found = applied(EMPTY, grant(EMPTY))
    assert sorted(found.records) == ["decision/0000000001", "gate", "permit/p1"]
    assert read(found, "permit/p1") == OUT
    assert read(found, "gate") == ChangeBudget(1, (Grant(NOW, "drain-site", "hk", "hk"),))
    row = read(found, "decision/0000000001")
    assert (row.granted, row.request, row.figures.full_after) == (True, REQUEST, 0.8)


def test_only_the_permit_hangs_on_the_lease() -> None:
    assert set(grant(EMPTY).leased) == {"permit/p1"}
    with pytest.raises(LeaseGone):
        applied(EMPTY, grant(EMPTY), leases=())


CHANGED: dict[str, Snapshot] = {
    "another grant": stored(change_budget(5.0, number=10)),
    "the first grant of all": stored(change_budget()),
    "a freeze": stored(Freeze("ann", "", NOW)),
    "its own permit": stored(OUT),
    "a committed state": stored(WORD),
    "a step under way": stored(doing("prefer", permit="p9")),
    "the same row": stored(Decision(1, NOW, REQUEST, False)),
}


@pytest.mark.parametrize("meanwhile", CHANGED.values(), ids=CHANGED)
def test_a_grant_holds_only_for_what_it_was_judged_on(meanwhile: Snapshot) -> None:
    change = grant(EMPTY)
    with pytest.raises(Conflict):
        applied(meanwhile, change)


def test_a_freeze_that_is_lifted_or_changed_meanwhile_is_a_change_too() -> None:
    frozen = stored(Freeze("ann", "", NOW))
    for meanwhile in (EMPTY, stored(Freeze("eve", "", NOW))):
        with pytest.raises(Conflict):
            applied(meanwhile, grant(frozen))
    assert "permit/p1" in applied(frozen, grant(frozen)).records, (
        "a forced one passes a freeze that it has read"
    )


def test_two_that_ask_at_once_do_not_both_get_it() -> None:
    first, second = grant(EMPTY), grant(EMPTY, NOW + 1)
    found = applied(EMPTY, first)
    with pytest.raises(Conflict):
        applied(found, second)


def test_the_gate_keeps_the_window_and_counts_on() -> None:
    found = stored(change_budget(4000.0, 3600.0, 3599.0, 10.0))
    kept = read(applied(found, grant(found)), "gate")
    assert kept.number == 10
    assert [NOW - each.at for each in kept.grants] == [3599.0, 10.0, 0.0]


def test_members_have_no_place_in_the_budget_and_let_all_stand() -> None:
    """Who asks for one knows no window; grants of members that an older version kept go."""
    asked = [Asked(MEMBER, YES, NOW), Asked(replace(MEMBER, target="web/b1"), YES, NOW)]
    permits = [
        Permit(f"p{n}", "drain-member", "hk", each.request.target, "bob", "", NOW, 5.0)
        for n, each in enumerate(asked)
    ]
    found = stored(replace(change_budget(4000.0, 10.0), grants=(*change_budget(4000.0, 10.0).grants, OLD)))
    change = writes.grant(found, list(zip(asked, permits, strict=True)), Limits(), 7)
    after = applied(found, change)
    assert read(after, "gate") == change_budget(4000.0, 10.0, number=10)
    assert [read(after, f"permit/p{n}").target for n in (0, 1)] == ["api/b1", "web/b1"]
    assert [read(after, f"decision/{n:010d}").request.target for n in (1, 2)] == ["api/b1", "web/b1"]
    with pytest.raises(Conflict):
        applied(after, change)


def test_several_are_granted_together_or_not_at_all() -> None:
    asked = [Asked(MEMBER, YES, NOW), Asked(replace(MEMBER, target="web/b1"), NO, NOW)]
    with pytest.raises(ValueError, match="gets no permit"):
        writes.grant(EMPTY, [(each, OUT) for each in asked], Limits(), 7)


def test_a_host_in_very_many_pools_is_told_of_in_the_first_ones() -> None:
    asked = [Asked(replace(MEMBER, target=f"pool-{n}/b1"), YES, NOW) for n in range(60)]
    granted = [(each, replace(OUT, id=f"p{n}")) for n, each in enumerate(asked)]
    change = writes.grant(rows(500), granted, Limits(), 7)
    assert len(change.leased) == 60 and len(change.put) == 1 + MOST_ROWS
    assert len(change.put) + len(change.leased) + len(change.delete) <= 128, "of one transaction of etcd"


def test_a_clock_ahead_of_ours_stays_in_the_gate() -> None:
    found = stored(change_budget(-500.0))
    assert len(read(applied(found, grant(found)), "gate").grants) == 2


def test_the_gate_is_never_written_as_it_was_before() -> None:
    """Otherwise somebody who read it long ago would take it for unchanged."""
    seen, found = set(), EMPTY
    for i in range(5):  # each time all that was in it has run out
        change = writes.grant(
            found, [(Asked(REQUEST, YES, NOW), replace(OUT, id=f"q{i}"))], Limits(window_s=0.0), 7
        )
        found = applied(found, change)
        assert len(read(found, "gate").grants) == 1
        seen.add(found.records["gate"])
    assert len(seen) == 5


def test_a_full_gate_drops_the_oldest() -> None:
    found = stored(change_budget(*(1000.0 - i for i in range(MAX_GRANTS))))
    kept = read(applied(found, grant(found)), "gate").grants
    assert len(kept) == MAX_GRANTS
    assert (NOW - kept[0].at, kept[-1].at) == (999.0, NOW)


def test_what_nobody_may_have_is_not_written() -> None:
    with pytest.raises(ValueError):
        writes.grant(EMPTY, [(Asked(REQUEST, NO, NOW), OUT)], Limits(), 7)
    with pytest.raises(BadInput, match="at most 200"):
        grant(EMPTY, changes=MAX_GRANTS + 1)
    with pytest.raises(BadInput, match="reason"):
        writes.grant(EMPTY, [(Asked(REQUEST, YES, NOW), replace(OUT, reason="\x1b"))], Limits(), 7)


@pytest.mark.parametrize("key", ["gate", "freeze", "permit/p9"])
def test_without_a_readable_gate_nothing_is_granted(key: str) -> None:
    with pytest.raises(InvalidResponse, match=key):
        grant(Snapshot(1, {key: b"{"}))


# ---- decisions


def rows(count: int, first: int = 1) -> Snapshot:
    value = encode(Decision(1, NOW, REQUEST, False))
    return Snapshot(1, {f"decision/{first + i:010d}": value for i in range(count)})


def test_a_refusal_is_a_row_and_nothing_else() -> None:
    found = applied(EMPTY, writes.refuse(EMPTY, Asked(REQUEST, NO, NOW)))
    assert list(found.records) == ["decision/0000000001"]
    assert [each.rule for each in read(found, "decision/0000000001").objections] == ["frozen"]


@pytest.mark.parametrize(
    ("there", "left", "newest"),
    [(0, 1, 1), (499, 500, 500), (500, 500, 501), (501, 500, 502), (700, 701 - MOST_DELETED, 701)],
)
def test_the_last_500_are_kept(there: int, left: int, newest: int) -> None:
    """Very many are deleted in several goes: a transaction takes no more than so many operations."""
    found = applied(rows(there), writes.refuse(rows(there), Asked(REQUEST, NO, NOW)))
    assert len(found.records) == left <= max(MAX_DECISIONS, 701 - MOST_DELETED)
    assert max(found.records) == f"decision/{newest:010d}"


def test_the_oldest_go() -> None:
    change = writes.refuse(rows(502, first=40), Asked(REQUEST, NO, NOW))
    assert change.delete == ("decision/0000000040", "decision/0000000041", "decision/0000000042")


@pytest.mark.parametrize("key", ["decision/x", "decision/", "decision/12345678901", "decision/-000000001"])
def test_rows_that_are_none_are_passed_over(key: str) -> None:
    found = Snapshot(1, {key: b"?"})
    assert list(writes.refuse(found, Asked(REQUEST, NO, NOW)).put) == ["decision/0000000001"]


def test_the_last_number_of_all_does_not_stop_grants() -> None:
    found = Snapshot(1, {"decision/9999999999": b"?"})
    assert set(grant(found).put) == {"gate"}


def test_two_rows_at_once_do_not_take_the_same_number() -> None:
    change = writes.refuse(EMPTY, Asked(REQUEST, NO, NOW))
    with pytest.raises(Conflict):
        applied(applied(EMPTY, change), change)


def test_freeze_and_thaw() -> None:
    word = Freeze("ann", "the big sale", NOW)
    found = applied(EMPTY, writes.freeze(EMPTY, word))
    assert read(found, "freeze") == word
    lifted = Freeze("bob", "it is over", NOW + 9)
    thaw = writes.thaw(found, lifted)
    assert thaw is not None and writes.thaw(EMPTY, lifted) is None
    found = applied(found, thaw)
    assert "freeze" not in found.records
    told = [
        (row.request.kind, row.request.by, row.request.reason, row.at) for row in decisions_in(found.records)
    ]
    assert told == [("freeze", "ann", "the big sale", NOW), ("thaw", "bob", "it is over", NOW + 9)]


def test_a_second_freeze_is_refused_and_says_whose_the_first_is() -> None:
    for reason, said in (("the big sale", "the big sale"), ("", "no reason given")):
        with pytest.raises(Denied, match=rf"frozen by ann since 20\d\d-.*: {said}$"):
            writes.freeze(stored(Freeze("ann", reason, NOW)), Freeze("eve", "I need it", NOW + 9))
    unread = Snapshot(3, {"freeze": b"?"})
    assert read(applied(unread, writes.freeze(unread, Freeze("eve", "", NOW))), "freeze").by == "eve"


def test_a_thaw_holds_for_the_freeze_that_was_read() -> None:
    thaw = writes.thaw(stored(Freeze("ann", "", NOW)), Freeze("bob", "", NOW))
    assert thaw is not None
    with pytest.raises(Conflict):
        applied(stored(Freeze("eve", "I need it", NOW)), thaw)
    with pytest.raises(BadInput, match="reason"):
        writes.freeze(EMPTY, Freeze("ann", "\n", NOW))


# ---- steps of a drain


def test_a_step_hangs_on_the_lease() -> None:
    found = stored(OUT)
    change = writes.step(found, plan(), PREFER, 7)
    assert read(applied(found, change), "doing/hk") == doing("prefer")
    assert (set(change.leased), change.put) == ({"doing/hk"}, {})


def test_the_way_back_brings_its_notice_with_it() -> None:
    found = stored(WORD)
    change = writes.step(found, plan("back"), PREFER, 7)
    after = applied(found, change)
    assert read(after, "permit/p2") == BACK
    assert set(change.leased) == {"doing/hk", "permit/p2"}


def test_the_whole_way_out_and_back() -> None:
    found = applied(EMPTY, grant(EMPTY))
    for move in (PREFER, WITHDRAW):
        found = applied(found, writes.step(found, plan(), move, 7))
    found = applied(found, writes.commit(found, plan(), NOW))
    word = Committed("hk", "withdraw", "bob", "cabling", NOW, "p1")
    assert read(found, "steer/hk") == word
    rows = ["decision/0000000001", "decision/0000000002"]
    assert sorted(found.records) == [*rows, "gate", "steer/hk"]
    assert [(row.outcome, row.act, row.request.by) for row in decisions_in(found.records)] == [
        ("granted", "drain-site", "bob"), ("done", "drain-site", "bob"),
    ]  # fmt: skip
    found = applied(found, writes.step(found, plan("back", lifts=word), PREFER, 7))
    found = applied(found, writes.commit(found, plan("back", lifts=word), NOW))
    assert sorted(found.records) == [*rows, "decision/0000000003", "decision/0000000004", "gate"]
    back = decisions_in(found.records)[-1]
    assert (back.request.kind, back.request.by, back.granted) == ("undrain-site", BACK.by, True)


UNDER_WAY = stored(OUT, doing("withdraw", 6))
UNDER_WAY_BACK = stored(BACK, WORD, doing("prefer", permit="p2"))
GONE: dict[str, tuple[Any, Snapshot, Snapshot]] = {
    "its permit": (plan(), UNDER_WAY, stored(doing("withdraw", 6))),
    "its step": (plan(), UNDER_WAY, stored(OUT)),
    "both": (plan(), UNDER_WAY, EMPTY),
    "its step is another": (plan(), UNDER_WAY, stored(OUT, doing("withdraw", 7))),
    "its permit is another's": (plan(), UNDER_WAY, stored(replace(OUT, by="eve"), doing("withdraw", 6))),
    "somebody has committed": (plan(), UNDER_WAY, stored(OUT, doing("withdraw", 6), WORD)),
    "the word is gone": (plan("back"), UNDER_WAY_BACK, stored(BACK, doing("prefer", permit="p2"))),
    "the word is another": (plan("back"), UNDER_WAY_BACK, stored(BACK, replace(WORD, permit="p9"), doing("prefer", permit="p2"))),
    "the notice is gone": (plan("back"), UNDER_WAY_BACK, stored(WORD, doing("prefer", permit="p2"))),
    "the step back is gone": (plan("back"), UNDER_WAY_BACK, stored(WORD, BACK)),
}  # fmt: skip


@pytest.mark.parametrize(("asked", "found", "meanwhile"), GONE.values(), ids=GONE)
def test_a_commit_and_a_step_hold_only_for_what_was_read(
    asked: Any, found: Snapshot, meanwhile: Snapshot
) -> None:
    for change in (
        writes.commit(found, asked, NOW),
        writes.step(found, asked, replace(WITHDRAW, token=9), 7),
    ):
        with pytest.raises(Conflict):
            applied(meanwhile, change)


def test_nothing_is_committed_that_is_not_there() -> None:
    for found in (EMPTY, stored(OUT), stored(doing("withdraw"))):
        with pytest.raises(Conflict, match="is gone"):
            writes.commit(found, plan(), NOW)
    with pytest.raises(Conflict, match="permit/p1 is gone"):
        writes.step(EMPTY, plan(), PREFER, 7)
    with pytest.raises(Conflict, match="is gone"):
        writes.commit(stored(WORD), plan("back"), NOW)


UNDONE: dict[str, tuple[Any, Snapshot, list[str]]] = {
    "all of it": (plan(), stored(OUT, doing("withdraw")), []),
    "the permit alone": (plan(), stored(OUT), []),
    "the step alone": (plan(), stored(doing("withdraw")), []),
    "nothing": (plan(), EMPTY, []),
    "somebody else's step stays": (plan(), stored(OUT, doing("prefer", permit="p9")), ["doing/hk"]),
    "a step that nobody can read stays": (plan(), Snapshot(1, {"doing/hk": b"?"}), ["doing/hk"]),
    "the committed state stays": (plan("back"), UNDER_WAY_BACK, ["steer/hk"]),
    "other sites stay": (plan(), stored(OUT, doing("prefer"), done("prefer")), ["done/hk/hk-r1"]),
    "a broken change_budget is no hindrance": (
        plan(),
        Snapshot(1, {**stored(OUT).records, "gate": b"?"}),
        ["gate"],
    ),
}


@pytest.mark.parametrize(("asked", "found", "left"), UNDONE.values(), ids=UNDONE)
def test_what_an_undo_leaves(asked: Any, found: Snapshot, left: list[str]) -> None:
    after = applied(found, writes.undo(found, asked, "hk-r1 has not answered", NOW))
    assert sorted(key for key in after.records if not key.startswith("decision/")) == left
    told = [
        (row.outcome, row.act, *(said.text for said in row.objections)) for row in decisions_in(after.records)
    ]
    act = "drain-site" if asked.way == "out" else "undrain-site"
    deleted = set(found.records) - set(left)
    assert told == ([("undone", act, "hk-r1 has not answered")] if deleted else [])
    assert applied(after, writes.undo(after, asked, "again", NOW)).records == after.records


def test_an_undo_that_comes_after_the_commit_changes_nothing() -> None:
    late = writes.undo(UNDER_WAY, plan(), "", NOW)
    committed = applied(UNDER_WAY, writes.commit(UNDER_WAY, plan(), NOW))
    with pytest.raises(Conflict):
        applied(committed, late)
