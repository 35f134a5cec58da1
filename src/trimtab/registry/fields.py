"""One value in a record of somebody else's making: bounded and typed, or BadRecord with what was got and what is expected."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from ipaddress import IPv6Address, ip_address
from typing import Any

MAX_BRACKETS = 512  # in its texts too; what is deeper could be read here, and not inside another file
TEXT = re.compile(r"[A-Za-z0-9 ._:/@+=,#()!?'-]{0,200}")


# The form of records that this Trimtab writes and reads. One that says nothing is of version 1, so `v` is written from 2 on.
VERSION = 1


class BadRecord(ValueError):
    """A record that is refused. The text says what was got, the limit, and what to do."""


class NewerRecord(BadRecord):
    """A later Trimtab's, of a form that is not known here: it is kept as it is."""


def known_version(body: Mapping[str, Any]) -> None:
    """Raises NewerRecord, and BadRecord for a version that is none."""
    version = number("v", body.get("v", 1), 1, 2**31)
    if version > VERSION:
        raise NewerRecord(f"version {version}, at most {VERSION} is read here: upgrade Trimtab on this host")


def is_newer(value: bytes) -> bool:
    """Whether the value of a record is of a later version; of what is no record, no."""
    if b'"v"' not in value:  # most have none, and a registry has thousands; a text has its quotes escaped
        return False
    with suppress(ValueError, RecursionError):
        body = json.loads(value)
        found = body.get("v") if isinstance(body, dict) else None
        return isinstance(found, int) and not isinstance(found, bool) and found > VERSION
    return False


def shown(text: object, limit: int = 80) -> str:
    """A hostile text, printable."""
    try:
        found = str(text)
    except RecursionError:  # what JSON nests nearly too deep is too deep here
        found = "something nested"
    return (
        found.encode("ascii", "backslashreplace")
        .decode()
        .translate(dict.fromkeys((*range(32), 127), "?"))[:limit]
    )


def opened(value: bytes, most: int) -> dict[str, Any]:
    """The object that a record's bytes are, at most so many, of a version that is known. Raises BadRecord."""
    if len(value) > most:
        raise BadRecord(f"{len(value)} bytes, at most {most} are read")
    if value.count(b"[") + value.count(b"{") > MAX_BRACKETS:
        raise BadRecord("not JSON of a record: nested too deep")
    try:
        found = json.loads(value.decode())  # bytes may be UTF-16 too, and spoil a file of UTF-8
    except (ValueError, RecursionError) as error:
        raise BadRecord("not JSON") from error
    if not isinstance(found, dict):
        raise BadRecord("a JSON object is expected")
    known_version(found)
    return found


def named(pattern: re.Pattern[str], what: str, value: Any) -> str:
    if not isinstance(value, str) or pattern.fullmatch(value) is None:
        raise BadRecord(f"{what} {shown(value)!r}: expected {pattern.pattern}")
    return value


def number(what: str, value: Any, low: int, high: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise BadRecord(f"{what} {shown(value)!r}: a whole number from {low} to {high} is expected")
    return value


def text(what: str, value: Any) -> str:
    if not isinstance(value, str) or TEXT.fullmatch(value) is None:
        raise BadRecord(
            f"{what} {shown(value)!r}: at most 200 letters, digits, blanks and ._:/@+=,#()!?'- are expected"
        )
    return value


def words(what: str, value: Any, most: int = 200) -> str:
    """What a person wrote for persons: any language, nothing that a terminal obeys."""
    if not isinstance(value, str) or len(value) > most or not value.isprintable():
        raise BadRecord(f"{what} {shown(value)!r}: at most {most} printable characters are expected")
    return value


def objects(what: str, value: Any, most: int) -> list[dict[str, Any]]:
    if not isinstance(value, list) or len(value) > most or not all(isinstance(each, dict) for each in value):
        raise BadRecord(f"{what}: a list of at most {most} objects is expected")
    return value


def mapping(what: str, value: Any, most: int) -> dict[str, Any]:
    if not isinstance(value, dict) or len(value) > most:
        raise BadRecord(f"{what}: an object of at most {most} entries is expected")
    return value


def truth(what: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise BadRecord(f"{what} {shown(value)!r}: true or false is expected")
    return value


def one_of(what: str, value: Any, known: Sequence[Any]) -> Any:
    if not isinstance(value, str) or value not in known:
        raise BadRecord(f"{what} {shown(value)!r}: expected {', '.join(known)}")
    return value


def is_number(value: Any) -> bool:
    """NaN is one, and fails every comparison after this."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def time(value: Any, what: str = "at") -> float:
    if not is_number(value) or not 0 <= value < 1e11:
        raise BadRecord(f"{what} {shown(value)!r}: seconds since 1970 are expected")
    return float(value)


def address(value: Any) -> str:
    """A host's own address: where a proxy may send requests. Raises BadRecord."""
    try:
        found = ip_address(value) if isinstance(value, str) else None
    except ValueError:
        found = None
    if found is None:
        raise BadRecord(f"address {shown(value)!r}: an IPv4 or IPv6 address is expected, not a name")
    mapped = isinstance(found, IPv6Address) and (found.ipv4_mapped or found.scope_id)
    everybody = found.is_unspecified or found.is_multicast or str(found) == "255.255.255.255"
    if everybody or found.is_link_local or found.is_loopback or mapped:
        text = shown(value)
        raise BadRecord(f"address {text!r}: a host's own address is expected, reachable from the proxies")
    return str(found)
