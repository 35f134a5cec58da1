"""`trimtab register` and `deregister`: a member by hand, where no agent does it."""

from __future__ import annotations

from typing import Annotated

import typer

from trimtab.answers.change import Written
from trimtab.cli import registries
from trimtab.cli.asking import Change, asking
from trimtab.cli.lab import TwinName
from trimtab.cli.options import DEFAULT_ESTATE, EstateFile, Json
from trimtab.cli.registries import DryRun
from trimtab.cli.session import TwinOption, begin, reason_option
from trimtab.errors import BadInput
from trimtab.estate.inventory import Inventory
from trimtab.estate.pool import Pool
from trimtab.ops.overrides.manual_registration import plan_deregister, plan_register
from trimtab.ops.overrides.member import PoolMember
from trimtab.registry.base import Snapshot, Write
from trimtab.registry.record import Member

Overrule = Annotated[
    bool, typer.Option("--force", help="over what an agent or another member has; needs --reason")
]

Overruling = Annotated[str, reason_option("with --force it is kept with the member")]


def register(
    pool: Annotated[str, typer.Argument(help="the pool", metavar="POOL")],
    name: Annotated[str, typer.Argument(help="the member's name", metavar="NAME")],
    address: Annotated[str, typer.Option("--address", help="IPv4 or IPv6")],
    site: Annotated[str, typer.Option("--site", help="whose registry")],
    port: Annotated[int | None, typer.Option("--port", help="default: the pool's")] = None,
    weight: Annotated[int, typer.Option("--weight", help="0 to 256")] = 100,
    version: Annotated[str, typer.Option("--version", help="of the application")] = "",
    tag: Annotated[list[str] | None, typer.Option("--tag", help="may be given several times")] = None,
    estate: EstateFile = DEFAULT_ESTATE,
    reason: Overruling = "",
    force: Overrule = False,
    dry_run: DryRun = False,
    twin: TwinOption = False,
    name_of_twin: TwinName = None,
    json: Json = False,
) -> int:
    """Register a member by hand. Hosts with an agent do it themselves, from /etc/trimtab/register.d."""
    session = begin(estate, twin, name_of_twin, reason, force)
    inventory = session.inventory
    registered, declared = _discovered(inventory, pool)
    at = port if port is not None else declared.port
    if at is None:
        raise BadInput(f"{pool} states no port", "give --port")

    wanted = Member(registered, name, address, at, 1, weight, version, tuple(tag or ()))
    who = session.who

    def plan(snapshot: Snapshot, _: str) -> Write | None:
        return plan_register(snapshot, wanted, who, force=force)

    done = registries.each_site(inventory, registries.sites_of(inventory, site), plan, dry_run)
    return registries.tell(done, f"{name} registered in {pool}", dry_run, json)


def deregister(
    pool: Annotated[str, typer.Argument(help="the pool", metavar="POOL")],
    name: Annotated[str, typer.Argument(help="the member's name", metavar="NAME")],
    site: Annotated[str, typer.Option("--site", help="whose registry")],
    estate: EstateFile = DEFAULT_ESTATE,
    reason: Overruling = "",
    force: Overrule = False,
    dry_run: DryRun = False,
    twin: TwinOption = False,
    name_of_twin: TwinName = None,
    json: Json = False,
) -> int:
    """Take a member out of the registry. One whose host's agent registers it comes back: take its file away instead. While
    it takes requests the arbiter is asked.
    """
    session = begin(estate, twin, name_of_twin, reason, force)
    inventory = session.inventory
    registered, _ = _discovered(inventory, pool)
    who, said = session.who, dict[str, Written]()

    def plan(snapshot: Snapshot, at: str) -> Write | None:
        site_members = registries.site_members(inventory, snapshot, pool, at)
        return plan_deregister(snapshot, site_members, registered, name, who, force=force)

    def takes(snapshot: Snapshot, pool_member: PoolMember, _: str) -> bool:
        """Without force the plan refuses one that is alive: then nobody is asked."""
        return pool_member.weight > 0 and (force or f"alive/{registered}/{name}" not in snapshot.records)

    def note(at: str, text: str) -> None:
        said[at] = Written(note=text)

    change = Change(pool, name, who, force, plan, takes, note, "deregister")
    act = asking(inventory, change, dry_run)
    done = registries.each_site(inventory, registries.sites_of(inventory, site), plan, dry_run, act)
    return registries.tell(done, f"{name} taken out of {pool}", dry_run, json, said)


def _discovered(inventory: Inventory, pool: str) -> tuple[str, Pool]:
    registered, declared = registries.pool_of(inventory, pool)
    if declared.discover is None:
        raise BadInput(
            f"{pool} has its members from the estate", "only pools with `discover` have registered ones"
        )
    return registered, declared
