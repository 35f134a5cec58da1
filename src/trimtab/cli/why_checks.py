"""For `trimtab why`: what the proxies' own checks find of a member, and when they changed their mind."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trimtab.cli.output import clock

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from trimtab.registry.base import Snapshot
    from trimtab.registry.record import Record, Turn

TOGETHER_S = 2.0  # a host that dies is found down in each of its pools


def finds(state: Record | None, name: str) -> bool | None:
    """None where nobody knows: the proxy does not tell, or more are down than it has named."""
    from trimtab.registry.record import CheckState

    if not isinstance(state, CheckState):
        return None
    pool, _, member = name.partition("/")
    names, more = state.of(pool)
    return False if member in names else None if more else True


Turns = list[tuple[str, "Turn"]]  # proxy, and what its checks changed their mind about


def turns_of(snapshot: Snapshot, target: str) -> Turns:
    """About POOL/MEMBER, or about a host in all its pools, newest first."""
    from trimtab.ops.overrides.member import records
    from trimtab.registry.base import Snapshot
    from trimtab.registry.record import CheckState

    heard = {key: value for key, value in snapshot.records.items() if key.startswith("checks/")}
    said = [
        (state.name, turn)
        for state in records(Snapshot(snapshot.revision, heard)).values()
        if isinstance(state, CheckState)
        for turn in state.turns
        if target in (turn.name, turn.name.partition("/")[2])
    ]
    return sorted(said, key=lambda each: each[1].at, reverse=True)


def moments(turns: Turns) -> Iterable[tuple[float, list[str]]]:
    """When, and a line for what one proxy found at about that time, of each of the pools. turns: newest first."""
    pools: dict[tuple[str, bool, str, float], list[str]] = {}
    for proxy, turn in reversed(turns):
        last = [key for key in pools if key[:3] == (proxy, turn.up, turn.why)][-1:]
        near = [key for key in last if turn.at - key[3] <= TOGETHER_S]
        pools.setdefault(near[0] if near else (proxy, turn.up, turn.why, turn.at), []).append(
            turn.name.partition("/")[0]
        )
    for (proxy, up, why, at), names in pools.items():
        where = ", ".join(sorted(set(names)))
        line = f"{clock(at)}  found {'up again' if up else 'down'} in {where} by the checks of {proxy}"
        yield at, [f"{line}: {why}" if why else line]


def in_words(checks: Mapping[str, bool]) -> list[str]:
    """By proxy, whether its own checks find the member up."""
    found = {True: [p for p, up in checks.items() if up], False: [p for p, up in checks.items() if not up]}
    words = {True: "up", False: "down"}
    return [f"found {words[up]} by the checks of {', '.join(names)}" for up, names in found.items() if names]
