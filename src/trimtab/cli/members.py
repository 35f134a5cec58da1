"""`trimtab members`: who is asked to serve, as the registries have it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import typer

from trimtab.answers.members import Checks, Member, Members
from trimtab.cli import registries
from trimtab.cli.lab import TwinName
from trimtab.cli.options import DEFAULT_ESTATE, EstateFile, Json
from trimtab.cli.output import show
from trimtab.cli.registries import Site
from trimtab.cli.session import TwinOption, begin
from trimtab.cli.views.members import lines
from trimtab.daemons.pools import endpoint
from trimtab.ops.drain.of_pool import found_down
from trimtab.ops.overrides.member import PoolMember, records
from trimtab.registry.base import Snapshot


def members(
    pool: Annotated[str | None, typer.Argument(help="only this pool", metavar="POOL")] = None,
    estate: EstateFile = DEFAULT_ESTATE,
    site: Site = None,
    twin: TwinOption = False,
    name: TwinName = None,
    json: Json = False,
) -> int:
    """Who is asked to serve: weight, the operator's override, whether its agent is alive. What a proxy makes of it, and why:
    status.json on that proxy.
    """
    inventory = begin(estate, twin, name).inventory
    wanted = [pool] if pool else sorted(inventory.estate.pools)
    for each in wanted:
        registries.pool_of(inventory, each)
    done = registries.each_site(inventory, registries.sites_of(inventory, site), None)
    errors = {at: found for at, found in done.items() if isinstance(found, Exception)}
    found = tuple(
        _row(at, each, pool_member, checks(pool_member))
        for at, snapshot in done.items()
        if at not in errors
        for each in wanted
        for checks in [_checks(each, snapshot)]
        for pool_member in registries.site_members(inventory, snapshot, each, at)
    )
    show(Members(found, {at: str(error) for at, error in errors.items()}), json, lines)
    return registries.complain(errors)


def _checks(pool: str, snapshot: Snapshot) -> Callable[[PoolMember], Checks]:
    """Of a pool member up or down, by the checks of the proxy that holds the addresses; "" where nobody tells, and of who takes
    nothing. Only what proxies say is read, whatever else the registry has.
    """
    said = {key: value for key, value in snapshot.records.items() if key.startswith(("checks/", "fronts/"))}
    down, more = found_down(pool, records(Snapshot(snapshot.revision, said)))
    tells = any(key.startswith("checks/") for key in said)

    def word(pool_member: PoolMember) -> Checks:
        if not (tells and pool_member.weight):
            return ""
        return "down" if pool_member.name in down else "" if more else "up"

    return word


def _row(site: str, pool: str, pool_member: PoolMember, checks: Checks) -> Member:
    member, override = pool_member.member, pool_member.override
    return Member(
        site, pool, pool_member.name,
        address=endpoint(member.address, member.port) if member else "", weight=pool_member.weight,
        state=override.state if override else "ready", version=member.version if member else "",
        tags=member.tags if member else (), agent=pool_member.health, checks=checks,
        by=override.by if override else "", reason=override.reason if override else "",
        at=override.at if override else None, given=override.weight if override else None,
    )  # fmt: skip
