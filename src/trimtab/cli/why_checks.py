"""For `trimtab why`: what the proxies' own checks find of a member, and when they changed their mind."""

from __future__ import annotations

from trimtab.answers.why import Turn
from trimtab.ops.overrides.member import records
from trimtab.registry.base import Snapshot
from trimtab.registry.record import CheckState, Record


def finds(state: Record | None, name: str) -> bool | None:
    """None where nobody knows: the proxy does not tell, or more are down than it has named."""
    if not isinstance(state, CheckState):
        return None
    pool, _, member = name.partition("/")
    names, more = state.of(pool)
    return False if member in names else None if more else True


def turns_of(snapshot: Snapshot, target: str) -> tuple[Turn, ...]:
    """About POOL/MEMBER, or about a host in all its pools, newest first."""
    heard = {key: value for key, value in snapshot.records.items() if key.startswith("checks/")}
    said = (
        Turn(turn.at, state.name, turn.name, turn.up, turn.why)
        for state in records(Snapshot(snapshot.revision, heard)).values()
        if isinstance(state, CheckState)
        for turn in state.turns
        if target in (turn.name, turn.name.partition("/")[2])
    )
    return tuple(sorted(said, key=lambda each: each.at, reverse=True))
