"""Incidents as they stand in the estate's store: bytes in, a record out, strictly, as in `ops.arbiter.records`.

incident/NUMBER  what happened to a site: the last 200
open/SITE        the number of the site's open incident; deleted with the write that closes it
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, get_args

from trimtab.ops.arbiter.fields import NUMBER, Body, Named, encoded
from trimtab.ops.incidents.incident import (
    MAX_EVENTS,
    MAX_ROUTERS,
    MAX_SAID,
    MAX_TEXT,
    Class,
    Event,
    Incident,
    Kind,
    Quorum,
    State,
)
from trimtab.ops.steering.wish import STEPS, Step
from trimtab.registry.fields import BadRecord, is_newer, shown

INCIDENT, OPEN = "incident", "open"
MAX_VALUE = 384 * 1024  # bytes: of full ones with the longest texts; most have less than 4,096
MAX_OPEN = 256


@dataclass(frozen=True, slots=True)
class Open:
    site: str
    number: int


Record = Incident | Open


def key_of(record: Record) -> str:
    if isinstance(record, Open):
        return f"{OPEN}/{record.site}"
    return f"{INCIDENT}/{record.number:010d}"


def encode(record: Record) -> bytes:
    """Raises BadRecord for one that `decode` would not take."""
    return encoded(key_of(record), _body(record), decode, ascii_=False)


def decode(key: str, value: bytes) -> Record:
    """Raises BadRecord."""
    kind, *names = key.split("/")
    if kind not in (INCIDENT, OPEN) or len(names) != 1:
        raise BadRecord(f"{shown(key)}: no incident")
    try:
        if kind == OPEN:
            return Open(Named(names).site(), Body.of(value, MAX_OPEN).whole("number"))
        return _incident(Named(names).number(), Body.of(value, MAX_VALUE))
    except BadRecord as error:
        raise type(error)(f"{shown(key)}: {error}") from error.__cause__


# ---- what is in the store


def numbers_of(records: Mapping[str, bytes]) -> list[int]:
    """Of all, rising, whatever stands in them: what is malformed gets old too."""
    names = (key.removeprefix(f"{INCIDENT}/") for key in records if key.startswith(f"{INCIDENT}/"))
    return sorted(int(name) for name in names if NUMBER.fullmatch(name))


def incident_of(records: Mapping[str, bytes], number: int) -> Incident | None:
    """None where there is none that can be read."""
    key = f"{INCIDENT}/{number:010d}"
    with suppress(BadRecord):
        found = decode(key, records[key]) if key in records else None
        return found if isinstance(found, Incident) else None
    return None


def opens_of(records: Mapping[str, bytes]) -> dict[str, int]:
    """Site → the number of its open incident, as far as it can be read."""
    found = {}
    for key, value in records.items():
        if key.startswith(f"{OPEN}/"):
            with suppress(BadRecord):
                record = decode(key, value)
                if isinstance(record, Open):
                    found[record.site] = record.number
    return found


def held_of(records: Mapping[str, bytes], site: str) -> Incident | None:
    """The open incident of a site. A number that leads nowhere, to one of another site or to a closed one is none."""
    key = f"{OPEN}/{site}"
    with suppress(BadRecord):
        record = decode(key, records[key]) if key in records else None
        found = incident_of(records, record.number) if isinstance(record, Open) else None
        if found is not None and found.site == site and found.state != "closed":
            return found
    return None


def is_later(records: Mapping[str, bytes], site: str) -> bool:
    """Whether a later Trimtab follows the site's incident: then it is for that one to go on with."""
    pointer = records.get(f"{OPEN}/{site}", b"")
    number = opens_of(records).get(site)
    return is_newer(pointer) or (
        number is not None and is_newer(records.get(f"{INCIDENT}/{number:010d}", b""))
    )


# ---- the fields

# Records of version 1 have words of their own for what happened.
_WRITTEN: Mapping[Class, str] = {"unhealthy": "ill", "unreachable": "dark", "everywhere": "everywhere"}
_READ: Mapping[str, Class] = {written: kind for kind, written in _WRITTEN.items()}
_PLAIN = (
    "site", "state", "quorum", "first", "since", "opened", "verified", "closed", "step", "decision", "left_out",
)  # fmt: skip


def _body(record: Record) -> dict[str, Any]:
    """What the key says already is left out."""
    if isinstance(record, Open):
        return {"number": record.number}
    return {name: getattr(record, name) for name in _PLAIN} | {
        "kind": _WRITTEN[record.kind],
        "routers": [[host, step] for host, step in sorted(record.routers.items())],
        "said": [[line] for line in record.said],
        "events": [[event.at, event.kind, event.text] for event in record.events],
    }


def _incident(number: int, body: Body) -> Incident:
    return Incident(
        number,
        body.site("site"),
        body.one_of("state", get_args(State)),
        _READ[body.one_of("kind", tuple(_READ))],
        body.one_of("quorum", get_args(Quorum)),
        first=body.time("first"),
        since=body.time("since"),
        opened=body.time("opened"),
        verified=body.time("verified"),
        closed=body.time("closed"),
        step=body.one_of("step", STEPS),
        routers=dict(_router(row) for row in body.rows("routers", MAX_ROUTERS, 2)),
        decision=body.whole("decision"),
        said=tuple(row.words(0, MAX_TEXT) for row in body.rows("said", MAX_SAID, 1)),
        events=tuple(_event(row) for row in body.rows("events", MAX_EVENTS, 3)),
        left_out=body.whole("left_out"),
    )


def _router(row: Body) -> tuple[str, Step]:
    return Named([row.words(0)]).host(), row.one_of(1, STEPS)


def _event(row: Body) -> Event:
    return Event(row.time(0), row.one_of(1, get_args(Kind)), row.words(2, MAX_TEXT))
