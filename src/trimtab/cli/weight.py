"""`trimtab weight`: how much of a pool's traffic a member gets, if any."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from trimtab.answers.weight import Weighed
from trimtab.cli import registries
from trimtab.cli.asking import Change, asking
from trimtab.cli.lab import TwinName
from trimtab.cli.options import DEFAULT_ESTATE, EstateFile, Json
from trimtab.cli.registries import DryRun, Site
from trimtab.cli.session import Force, Reason, TwinOption, begin
from trimtab.errors import BadInput
from trimtab.ops.overrides.member import NoMember, PoolMember, plan_override, pool_member_of
from trimtab.registry.base import Snapshot, Write

STATES = ("ready", "drain", "maint")
MOST_DIGITS = 6


def weight(
    member: Annotated[str, typer.Argument(help="POOL/MEMBER", metavar="POOL/MEMBER")],
    value: Annotated[str, typer.Argument(help="0 to 256, ready, drain or maint", metavar="WEIGHT|STATE")],
    estate: EstateFile = DEFAULT_ESTATE,
    site: Site = None,
    reason: Reason = "",
    force: Force = False,
    dry_run: DryRun = False,
    twin: TwinOption = False,
    name_of_twin: TwinName = None,
    json: Json = False,
) -> int:
    """Give a member another weight, take it out of balancing (drain), out altogether (maint), or back in (ready). What takes
    it away asks the arbiter.
    """
    pool, slash, name = member.partition("/")
    if not slash or not name:
        raise BadInput(f"{member!r} names no member", "POOL/MEMBER is expected: see `trimtab members`")
    number = _number(value)
    session = begin(estate, twin, name_of_twin, reason, force)
    inventory, who = session.inventory, session.who
    registries.pool_of(inventory, pool)
    state: Any = value if value in STATES else "ready"

    said: dict[str, Weighed] = {}

    def plan(snapshot: Snapshot, at: str) -> Write | None:
        site_members = registries.site_members(inventory, snapshot, pool, at)
        was = pool_member_of(site_members, name).override
        if value == "ready" and was is not None and was.weight is not None:
            own = registries.own_weight(inventory, pool_member_of(site_members, name), pool, at)
            said[at] = Weighed(weight=own, was=was.weight)
        return plan_override(snapshot, site_members, name, state, number, who, force=force)

    def takes(_: Snapshot, pool_member: PoolMember, at: str) -> bool:
        if pool_member.weight == 0 or state != "ready":
            return pool_member.weight > 0
        left = registries.own_weight(inventory, pool_member, pool, at) if number is None else number
        return left == 0  # also where `ready` gives a member back to its own weight, and that is 0

    def note(at: str, text: str) -> None:
        said[at] = Weighed(note=text)

    change = Change(pool, name, who, force, plan, takes, note)
    act = asking(inventory, change, dry_run)
    done = registries.each_site(inventory, registries.sites_of(inventory, site), plan, dry_run, act)
    return registries.tell(where_it_is(done), f"{member} {value}", dry_run, json, said)


def _number(value: str) -> int | None:
    """None for a state. Raises BadInput."""
    if value in STATES:
        return None
    if not (value.isascii() and value.isdecimal()) or len(value) > MOST_DIGITS:
        raise BadInput(f"{value[:40]!r} is no weight", f"0 to 256, or {', '.join(STATES)}")
    return int(value)


def where_it_is(done: dict[str, Any]) -> dict[str, Any]:
    """Without the sites that do not have the member, unless none has it."""
    here = {site: found for site, found in done.items() if not isinstance(found, NoMember)}
    return here or done
