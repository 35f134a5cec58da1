"""`trimtab why` of what is inside a site: a host, or a member of a pool; and who holds the addresses of each site."""

from __future__ import annotations

import asyncio

from trimtab.answers.why import Addresses, Decision, Restart, WhyHost, WhyMember
from trimtab.answers.why import Override as Word
from trimtab.answers.why import PoolMember as Place
from trimtab.cli import why_checks
from trimtab.cli.decisions import answer_of, decisions_of, known_now
from trimtab.cli.drain_local import named, site_registry
from trimtab.cli.local_words import Local
from trimtab.cli.output import show
from trimtab.cli.views import why as views
from trimtab.daemons.pools import used
from trimtab.errors import BadInput, TrimtabError
from trimtab.estate.inventory import Inventory
from trimtab.ops.drain.granting import Situation
from trimtab.ops.drain.of_site import RegisteredProxy, fronts_of, site_members
from trimtab.ops.overrides.member import PoolMember, pool_member_of, records
from trimtab.registry.base import Snapshot
from trimtab.registry.record import HostState, Override, ProxyOverride

LOOK_S = 2.0  # for the registry of a site: one without power shall not hold up what is known of the others


async def fronts(inventory: Inventory, sites: tuple[str, ...] = ()) -> dict[str, dict[str, RegisteredProxy]]:
    """Site → its proxies, by host, as its registry has them. Sites that do not answer are left out."""

    async def one(site: str) -> tuple[str, dict[str, RegisteredProxy]] | None:
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
    decisions = tuple(map(answer_of, decisions_of(found, site, target)))
    if "/" in target:
        show(_member(inventory, local, snapshot, decisions), as_json, views.member)
    else:
        show(_host(inventory, target, snapshot, decisions), as_json, views.host)
    return 0


async def _read(inventory: Inventory, site: str) -> tuple[Situation, Snapshot]:
    found = await known_now(inventory)
    async with site_registry(inventory, site) as registry:
        return found, await registry.read()


def _host(inventory: Inventory, name: str, snapshot: Snapshot, decisions: tuple[Decision, ...]) -> WhyHost:
    read, site = records(snapshot), inventory.by_name[name].site
    said, front = read.get(f"hosts/{name}"), fronts_of(read, inventory, site).get(name)
    state = said if isinstance(said, HostState) else None
    holds = front.state if front else None
    return WhyHost(
        name, site,
        units=dict(state.units) if state else None,
        restarts={unit: Restart(each.at, each.why) for unit, each in (state.restarts if state else {}).items()},
        agent_since=(state.since or None) if state else None,
        drained=bool(front and front.drained),
        addresses=Addresses(holds.holds, holds.drained, holds.since) if holds else None,
        override=_override(front.override) if front else None,
        pools={
            pool: _pool_member(pool_member)
            for pool, _ in used(inventory)
            for pool_member in site_members(inventory, site, snapshot, pool)
            if pool_member.name == name
        },
        turns=why_checks.turns_of(snapshot, name),
        decisions=decisions,
    )  # fmt: skip


def _member(
    inventory: Inventory, local: Local | None, snapshot: Snapshot, decisions: tuple[Decision, ...]
) -> WhyMember:
    """Raises BadInput where there is no such member."""
    if local is None:
        raise BadInput("no member is named", "POOL/MEMBER is expected: see `trimtab members`")
    pool, _, name = local.name.partition("/")
    pool_member = pool_member_of(site_members(inventory, local.site, snapshot, pool), name)
    read = records(snapshot)
    fronts = fronts_of(read, inventory, local.site)
    return WhyMember(
        local.name, local.site, pool_member.weight, pool_member.health, _override(pool_member.override),
        checks={
            proxy: up
            for proxy in fronts
            if pool_member.weight and (up := why_checks.finds(read.get(f"checks/{proxy}"), local.name)) is not None
        },
        under_way={
            proxy: front.state.leaving[local.name]
            for proxy, front in fronts.items()
            if front.state is not None and local.name in front.state.leaving
        },
        turns=why_checks.turns_of(snapshot, local.name),
        decisions=decisions,
    )  # fmt: skip


def _pool_member(pool_member: PoolMember) -> Place:
    return Place(pool_member.weight, pool_member.health, _override(pool_member.override))


def _override(said: Override | ProxyOverride | None) -> Word | None:
    if said is None:
        return None
    return Word(said.state, said.by, said.reason, said.weight if isinstance(said, Override) else None)
