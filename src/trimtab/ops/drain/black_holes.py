"""The transactions of black holes: a snapshot in, one `Write` out.

What the arbiter granted and what comes of it are one transaction of one store, so no permit has to live in between: killed before
it nothing was begun, killed after it the black hole stands until its end.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from trimtab.errors import BadInput
from trimtab.ops.arbiter.records import FREEZE
from trimtab.ops.arbiter.world import Request
from trimtab.ops.blackhole.hole import MOST, Hole, standing
from trimtab.ops.blackhole.record import encode, holes_of, key_of, numbers_of
from trimtab.ops.drain import writes
from trimtab.ops.overrides.member import as_read
from trimtab.registry.base import Snapshot, Write
from trimtab.registry.fields import BadRecord

KEPT = 50  # of those that are over


def begin(snapshot: Snapshot, asked: Sequence[writes.Asked], wanted: Sequence[Hole]) -> Write:
    """wanted: one for each that was granted; their numbers are given here. Raises BadInput for too many."""
    at = asked[0].at
    there = numbers_of(snapshot.records)
    first = there[-1] + 1 if there else 1
    if len(standing(holes_of(snapshot.records), at)) + len(wanted) > MOST:
        raise BadInput(
            f"more than {MOST} black holes at once", "lift some, or have the provider drop the whole prefix"
        )
    rows = writes.decided(snapshot, asked)
    put = {key_of(each): _value(each) for each in map(_numbered, wanted, range(first, first + len(wanted)))}
    return Write(
        put={**rows.put, **put},
        delete=(*rows.delete, *_old(snapshot, at)),
        absent=(*rows.absent, *put, *as_read(snapshot, [FREEZE])["absent"]),
        equal=as_read(snapshot, [FREEZE])["equal"],
    )


def lift(snapshot: Snapshot, addresses: Sequence[str], by: str, reason: str, at: float) -> Write | None:
    """All that stand for these addresses end now; it gives back, so nobody is asked. None where none stands."""
    found = [each for each in standing(holes_of(snapshot.records), at) if each.address in addresses]
    if not found:
        return None
    ended = [replace(each, lifted_by=by, lifted_at=at) for each in found]
    request = Request(
        "blackhole-lifted", "", ", ".join(dict.fromkeys(each.address for each in found))[:100], by, reason
    )
    row = writes.tell(snapshot, request, at)
    held = as_read(snapshot, [key_of(each) for each in found])
    return Write(
        put={**row.put, **{key_of(each): _value(each) for each in ended}},
        delete=row.delete,
        absent=row.absent,
        equal=held["equal"],
    )


def _numbered(hole: Hole, number: int) -> Hole:
    return replace(hole, number=number)


def _old(snapshot: Snapshot, now: float) -> list[str]:
    """Of those that are over, the oldest; what cannot be read stays, for somebody may be able to."""
    over = [each for each in holes_of(snapshot.records) if not each.stands(now)]
    return [key_of(each) for each in sorted(over, key=lambda each: each.ended)[:-KEPT]]


def _value(hole: Hole) -> bytes:
    """Raises BadInput for what no agent would read."""
    try:
        return encode(hole)
    except BadRecord as error:
        raise BadInput(str(error), "nothing was written") from error
