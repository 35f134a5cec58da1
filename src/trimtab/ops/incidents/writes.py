"""The transactions of incidents: one record as it was read, and the site's pointer to it. All of it happens, or nothing.

Of several observers that saw the same the first one writes, and the others are refused: nobody is elected for it.
"""

from __future__ import annotations

from dataclasses import replace

from trimtab.errors import Refused
from trimtab.ops.incidents.incident import Incident
from trimtab.ops.incidents.record import INCIDENT, OPEN, Open, encode, key_of, numbers_of, opens_of
from trimtab.ops.overrides.member import as_read
from trimtab.registry.base import Snapshot, Write
from trimtab.registry.fields import BadRecord

MAX_INCIDENTS = 200
MOST_DELETED = 50  # in one transaction: etcd takes 128 operations


def write_of(snapshot: Snapshot, incident: Incident) -> Write:
    """For the incident and the pointer as they were read. number 0: a new one, in the place of a pointer that leads
    nowhere. Raises Refused where no number is left, or for what nobody could read.
    """
    try:
        return _rewritten(snapshot, incident) if incident.number else _opened(snapshot, incident)
    except BadRecord as error:
        raise Refused(str(error), "the incident is not written down") from error


def after(snapshot: Snapshot, change: Write) -> Snapshot:
    """As it will be read: the next new incident of the same pass has the next number."""
    kept = {key: value for key, value in snapshot.records.items() if key not in change.delete}
    return Snapshot(snapshot.revision, {**kept, **change.put})


def _rewritten(snapshot: Snapshot, incident: Incident) -> Write:
    own, pointer = key_of(incident), f"{OPEN}/{incident.site}"
    ended = (pointer,) if incident.state == "closed" else ()
    return Write(put={own: encode(incident)}, delete=ended, **as_read(snapshot, (own, pointer)))


def _opened(snapshot: Snapshot, incident: Incident) -> Write:
    numbers = numbers_of(snapshot.records)
    number = numbers[-1] + 1 if numbers else 1
    if number >= 10**10:  # somebody else's doing
        last = f"{INCIDENT}/{numbers[-1]:010d}"
        raise Refused(f"{last} is in the estate store: there is no number after it", f"delete {last}")
    new, pointer = replace(incident, number=number), Open(incident.site, number)
    put = {key_of(each): encode(each) for each in (new, pointer)}
    return Write(put=put, delete=_old(snapshot, numbers), **as_read(snapshot, put))


def _old(snapshot: Snapshot, numbers: list[int]) -> tuple[str, ...]:
    """Those that are too many with one more; an open one never is."""
    kept = set(opens_of(snapshot.records).values())
    over = max(0, len(numbers) + 1 - MAX_INCIDENTS)
    old = [number for number in numbers if number not in kept][: min(over, MOST_DELETED)]
    return tuple(f"{INCIDENT}/{number:010d}" for number in old)
