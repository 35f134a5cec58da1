"""How the members of a pool are counted, wherever it is asked: on a host of the operators, or on a member's own."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from trimtab.ops.arbiter.world import PoolState
from trimtab.ops.overrides.member import Seat
from trimtab.registry.record import CheckState, FrontState, Record


def pool_state(
    site: str, name: str, seated: Iterable[Seat], read: Mapping[str, Record], strangers: Collection[str] = ()
) -> PoolState:
    """seated: the whole pool. read: the site's registry. strangers: addresses that are in the estate's file and no hosts of
    its own: of them nobody ever tells anything, and they count as long as they are asked to serve.
    """
    found, (down, more) = tuple(seated), found_down(name, read)
    members = {
        each.name: each.weight > 0 and each.name not in down and _is_well(each, read, strangers)
        for each in found
    }
    out = frozenset(each.name for each in found if each.hand is not None and each.hand.state != "ready")
    untold = frozenset(each.name for each in found if each.weight > 0 and each.health == "unknown") - down
    return PoolState(site, name, members, out, untold, down & {each.name for each in found}, more)


def found_down(pool: str, read: Mapping[str, Record]) -> tuple[frozenset[str], int]:
    """Members whom the checks of the proxy find down that holds the addresses, while none does those of any; and how many
    there are that have no names. Of a proxy that does not tell (nginx) nobody is.
    """
    tell = [each for each in read.values() if isinstance(each, CheckState)]
    holds = {each.name for each in read.values() if isinstance(each, FrontState) and each.holds}
    heard = [each for each in tell if each.name in holds] or tell
    found = [each.of(pool) for each in heard]
    return frozenset().union(*(names for names, _ in found)), max((more for _, more in found), default=0)


def _is_well(seat: Seat, read: Mapping[str, Record], strangers: Collection[str]) -> bool:
    """By its own word; whom the estate names has none, and is as well as its host's agent is there."""
    if seat.health == "":
        return seat.name in strangers or f"hosts/{seat.name}" in read
    return seat.health == "passing"
