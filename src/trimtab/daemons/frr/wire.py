"""What FRR answers in JSON, read once for everybody. Pure.

Source: `show bgp summary json`, `show bgp ipv4 unicast PREFIX json` of FRR 8.4 and 10.3.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from trimtab.errors import InvalidResponse

NAME = "frr"  # of the room, and in a twin's facts


def show_sessions() -> list[str]:
    return ["vtysh", "-c", "show bgp summary json"]


def show_route(prefix: str) -> list[str]:
    family = "ipv6" if ":" in prefix else "ipv4"
    return ["vtysh", "-c", f"show bgp {family} unicast {prefix} json"]


def show_routes(prefixes: Iterable[str]) -> list[str]:
    """Several at once: an object each, and a word instead where it has no route."""
    asked = [word for prefix in prefixes for word in show_route(prefix)[1:]]
    return ["vtysh", *asked]


def show_told_by(neighbour: str) -> list[str]:
    family = "ipv6" if ":" in neighbour else "ipv4"
    return ["vtysh", "-c", f"show bgp {family} unicast neighbors {neighbour} routes json"]


def vtysh(lines: Iterable[str]) -> list[str]:
    """A command that enters these lines of configuration; one that FRR does not take is passed over."""
    words = [word for line in ("configure terminal", *lines) for word in ("-c", line)]
    return ["sh", "-c", '"$@" || :', "sh", "vtysh", *words]


def told_by(reply: str) -> set[str]:
    """Prefixes of `show bgp … neighbors … routes json`. Raises InvalidResponse."""
    found = _object(reply).get("routes", {})
    if not isinstance(found, dict):
        raise InvalidResponse(f"not FRR's routes: {ascii(found)[:100]}")
    return set(found)


def established(reply: str) -> set[str]:
    """Addresses of the neighbours whose session is up in every family that it carries. Raises InvalidResponse."""
    states: dict[str, set[str]] = {}
    for family in _object(reply).values():
        for address, peer in family.get("peers", {}).items() if isinstance(family, dict) else ():
            states.setdefault(address, set()).add(str(peer.get("state")))
    return {address for address, found in states.items() if found == {"Established"}}


def since(reply: str, neighbours: Iterable[str]) -> str:
    """Which version of its table the prefix has stood in since, `v12`, "" where none of the neighbours tells it. Raises
    InvalidResponse. The time of a path is that of its last update, one with nothing new in it as well.
    """
    return f"v{_object(reply).get('version', 0)}" if told_at(reply, neighbours) else ""


def told_at(reply: str, neighbours: Iterable[str]) -> str:
    """When one of the neighbours last told the prefix, seconds since 1970, "" where none does. Raises InvalidResponse."""
    wanted = set(neighbours)
    for path in paths(reply):
        if path.get("peer", {}).get("peerId") in wanted and path.get("valid", False):
            return str(path.get("lastUpdate", {}).get("epoch", ""))
    return ""


def paths(reply: str) -> list[dict[str, Any]]:
    """Of a prefix; empty where FRR knows none. Raises InvalidResponse."""
    return _paths(_object(reply))


def _paths(told: dict[str, Any]) -> list[dict[str, Any]]:
    found = told.get("paths", [])
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise InvalidResponse(f"not FRR's paths: {ascii(found)[:100]}")
    return found


def paths_by_prefix(reply: str) -> dict[str, list[dict[str, Any]]]:
    """Of `show_routes`. Raises InvalidResponse."""
    return {str(found["prefix"]): _paths(found) for found in _objects(reply) if "prefix" in found}


def _objects(reply: str) -> Iterator[dict[str, Any]]:
    """One after the other; what stands between them is no object."""
    decoder, at = json.JSONDecoder(), reply.find("{")
    while at >= 0:
        try:
            found, end = decoder.raw_decode(reply, at)
        except ValueError as error:
            raise InvalidResponse(f"not FRR's JSON: {ascii(reply[at:])[:100]}") from error
        yield found
        at = reply.find("{", end)


def _object(reply: str) -> dict[str, Any]:
    """vtysh may say something of its own configuration before."""
    try:
        found = json.loads(reply[reply.index("{") :]) if "{" in reply else {}
    except ValueError as error:
        raise InvalidResponse(f"not FRR's JSON: {ascii(reply)[:100]}") from error
    if not isinstance(found, dict):
        raise InvalidResponse(f"not FRR's JSON: {ascii(reply)[:100]}")
    return found
