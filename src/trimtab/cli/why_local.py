"""`trimtab why` of what is inside a site: a host, or a member of a pool; and who holds the addresses of each site."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from trimtab.cli import why_checks
from trimtab.cli.decisions import as_json as row
from trimtab.cli.decisions import decisions_of, known_now, lines_of
from trimtab.cli.drain_local import named, site_registry
from trimtab.cli.output import clock, print_json, print_line
from trimtab.errors import BadInput, TrimtabError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from trimtab.cli.local_words import Local
    from trimtab.estate.inventory import Inventory
    from trimtab.ops.drain.granting import Situation
    from trimtab.ops.drain.of_site import RegisteredProxy
    from trimtab.ops.overrides.member import Seat
    from trimtab.registry.base import Snapshot
    from trimtab.registry.record import Restart


LOOK_S = 2.0  # for the registry of a site: one without power shall not hold up what is known of the others


async def fronts(inventory: Inventory, sites: tuple[str, ...] = ()) -> dict[str, dict[str, RegisteredProxy]]:
    """Site → its proxies, by host, as its registry has them. Sites that do not answer are left out."""

    async def one(site: str) -> tuple[str, dict[str, RegisteredProxy]] | None:
        from trimtab.ops.drain.of_site import fronts_of
        from trimtab.ops.overrides.member import records

        try:
            async with asyncio.timeout(LOOK_S), site_registry(inventory, site) as registry:
                return site, fronts_of(records(await registry.read()), inventory, site)
        except (TrimtabError, TimeoutError):
            return None

    wanted = sites or tuple(site for site in inventory.site_names() if inventory.front(site))
    return dict(each for each in await asyncio.gather(*map(one, wanted)) if each is not None)


def why(inventory: Inventory, target: str, at: str | None, as_json: bool) -> int:
    """Exit code."""
    local = named(inventory, target, at)
    host = inventory.by_name.get(target)
    site = local.site if local else host.site if host else ""
    found, snapshot = asyncio.run(_read(inventory, site))
    lines, fields = (
        _member(inventory, local, snapshot) if "/" in target else _host(inventory, target, snapshot)
    )
    turns = why_checks.turns_of(snapshot, target)
    fields["turns"] = [
        {"at": t.at, "proxy": proxy, "member": t.name, "up": t.up, "why": t.why} for proxy, t in turns
    ]
    return _tell(target, site, lines, fields, found, turns, as_json)


async def _read(inventory: Inventory, site: str) -> tuple[Situation, Snapshot]:
    found = await known_now(inventory)
    async with site_registry(inventory, site) as registry:
        return found, await registry.read()


Said = tuple[list[str], dict[str, Any]]  # lines for people, fields for programs


def _host(inventory: Inventory, name: str, snapshot: Snapshot) -> Said:
    """What its agent says of its daemons, what an operator wants of it, and its place in each pool."""
    from trimtab.daemons.pools import used
    from trimtab.ops.drain.of_site import fronts_of, seated
    from trimtab.ops.overrides.member import records
    from trimtab.registry.record import HostState

    read, site = records(snapshot), inventory.by_name[name].site
    state, front = read.get(f"hosts/{name}"), fronts_of(read, inventory, site).get(name)
    units = dict(state.units) if isinstance(state, HostState) else None
    restarts = dict(state.restarts) if isinstance(state, HostState) else {}
    lines = [f"{unit}: {word}{_anew(restarts.get(unit))}" for unit, word in (units or {}).items()]
    if isinstance(state, HostState) and state.since:
        lines.append(
            f"its agent has been there since {clock(state.since)}: of what was before it knows nothing"
        )
    if units is None:
        lines = ["no recent report from the agent; daemon state unknown"]
    if front is not None:
        lines += _front(front.hand, front.state)
    seats = {pool: seat for pool, _ in used(inventory) for seat in seated(inventory, site, snapshot, pool)
             if seat.name == name}  # fmt: skip
    for pool, seat in seats.items():
        lines += [f"{pool}: {line}" for line in _seat(seat)]
    members = {pool: {"weight": seat.weight, "health": seat.health} for pool, seat in seats.items()}
    anew = {unit: {"at": each.at, "why": each.why} for unit, each in restarts.items()}
    return lines, {
        "units": units,
        "restarts": anew,
        "drained": bool(front and front.drained),
        "pools": members,
    }


def _anew(restart: Restart | None) -> str:
    if restart is None:
        return ""
    who = f"by its agent: {restart.why}" if restart.why else "and not by its agent"
    return f"; restarted at {clock(restart.at)}, {who}"


def _front(hand: Any, state: Any) -> list[str]:
    lines = []
    if state is not None:
        word = "holds the site's addresses" if state.holds else "does not hold the site's addresses"
        word += f", since {clock(state.since)}" if state.since else ""
        lines.append(word + (", and competes for them from the last place" if state.drained else ""))
    if hand is not None and hand.state == "drain":
        lines.append(f"drained by {hand.by}: {hand.reason or 'no reason given'}")
    return lines


def _member(inventory: Inventory, local: Local | None, snapshot: Snapshot) -> Said:
    """Its own word, an operator's, and what is under way to it. Raises BadInput where there is no such member."""
    from trimtab.ops.drain.of_site import fronts_of, seated
    from trimtab.ops.overrides.member import records, seat_of

    if local is None:
        raise BadInput("no member is named", "POOL/MEMBER is expected: see `trimtab members`")
    pool, _, name = local.name.partition("/")
    seat = seat_of(seated(inventory, local.site, snapshot, pool), name)
    read = records(snapshot)
    fronts = fronts_of(read, inventory, local.site)
    under_way = {
        proxy: front.state.leaving[local.name]
        for proxy, front in fronts.items()
        if front.state is not None and local.name in front.state.leaving
    }
    checks = {
        proxy: up
        for proxy in fronts
        if seat.weight and (up := why_checks.finds(read.get(f"checks/{proxy}"), local.name)) is not None
    }
    lines = (
        _seat(seat)
        + why_checks.in_words(checks)
        + [f"{proxy}: {count} requests are under way to it" for proxy, count in under_way.items()]
    )
    hand = seat.hand
    word = {"state": hand.state, "by": hand.by, "reason": hand.reason} if hand is not None else None
    return lines, {
        "weight": seat.weight,
        "health": seat.health,
        "hand": word,
        "checks": checks,
        "under_way": under_way,
    }


def _seat(seat: Seat) -> list[str]:
    own = {"": "named by the estate", "unknown": "nothing is heard of it: the proxies' own checks decide"}
    lines = [f"weight {seat.weight}; {own.get(seat.health, f'{seat.health} by its own word')}"]
    if (hand := seat.hand) is not None and (hand.state != "ready" or hand.weight is not None):
        what = hand.state if hand.state != "ready" else f"weight {hand.weight}"
        lines.append(f"{what} by {hand.by}: {hand.reason or 'no reason given'}")
    return lines


def _tell(
    target: str,
    site: str,
    lines: list[str],
    fields: Mapping[str, Any],
    found: Situation,
    turns: why_checks.Turns,
    as_json: bool,
) -> int:

    decisions = decisions_of(found, site, target)
    if as_json:
        print_json({"target": target, "site": site, **fields, "decisions": [row(each) for each in decisions]})
        return 0
    print_line(f"{target}, {site}")
    moments = [(each.at, lines_of(each)) for each in decisions]
    moments += why_checks.moments(turns)
    moments.sort(key=lambda each: each[0], reverse=True)
    for line in [*lines, *(text for _, texts in moments for text in texts)]:
        print_line(f"  {line}")
    return 0
