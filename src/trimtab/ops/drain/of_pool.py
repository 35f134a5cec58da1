"""How the members of a pool are counted, wherever it is asked: on a host of the operators, or on a member's own."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from trimtab.ops.arbiter.world import PoolState
from trimtab.ops.overrides.member import PoolMember
from trimtab.registry.record import CheckState, FrontState, Record


def pool_state(
    site: str,
    name: str,
    site_members: Iterable[PoolMember],
    read: Mapping[str, Record],
    external: Collection[str] = (),
) -> PoolState:
    """site_members: the whole pool. read: the site's registry. external: addresses that are in the estate's file and no hosts of
    its own: of them nobody ever tells anything, and they count as long as they are asked to serve.
    """
    found, (down, more) = tuple(site_members), found_down(name, read)
    members = {
        each.name: each.weight > 0 and each.name not in down and _is_well(each, read, external)
        for each in found
    }
    out = frozenset(
        each.name for each in found if each.override is not None and each.override.state != "ready"
    )
    unknown = frozenset(each.name for each in found if each.weight > 0 and each.health == "unknown") - down
    return PoolState(site, name, members, out, unknown, down & {each.name for each in found}, more)


def found_down(pool: str, read: Mapping[str, Record]) -> tuple[frozenset[str], int]:
    """Members whom the checks of the proxy find down that holds the addresses, while none does those of any; and how many
    there are that have no names. Of a proxy that does not tell (nginx) nobody is.
    """
    tell = [each for each in read.values() if isinstance(each, CheckState)]
    holds = {each.name for each in read.values() if isinstance(each, FrontState) and each.holds}
    heard = [each for each in tell if each.name in holds] or tell
    found = [each.of(pool) for each in heard]
    return frozenset().union(*(names for names, _ in found)), max((more for _, more in found), default=0)


def _is_well(pool_member: PoolMember, read: Mapping[str, Record], external: Collection[str]) -> bool:
    """By its own word; whom the estate names has none, and is as well as its host's agent is there."""
    if pool_member.health == "":
        return pool_member.name in external or f"hosts/{pool_member.name}" in read
    return pool_member.health == "passing"
