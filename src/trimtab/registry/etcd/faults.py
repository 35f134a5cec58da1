"""What etcd says when it says no, as an error of `trimtab.errors`. Every gRPC code has a line; `tests/registry` counts them.

Source: grpc/codes, and etcd 3.4 rpctypes/error.go for the texts: a code alone says too little (5 is a lease that has
ended, and also a member that does not exist).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from trimtab.drivers.http import NotDone
from trimtab.errors import Compacted, DriverError, InvalidResponse, LeaseGone, Refused, Unreachable


class Unauthenticated(Refused):
    """The token is of no more use: authenticate, and ask once more."""


# The text decides first. Order: the first that is contained.
TEXTS: tuple[tuple[str, type[DriverError]], ...] = (
    ("no leader", NotDone),  # refused before it was proposed
    ("not capable", NotDone),  # a member that has just begun
    ("too many requests", NotDone),
    ("invalid auth token", Unauthenticated),
    ("revision of auth store is old", Unauthenticated),
    ("user name is empty", Unauthenticated),  # authentication was enabled after we began without it
    ("requested lease not found", LeaseGone),
    ("required revision has been compacted", Compacted),
    ("required revision is a future revision", Compacted),
    ("database space exceeded", Refused),
    ("leader changed", Unreachable),
    ("timed out", Unreachable),
)

CODES: Mapping[int, type[DriverError]] = {
    1: Unreachable,  # cancelled
    2: Unreachable,  # unknown: what a proxy or a dying member makes of anything
    3: Refused,  # invalid argument
    4: Unreachable,  # deadline exceeded
    5: Refused,  # not found
    6: Refused,  # already exists
    7: Refused,  # permission denied
    8: Refused,  # resource exhausted
    9: Refused,  # failed precondition
    10: Unreachable,  # aborted
    11: Compacted,  # out of range
    12: Refused,  # unimplemented
    13: Unreachable,  # internal: the gateway's own connection broke
    14: Unreachable,  # unavailable
    15: InvalidResponse,  # data loss
    16: Unauthenticated,
}

HINTS = {
    "permission denied": "its role does not reach these keys, or its password is of another user",
    "database space exceeded": "etcd is full: compact, defragment, and disarm its alarm",
    "CommonName of client": "etcd's gateway takes no certificate with a CN once authentication is on: leave it empty",
    "404": "set `enable-grpc-gateway: true` in etcd's configuration file",
}


def fault_of(who: str, status: int, body: bytes) -> DriverError:
    """Of an answer whose status is not 200."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        found = None
    if isinstance(found, dict):
        return fault_in(who, found)
    if status == 404:
        return Refused(f"{who} has no v3 gateway: 404", HINTS["404"])
    if b"CommonName of client" in body:
        return Refused(f"{who}: {body[:80]!r}", HINTS["CommonName of client"])
    kind = Unreachable if status in (429, 500, 502, 503, 504) else InvalidResponse
    return kind(f"{who} answered {status}: {body[:80]!r}")


def fault_in(who: str, found: Mapping[str, Any]) -> DriverError:
    """Of the gateway's own object: `error` or `message`, and `code` or, within a stream, `grpc_code`."""
    said = (
        str(found.get("message") or found.get("error") or "")[:200]
        .encode("ascii", "backslashreplace")
        .decode()
    )
    code = found.get("grpc_code", found.get("code", 2))
    text = f"{who}: {said or 'an error without a text'}"
    hint = next((hint for part, hint in HINTS.items() if part in said), "")
    for part, kind in TEXTS:
        if part in said:
            return kind(text, hint)
    return CODES.get(code, InvalidResponse)(text, hint) if isinstance(code, int) else InvalidResponse(text)
