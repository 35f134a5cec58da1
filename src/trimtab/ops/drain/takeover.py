"""What agents have drained by themselves a person may take into his own hand: then it comes back when he says so, and not
when it is well. It takes nothing from anybody, so no rule is asked; the committed state changes whose it is.
"""

from __future__ import annotations

from dataclasses import replace

from trimtab.ops.arbiter.records import encode, key_of
from trimtab.ops.drain import writes
from trimtab.ops.drain.plan import Finished
from trimtab.ops.overrides.member import as_read
from trimtab.ops.steering.wish import Committed
from trimtab.registry.base import Snapshot, Write


def take_over(snapshot: Snapshot, asked: writes.Asked, stands: Committed) -> Write:
    """stands: the word of the agents. Conflict where it is another one by now, or something is under way. Raises BadInput."""
    request = asked.request
    mine = replace(stands, by=request.by, reason=request.reason, at=asked.at)
    row = writes.tell(snapshot, replace(request, kind="drain-site-done"), asked.at)  # nothing of the budget
    held = as_read(snapshot, [key_of(stands), f"doing/{request.site}"])
    return Write(
        put={**row.put, key_of(mine): encode(mine)},
        delete=row.delete,
        absent=(*row.absent, *held["absent"]),
        equal=held["equal"],
    )


def taken(site: str) -> Finished:
    return Finished(True, f"{site} is drained: agents had done it, and now it is yours to bring back")
