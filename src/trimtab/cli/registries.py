"""The registries of an estate's sites, asked by an operator: one after the other would be slow, so all at once."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Annotated, Any

import typer

from trimtab.answers.change import Change, NotReached, Written
from trimtab.cli.output import log, show
from trimtab.cli.views.change import lines
from trimtab.daemons.agent.config import registry_access
from trimtab.daemons.pki import CA, CERTIFICATE, KEY, PASSWORD
from trimtab.daemons.pools import servers
from trimtab.errors import BadInput, EnvironmentUnable, TrimtabError, Unreachable
from trimtab.estate.inventory import Inventory
from trimtab.estate.pool import Pool
from trimtab.ops.drain.of_site import site_members as found
from trimtab.ops.overrides.member import PoolMember, write_planned
from trimtab.registry import engines
from trimtab.registry.base import Registry, Snapshot, Write

DEADLINE_S = 10.0
ASKING_S = 45.0  # with the estate's store, each of whose answers has a limit of its own
Site = Annotated[str | None, typer.Option("--site", help="only this site's registry; default: every site's")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="say what would be written, write nothing")]


Plan = Callable[["Snapshot", str], "Write | None"]
Act = Callable[["Registry", str], Awaitable[bool]]


def sites_of(inventory: Inventory, site: str | None) -> list[str]:
    """The sites that have a registry. Raises BadInput."""
    found = [name for name in inventory.site_names() if inventory.on_duty("registry", name)]
    if site is not None and site not in found:
        raise BadInput(f"{site!r} is no site with a registry", f"there are: {', '.join(found) or 'none'}")
    if not found:
        raise BadInput("the estate has no registry", "give a site hosts with the role `registry`")
    return [site] if site else found


def pool_of(inventory: Inventory, name: str) -> tuple[str, Pool]:
    """(the name its members register under, the pool). Raises BadInput."""
    pools = inventory.estate.pools
    if name not in pools:
        raise BadInput(f"no pool {name!r}", f"there are: {', '.join(sorted(pools))}")
    return pools[name].discover or name, pools[name]


def site_members(inventory: Inventory, snapshot: Snapshot, pool: str, site: str) -> tuple[PoolMember, ...]:
    """Everybody in a pool at a site, registered or named by the estate. Raises BadInput."""
    pool_of(inventory, pool)
    return found(inventory, site, snapshot, pool)


def own_weight(inventory: Inventory, pool_member: PoolMember, pool: str, site: str) -> int:
    """Without any override: as the member registered it, or the estate has it."""
    if pool_member.member is not None:
        return pool_member.member.weight
    named = {each.name: each.weight for each in servers(inventory, pool_of(inventory, pool)[1], site)}
    return named.get(pool_member.name, 100)


def each_site(
    inventory: Inventory, sites: list[str], plan: Plan | None, dry: bool = False, act: Act | None = None
) -> dict[str, Any]:
    """Ask, plan and write at every site. Site → its snapshot, True/False for written/nothing to do, or the error.

    act: what is done there in the place of that. Raises EnvironmentUnable where this machine is no host of the estate.
    """
    for path in (CA, CERTIFICATE, KEY, PASSWORD):
        if not os.access(path, os.R_OK):
            raise EnvironmentUnable(
                f"{path} cannot be read: the registries know their hosts by it",
                "run this as root on a host of the estate, or with --twin in its running twin",
            )
    return asyncio.run(_all(inventory, sites, plan, dry, act))


async def _all(
    inventory: Inventory, sites: list[str], plan: Plan | None, dry: bool, act: Act | None
) -> dict[str, Any]:
    limit = DEADLINE_S if act is None else ASKING_S

    async def one(site: str) -> Any:
        try:
            async with asyncio.timeout(limit):
                return await _one(inventory, site, plan, dry, act)
        except TimeoutError:
            hosts = ", ".join(host.v4 for host in inventory.on_duty("registry", site))
            return Unreachable(f"no answer from {hosts} in {limit:.0f} s", "is the path to that site up?")
        except TrimtabError as error:
            return error

    return dict(zip(sites, await asyncio.gather(*map(one, sites)), strict=True))


async def _one(inventory: Inventory, site: str, plan: Plan | None, dry: bool, act: Act | None) -> Any:
    access = registry_access(inventory, inventory.on_duty("registry", site)[0])
    assert access is not None
    registry = engines.connect(access)
    try:
        if act is not None:
            return await act(registry, site)
        if plan is None:
            return await registry.read()
        if dry:
            return plan(await registry.read(), site) is not None
        return await write_planned(registry, lambda snapshot: plan(snapshot, site))
    finally:
        await registry.close()


def tell(
    done: dict[str, Any],
    what: str,
    dry: bool = False,
    as_json: bool = False,
    said: Mapping[str, Written] | None = None,
) -> int:
    """A line a site; 0 if every site was reached and agreed, else the worst that an error says of itself. said: of some of
    them what is to be told beside whether it changed.
    """
    errors = {site: found for site, found in done.items() if isinstance(found, Exception)}
    sites = {
        site: NotReached(str(found))
        if site in errors
        else replace((said or {}).get(site, Written()), changed=bool(found))
        for site, found in done.items()
    }
    show(Change(what, dry, sites), as_json, lines)
    return complain(errors)


def complain(errors: dict[str, Exception]) -> int:
    """Each on standard error; the worst exit code, 0 where there are none."""
    for site, error in errors.items():
        log(f"{site}: {error}")
        if isinstance(error, TrimtabError) and error.hint:
            log(f"    {error.hint}")
    return max((error.exit_code for error in errors.values() if isinstance(error, TrimtabError)), default=0)
