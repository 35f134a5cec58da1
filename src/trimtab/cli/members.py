"""`trimtab members`: who is asked to serve, as the registries have it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from trimtab.cli import registries
from trimtab.cli.options import DEFAULT_ESTATE, EstateFile, Json
from trimtab.cli.output import print_json, print_line
from trimtab.cli.registries import Site, TwinOption

if TYPE_CHECKING:
    from trimtab.control.hand import Seat


def members(
    pool: Annotated[str | None, typer.Argument(help="only this pool", metavar="POOL")] = None,
    estate: EstateFile = DEFAULT_ESTATE,
    site: Site = None,
    twin: TwinOption = False,
    json: Json = False,
) -> int:
    """Who is asked to serve: weight, the operator's hand, whether its agent is alive. What a proxy makes of it, and why:
    status.json on that proxy.
    """
    registries.inside_twin(estate, twin)
    inventory = registries.loaded(estate)
    wanted = [pool] if pool else sorted(inventory.estate.pools)
    for name in wanted:
        registries.pool_of(inventory, name)
    done = registries.each_site(inventory, registries.sites_of(inventory, site), None)
    errors = {at: found for at, found in done.items() if isinstance(found, Exception)}
    rows = [
        _row(at, name, seat)
        for at, snapshot in done.items()
        if at not in errors
        for name in wanted
        for seat in registries.seated(inventory, snapshot, name, at)
    ]
    if json:
        print_json({"members": rows, "errors": {at: str(error) for at, error in errors.items()}})
    else:
        for row in rows:
            print_line(_line(row))
    return registries.complain(errors)


def _row(site: str, pool: str, seat: Seat) -> dict[str, Any]:
    from trimtab.render.pools import endpoint

    member, hand = seat.member, seat.hand
    return {
        "site": site, "pool": pool, "member": seat.name,
        "address": endpoint(member.address, member.port) if member else "", "weight": seat.weight,
        "state": hand.state if hand else "ready", "version": member.version if member else "",
        "tags": list(member.tags) if member else [], "agent": seat.health,
        "by": hand.by if hand else "", "reason": hand.reason if hand else "",
    }  # fmt: skip


def _line(row: dict[str, Any]) -> str:
    by = f"  by {row['by']}: {row['reason'] or 'no reason given'}" if row["by"] else ""
    return (
        f"{row['site']:<8} {row['pool']:<12} {row['member']:<18} {row['address']:<18} {row['weight']:>3} "
        f"{row['state']:<5} {row['version']:<6} {row['agent']:<7} {' '.join(row['tags'])}"
    ).rstrip() + by
