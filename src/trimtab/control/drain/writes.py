"""The transactions of the arbiter and of a drain: a snapshot in, one `Write` out. All of it happens, or nothing.

Each holds only for what it was judged on, so the second of two that were first is refused and reads again. A write of which
nobody knows whether it was done is not repeated: what the store says next is read, and the next move follows from that.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass

from trimtab.control.arbiter.decide import Answer
from trimtab.control.arbiter.fields import NUMBER
from trimtab.control.arbiter.ledger import MAX_GRANTS, Decision, Gate
from trimtab.control.arbiter.records import FREEZE, GATE, Record, decode, encode, key_of
from trimtab.control.arbiter.world import Freeze, Grant, Limits, Permit, Request
from trimtab.control.drain import plan as moves
from trimtab.control.drain.plan import Plan
from trimtab.control.drain.standing import Standing
from trimtab.control.hand import as_read
from trimtab.control.steer.wish import Committed, Doing
from trimtab.drivers.registry.base import Snapshot, Write
from trimtab.drivers.registry.record import BadRecord
from trimtab.errors import BadInput, Conflict

MAX_DECISIONS = 500
MOST_DELETED = 50  # in one transaction: etcd takes 128 operations, Consul 64
DECISIONS = "decision/"


@dataclass(frozen=True, slots=True)
class Asked:
    """A request with its answer. at: seconds since 1970, by the clock of who asked."""

    request: Request
    answer: Answer
    at: float


def grant(snapshot: Snapshot, asked: Asked, permit: Permit, limits: Limits, lease: int) -> Write:
    """The permit, its place in the budget and the row of the decision, for the gate and the freeze as they were read: all
    grants of the estate come one after the other. Raises ValueError for what was not granted; BadInput for what nobody
    could read, and for a budget that is more than the gate can count; Nonsense as `Standing.of`.
    """
    if not asked.answer.granted:
        raise ValueError("what was refused gets no permit")
    if limits.changes > MAX_GRANTS:
        raise BadInput(f"a budget of {limits.changes} changes: at most {MAX_GRANTS} can be counted")
    gate = Standing.of(snapshot).gate
    kept = tuple(each for each in gate.grants if asked.at - each.at < limits.window_s)[1 - MAX_GRANTS :]
    mine = Grant(asked.at, asked.request.kind, asked.request.site, asked.request.target)
    row, old = _row(snapshot, asked)
    held = as_read(snapshot, [GATE, FREEZE, f"steer/{permit.site}", f"doing/{permit.site}"])
    return Write(
        put={GATE: _value(Gate(gate.number + 1, (*kept, mine))), **row},
        delete=old,
        leased=_stored(permit),
        lease=lease,
        absent=(*held["absent"], key_of(permit), *row),
        equal=held["equal"],
    )


def refuse(snapshot: Snapshot, asked: Asked) -> Write:
    """The row alone. Raises BadInput."""
    row, old = _row(snapshot, asked)
    return Write(put=row, delete=old, absent=tuple(row))


def freeze(snapshot: Snapshot, word: Freeze) -> Write:
    """In the place of one that was read. Raises BadInput."""
    return Write(put=_stored(word), **as_read(snapshot, [FREEZE]))


def thaw(snapshot: Snapshot) -> Write | None:
    """None: nothing is frozen."""
    return Write(delete=(FREEZE,), **as_read(snapshot, [FREEZE])) if FREEZE in snapshot.records else None


# ---- a drain


def step(snapshot: Snapshot, plan: Plan, move: moves.Write, lease: int) -> Write:
    """The step that the routers are to do next, under the lease. On the way back its notice comes with it. Raises BadInput;
    Conflict without the permit.
    """
    if plan.way == "out":
        _there(snapshot, key_of(plan.permit))
    doing = Doing(plan.site, move.step, plan.permit.id, move.token, plan.ttl_s)
    notice = _stored(plan.permit) if plan.way == "back" else {}
    held = as_read(snapshot, _keys(plan))
    return Write(leased={**_stored(doing), **notice}, lease=lease, **held)


def commit(snapshot: Snapshot, plan: Plan, at: float) -> Write:
    """Out: the standing word is put, on the way back it is deleted; what was under way ends with the same transaction.
    at: seconds since 1970. Raises BadInput; Conflict without the permit and the step.
    """
    permit, doing, steer = _keys(plan)
    _there(snapshot, permit, doing)
    if plan.way == "back":
        return Write(delete=(steer, doing, permit), **as_read(snapshot, _keys(plan)))
    by = plan.permit
    word = Committed(plan.site, "withdraw", by.by, by.reason, at, by.id)
    return Write(put=_stored(word), delete=(doing, permit), **as_read(snapshot, _keys(plan)))


def undo(snapshot: Snapshot, plan: Plan) -> Write:
    """Ends what is under way, if it is ours; the standing word stands. Deleting twice is the same as once."""
    permit, doing, _ = _keys(plan)
    ours = [doing] if _is_ours(snapshot, plan) else []
    keys = [key for key in (*ours, permit) if key in snapshot.records]
    return Write(delete=tuple(keys), **as_read(snapshot, keys))


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


def _row(snapshot: Snapshot, asked: Asked) -> tuple[dict[str, bytes], tuple[str, ...]]:
    """The next row, and the keys of those that are too many with it."""
    rows = sorted(_numbers(snapshot.records))
    number = rows[-1] + 1 if rows else 1
    old = rows[: max(0, len(rows) + 1 - MAX_DECISIONS)][:MOST_DELETED]
    if number >= 10**10:  # somebody else's doing; a grant is not to depend on it
        return {}, ()
    decision = Decision.of(number, asked.at, asked.request, asked.answer)
    return _stored(decision), tuple(f"{DECISIONS}{each:010d}" for each in old)


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
