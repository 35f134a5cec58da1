"""One prefix or address, asked of FRR, in the form of the looking glass. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from trimtab.answers.glass import Path, Validation
from trimtab.daemons.frr import wire
from trimtab.estate.community import named

STATES: Mapping[str, Validation] = {"valid": "valid", "invalid": "invalid", "not-found": "not-found"}

# Some communities FRR names by itself.
FRRS = {
    "gracefulShutdown": "graceful-shutdown",
    "noExport": "no-export",
    "noAdvertise": "no-advertise",
    "noPeer": "no-peer",
    "localAs": "no-export-subconfed",
    "llgrStale": "llgr-stale",
    "noLlgr": "no-llgr",
}


def known(reply: str) -> tuple[Path, ...]:
    """Of `show bgp … PREFIX json`; for an address FRR answers with the longest prefix. Raises InvalidResponse."""
    told = wire.paths_by_prefix(reply)
    found = [_path(prefix, each) for prefix, paths in told.items() for each in paths if each.get("valid")]
    return tuple(sorted(found, key=lambda path: not path.best))


def _path(prefix: str, told: Mapping[str, Any]) -> Path:
    path = str(told.get("aspath", {}).get("string", ""))
    hops = [str(hop["ip"]) for hop in told.get("nexthops", ()) if "ip" in hop]
    own = "sourced" in told or not path or path == "Local"
    peer = str(told.get("peer", {}).get("peerId", ""))
    epoch = told.get("lastUpdate", {}).get("epoch")
    return Path(
        prefix,
        "own" if own else "heard",
        bool(told.get("bestpath", {}).get("overall")),
        "" if own else peer,
        hops[0] if hops else "",
        "" if own else path,
        _number(told.get("locPrf")),
        _number(told.get("metric", told.get("med"))),
        tuple(_communities(told)),
        STATES.get(str(told.get("rpkiValidationState", "")).replace(" ", "-"), "not-asked"),
        None,
        datetime.fromtimestamp(epoch).isoformat() if isinstance(epoch, int) else "",
    )


def _number(value: Any) -> int | None:
    return value if isinstance(value, int) else None


def _communities(told: Mapping[str, Any]) -> Iterator[str]:
    """FRR names some of them by itself, in ways of its own."""
    for word in told.get("community", {}).get("list", ()):
        parts = str(word).split(":")
        yield (
            named(tuple(map(int, parts))) if all(p.isdecimal() for p in parts) else FRRS.get(word, str(word))
        )
    yield from map(str, told.get("largeCommunity", {}).get("list", ()))
