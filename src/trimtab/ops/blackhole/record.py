"""Black holes as they stand in the estate's store: bytes in, a record out, strictly, as in `ops.arbiter.records`.

blackhole/NUMBER      one host that is dropped, until when, by whom and why; those that are over stay for a while
blackholed/SITE/HOST  what a router of the site came to
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from ipaddress import ip_address
from typing import Any

from trimtab.ops.arbiter.fields import NUMBER, SITE, Body, Named, encoded
from trimtab.ops.arbiter.ledger import plain
from trimtab.ops.blackhole.hole import LIMIT_S, MOST, Came, Hole
from trimtab.registry.fields import BadRecord, named, number, shown

HOLE, CAME = "blackhole", "blackholed"
MAX_VALUE, MAX_SITES, MAX_TEXT = 8192, 200, 300
Record = Hole | Came


def key_of(record: Record) -> str:
    if isinstance(record, Hole):
        return f"{HOLE}/{record.number:010d}"
    return f"{CAME}/{record.site}/{record.host}"


def encode(record: Record) -> bytes:
    """Raises BadRecord for one that `decode` would not take."""
    return encoded(key_of(record), _body(record), decode)


def decode(key: str, value: bytes) -> Record:
    """Raises BadRecord."""
    kind, *names = key.split("/")
    try:
        if (kind, len(names)) == (HOLE, 1):
            return _hole(Named(names).number(), Body.of(value, MAX_VALUE))
        if (kind, len(names)) == (CAME, 2):
            own = Named(names)
            return _came(own.site(), own.host(), Body.of(value, MAX_VALUE))
    except BadRecord as error:
        raise type(error)(f"{shown(key)}: {error}") from error.__cause__
    raise BadRecord(f"{shown(key)}: no black hole")


# ---- what is in the store


def holes_of(records: Mapping[str, bytes]) -> list[Hole]:
    """Those that can be read, by number, whether they stand or are over."""
    found = [_read(key, value) for key, value in sorted(records.items()) if key.startswith(f"{HOLE}/")]
    return [each for each in found if isinstance(each, Hole)]


def came_of(records: Mapping[str, bytes]) -> dict[str, Came]:
    """By host."""
    found = [_read(key, value) for key, value in sorted(records.items()) if key.startswith(f"{CAME}/")]
    return {each.host: each for each in found if isinstance(each, Came)}


def unread(records: Mapping[str, bytes]) -> frozenset[str]:
    """The keys of black holes that cannot be read."""
    return frozenset(k for k, v in records.items() if k.startswith(f"{HOLE}/") and _read(k, v) is None)


def numbers_of(records: Mapping[str, bytes]) -> list[int]:
    """Of all, rising, whatever stands in them."""
    names = (key.removeprefix(f"{HOLE}/") for key in records if key.startswith(f"{HOLE}/"))
    return sorted(int(name) for name in names if NUMBER.fullmatch(name))


def _read(key: str, value: bytes) -> Record | None:
    with suppress(BadRecord):
        return decode(key, value)
    return None


# ---- the fields


def _body(record: Record) -> dict[str, Any]:
    """What the key says already is left out."""
    if isinstance(record, Came):
        told = {"verified": record.verified, "at": record.at, "amiss": plain(record.amiss)}
        return {"holes": [[number] for number in record.holes], **told}
    body = {
        "address": record.address, "sites": [[each] for each in record.sites], "upstreams": [[each] for each in record.upstreams],
        "by": record.by, "reason": record.reason, "since": record.since, "until": record.until,
    }  # fmt: skip
    return {**body, "lifted": [[record.lifted_by, record.lifted_at]] if record.lifted_by else []}


def _hole(of: int, body: Body) -> Hole:
    lifted = [(row.words(0), row.time(1)) for row in body.rows("lifted", 1, 2)]
    found = Hole(
        of,
        _address(body.words("address", 50)),
        tuple(row.site(0) for row in body.rows("sites", MAX_SITES, 1)),
        tuple(named(SITE, "upstream", row.words(0)) for row in body.rows("upstreams", MAX_SITES, 1)),
        body.words("by"),
        body.words("reason"),
        body.time("since"),
        body.time("until"),
        *(lifted[0] if lifted else ("", 0.0)),
    )
    if not 0 < found.until - found.since <= LIMIT_S:
        raise BadRecord(
            f"it lasts {found.until - found.since:g} s: more than 0 and at most {LIMIT_S:g} are expected"
        )
    return found


def _address(text: str) -> str:
    try:
        if str(ip_address(text)) == text and "%" not in text:
            return text
    except ValueError:
        pass
    raise BadRecord(f"address {shown(text)!r}: an IPv4 or IPv6 address in its usual form is expected")


def _came(site: str, host: str, body: Body) -> Came:
    holes = tuple(number("hole", row.whole(0), 0, 10**10) for row in body.rows("holes", MOST, 1))
    return Came(site, host, holes, body.truth("verified"), body.time("at"), body.words("amiss", MAX_TEXT))
