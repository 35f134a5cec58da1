"""The transactions of the arbiter and of a drain: a snapshot in, one `Write` out. All of it happens, or nothing.

Each holds only for what it was judged on, so the second of two that were first is refused and reads again. A write of which
nobody knows whether it was done is not repeated: what the store says next is read, and the next move follows from that.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from trimtab.errors import BadInput, Conflict, Denied
from trimtab.ops.arbiter.decide import Answer, Objection
from trimtab.ops.arbiter.effect import Effect
from trimtab.ops.arbiter.fields import NUMBER
from trimtab.ops.arbiter.ledger import MAX_GRANTS, ChangeBudget, Decision
from trimtab.ops.arbiter.records import BUDGET, FREEZE, Record, decode, encode, key_of
from trimtab.ops.arbiter.world import OF_MEMBERS, Freeze, Grant, Limits, Permit, Request, Told
from trimtab.ops.drain.plan import Plan, SetStep
from trimtab.ops.drain.standing import Standing, decisions_in
from trimtab.ops.overrides.member import as_read
from trimtab.ops.steering.wish import Committed, Doing
from trimtab.registry.base import Snapshot, Write
from trimtab.registry.fields import BadRecord

MAX_DECISIONS = 500
MOST_OF_MEMBERS = (
    200  # of them: a deployment asks for every member, and is not to push out what was said of sites
)
SAME_S = 60.0  # who is refused and asks again within this is told the same, and no second row tells it
MOST_DELETED = 50  # in one transaction: etcd takes 128 operations, Consul 64
MOST_ROWS = 20  # of one transaction: a host in more pools than that is told of in the first ones
DECISIONS = "decision/"
ESTATE = "estate"  # the target of what is about all of it


@dataclass(frozen=True, slots=True)
class Asked:
    """A request with its answer. at: seconds since 1970, by the clock of who asked."""

    request: Request
    answer: Answer
    at: float


def grant(snapshot: Snapshot, granted: Sequence[tuple[Asked, Permit]], limits: Limits, lease: int) -> Write:
    """The permits, their place in the budget and the rows of the decision, for the budget and the freeze as they were read: all
    grants of the estate come one after the other. At least one, all at one site: all of them or none. Raises ValueError for
    what was not granted; BadInput for what nobody could read, and for more changes than the budget can count;
    InvalidResponse as `Standing.of`.
    """
    if not all(asked.answer.granted for asked, _ in granted):
        raise ValueError("what was refused gets no permit")
    if limits.changes > MAX_GRANTS:
        raise BadInput(f"a budget of {limits.changes} changes: at most {MAX_GRANTS} can be counted")
    change_budget, site = Standing.of(snapshot).change_budget, granted[0][1].site
    asked = [each for each, _ in granted]
    rows, old = _rows(snapshot, asked)
    permits = {key_of(permit): _value(permit) for _, permit in granted}
    held = as_read(snapshot, [BUDGET, FREEZE, f"steer/{site}", f"doing/{site}"])
    return Write(
        put={
            BUDGET: _value(ChangeBudget(change_budget.number + 1, _budget(change_budget, asked, limits))),
            **rows,
        },
        delete=old,
        leased=permits,
        lease=lease,
        absent=(*held["absent"], *permits, *rows),
        equal=held["equal"],
    )


def _budget(change_budget: ChangeBudget, asked: Sequence[Asked], limits: Limits) -> tuple[Grant, ...]:
    """Members have no place in it. Whoever asks for one need not know the window, and lets all stand."""
    counted = tuple(each for each in change_budget.grants if each.kind != "drain-member")
    mine = tuple(
        Grant(each.at, each.request.kind, each.request.site, each.request.target)
        for each in asked
        if each.request.kind != "drain-member"
    )
    if not mine:
        return counted
    kept = tuple(each for each in counted if mine[0].at - each.at < limits.window_s)
    return (*kept[len(mine) - MAX_GRANTS :], *mine)


def refuse(snapshot: Snapshot, *asked: Asked) -> Write:
    """The rows alone; of what was refused alike a moment ago there is one already. Raises BadInput."""
    last = {each.request.target: each for each in decisions_in(snapshot.records)}
    rows, old = _rows(snapshot, [each for each in asked if not _is_told(last.get(each.request.target), each)])
    return Write(put=rows, delete=old, absent=tuple(rows))


def decided(snapshot: Snapshot, asked: Sequence[Asked]) -> Write:
    """The rows alone of what was granted: what came of it is in the same transaction. Raises BadInput."""
    rows, old = _rows(snapshot, asked)
    return Write(put=rows, delete=old, absent=tuple(rows))


def _is_told(last: Decision | None, asked: Asked) -> bool:
    """last: what was decided about the same target before."""
    if last is None or last.granted or not 0 <= asked.at - last.at < SAME_S:
        return False
    rules = [each.rule for each in asked.answer.objections]
    return last.request == asked.request and [said.rule for said in last.objections] == rules


def freeze(snapshot: Snapshot, word: Freeze) -> Write:
    """In the place of none, or of one that nobody can read. Raises BadInput, and Denied where the estate is frozen: the
    word of one is not lifted with that of another.
    """
    if (stands := _frozen(snapshot)) is not None:
        since = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(stands.at))
        raise Denied(
            f"the estate is frozen by {stands.by} since {since}: {stands.reason or 'no reason given'}",
            "nothing was written: that freeze stands until `trimtab freeze --off`",
        )
    told = _told(snapshot, Request("freeze", "", ESTATE, word.by, word.reason), word.at)
    return _with(told, Write(put=_stored(word), **as_read(snapshot, [FREEZE])))


def _frozen(snapshot: Snapshot) -> Freeze | None:
    with suppress(BadRecord):
        found = decode(FREEZE, snapshot.records.get(FREEZE, b""))
        return found if isinstance(found, Freeze) else None
    return None


def thaw(snapshot: Snapshot, word: Freeze) -> Write | None:
    """word: whose it is that the freeze ends. None: nothing is frozen. Raises BadInput."""
    if FREEZE not in snapshot.records:
        return None
    told = _told(snapshot, Request("thaw", "", ESTATE, word.by, word.reason), word.at)
    return _with(told, Write(delete=(FREEZE,), **as_read(snapshot, [FREEZE])))


# ---- a drain


def step(snapshot: Snapshot, plan: Plan, move: SetStep, lease: int) -> Write:
    """The step that the routers are to do next, under the lease. On the way back its notice comes with it, and with the first
    a row, for nobody was asked. Raises BadInput; Conflict without the permit.
    """
    if plan.way == "out":
        _there(snapshot, key_of(plan.permit))
    doing = Doing(plan.site, move.step, plan.permit.id, move.token, plan.ttl_s, move.prepend)
    notice = _stored(plan.permit) if plan.way == "back" else {}
    held = as_read(snapshot, _keys(plan))
    change = Write(leased={**_stored(doing), **notice}, lease=lease, **held)
    if plan.way == "out" or key_of(plan.permit) in snapshot.records:
        return change
    return _with(_told(snapshot, _came_to(plan, "undrain-site-begun"), plan.permit.at), change)


def commit(snapshot: Snapshot, plan: Plan, at: float) -> Write:
    """Out: the committed state is put, on the way back it is deleted; what was under way ends with the same transaction, and
    a row tells it. at: seconds since 1970. Raises BadInput; Conflict without the permit and the step.
    """
    permit, doing, steer = _keys(plan)
    _there(snapshot, permit, doing)
    by, held = plan.permit, as_read(snapshot, _keys(plan))
    if plan.way == "back":
        told = _told(snapshot, _came_to(plan, "undrain-site"), at)
        return _with(told, Write(delete=(steer, doing, permit), **held))
    word = Committed(plan.site, "withdraw", by.by, by.reason, at, by.id)
    told = _told(snapshot, _came_to(plan, "drain-site-done"), at)
    return _with(told, Write(put=_stored(word), delete=(doing, permit), **held))


def undo(snapshot: Snapshot, plan: Plan, why: str, at: float) -> Write:
    """Ends what is under way, if it is ours, and tells why; the committed state stands. Twice is the same as once."""
    permit, doing, _ = _keys(plan)
    ours = [doing] if _is_ours(snapshot, plan) else []
    keys = [key for key in (*ours, permit) if key in snapshot.records]
    change = Write(delete=tuple(keys), **as_read(snapshot, keys))
    if not keys:
        return change
    kind: Told = "drain-site-undone" if plan.way == "out" else "undrain-site-undone"
    return _with(_told(snapshot, _came_to(plan, kind), at, why), change)


def tell(snapshot: Snapshot, request: Request, at: float, why: str = "") -> Write:
    """The row alone, of what has come about inside a site. Raises BadInput."""
    return _told(snapshot, request, at, why)


def _came_to(plan: Plan, kind: Told) -> Request:
    return replace(plan.request, kind=kind)


def _is_ours(snapshot: Snapshot, plan: Plan) -> bool:
    key = f"doing/{plan.site}"
    with suppress(BadRecord):
        found = decode(key, snapshot.records.get(key, b""))
        return isinstance(found, Doing) and found.permit == plan.permit.id
    return False


def _keys(plan: Plan) -> tuple[str, str, str]:
    return key_of(plan.permit), f"doing/{plan.site}", f"steer/{plan.site}"


def _there(snapshot: Snapshot, *keys: str) -> None:
    """What is not there as it was read would be conditioned on being away. Raises Conflict."""
    gone = [key for key in keys if key not in snapshot.records]
    if gone:
        raise Conflict(f"{', '.join(gone)} is gone", "nothing was written: read again")


# ---- rows and values


def _told(snapshot: Snapshot, request: Request, at: float, why: str = "") -> Write:
    """A row of what nobody was asked for. why: what it was given up for."""
    said = (Objection("given-up", why, ""),) if why else ()
    rows, old = _rows(snapshot, [Asked(request, Answer(not why, Effect((), (), None, None), said), at)])
    return Write(put=rows, delete=old, absent=tuple(rows))


def _with(told: Write, change: Write) -> Write:
    return replace(
        change,
        put={**change.put, **told.put},
        delete=(*change.delete, *told.delete),
        absent=(*change.absent, *told.absent),
    )


def _rows(snapshot: Snapshot, asked: Sequence[Asked]) -> tuple[dict[str, bytes], tuple[str, ...]]:
    """The next rows, and the keys of those that are too many with them."""
    rows, asked = sorted(_numbers(snapshot.records)), asked[:MOST_ROWS]
    first = rows[-1] + 1 if rows else 1
    old = _too_many(snapshot, rows, asked)[:MOST_DELETED]
    if first + len(asked) > 10**10:  # somebody else's doing; a grant is not to depend on it
        return {}, ()
    decisions = [Decision.of(n, each.at, each.request, each.answer) for n, each in enumerate(asked, first)]
    return {key_of(d): _value(d) for d in decisions}, tuple(f"{DECISIONS}{each:010d}" for each in old)


def _too_many(snapshot: Snapshot, rows: Sequence[int], asked: Sequence[Asked]) -> list[int]:
    """Of the rows, oldest first; members' before others'."""
    about = [each.number for each in decisions_in(snapshot.records) if each.request.kind in OF_MEMBERS]
    coming = sum(each.request.kind in OF_MEMBERS for each in asked)
    spare = about[: max(0, len(about) + coming - MOST_OF_MEMBERS)]
    over = len(rows) - len(spare) + len(asked) - MAX_DECISIONS
    others = sorted(set(rows).difference(spare))
    return sorted([*spare, *others[: max(0, over)]])


def _numbers(keys: Iterable[str]) -> list[int]:
    """Of rows, whatever stands in them: what is malformed gets old and goes too."""
    names = (key.removeprefix(DECISIONS) for key in keys if key.startswith(DECISIONS))
    return [int(name) for name in names if NUMBER.fullmatch(name)]


def _stored(record: Record) -> dict[str, bytes]:
    return {key_of(record): _value(record)}


def _value(record: Record) -> bytes:
    """Raises BadInput for what no agent would read."""
    try:
        return encode(record)
    except BadRecord as error:
        raise BadInput(str(error), "nothing was written") from error
