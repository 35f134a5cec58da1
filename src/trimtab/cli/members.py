"""`trimtab members`: who is asked to serve, as the registries have it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from trimtab.cli import registries
from trimtab.cli.lab import TwinName
from trimtab.cli.options import DEFAULT_ESTATE, EstateFile, Json
from trimtab.cli.output import print_json, print_line
from trimtab.cli.registries import Site, TwinOption

if TYPE_CHECKING:
    from trimtab.ops.overrides.member import Seat
    from trimtab.registry.base import Snapshot

HEADER = {
    each: each
    for each in ("site", "pool", "member", "address", "weight", "state", "version", "agent", "checks", "tags")
}


def members(
    pool: Annotated[str | None, typer.Argument(help="only this pool", metavar="POOL")] = None,
    estate: EstateFile = DEFAULT_ESTATE,
    site: Site = None,
    twin: TwinOption = False,
    name: TwinName = None,
    json: Json = False,
) -> int:
    """Who is asked to serve: weight, the operator's hand, whether its agent is alive. What a proxy makes of it, and why:
    status.json on that proxy.
    """
    registries.inside_twin(estate, twin, name)
    inventory = registries.loaded(estate)
    wanted = [pool] if pool else sorted(inventory.estate.pools)
    for each in wanted:
        registries.pool_of(inventory, each)
    done = registries.each_site(inventory, registries.sites_of(inventory, site), None)
    errors = {at: found for at, found in done.items() if isinstance(found, Exception)}
    found = [
        (_row(at, each, seat, checks(seat)), seat)
        for at, snapshot in done.items()
        if at not in errors
        for each in wanted
        for checks in [_checks(each, snapshot)]
        for seat in registries.seated(inventory, snapshot, each, at)
    ]
    if json:
        rows = [row for row, _ in found]
        print_json({"members": rows, "errors": {at: str(error) for at, error in errors.items()}})
    else:
        for line in (
            [_columns(HEADER), *(_columns(row) + _word(seat) for row, seat in found)] if found else []
        ):
            print_line(line)
    return registries.complain(errors)


def _checks(pool: str, snapshot: Snapshot) -> Callable[[Seat], str]:
    """Of a seat up or down, by the checks of the proxy that holds the addresses; "" where nobody tells, and of who takes
    nothing. Only what proxies say is read, whatever else the registry has.
    """
    from trimtab.ops.drain.of_pool import found_down
    from trimtab.ops.overrides.member import records
    from trimtab.registry.base import Snapshot

    said = {key: value for key, value in snapshot.records.items() if key.startswith(("checks/", "fronts/"))}
    down, more = found_down(pool, records(Snapshot(snapshot.revision, said)))
    tells = any(key.startswith("checks/") for key in said)

    def word(seat: Seat) -> str:
        if not (tells and seat.weight):
            return ""
        return "down" if seat.name in down else "" if more else "up"

    return word


def _row(site: str, pool: str, seat: Seat, checks: str) -> dict[str, Any]:
    from trimtab.daemons.pools import endpoint

    member, hand = seat.member, seat.hand
    return {
        "site": site, "pool": pool, "member": seat.name,
        "address": endpoint(member.address, member.port) if member else "", "weight": seat.weight,
        "state": hand.state if hand else "ready", "version": member.version if member else "",
        "tags": list(member.tags) if member else [], "agent": seat.health, "checks": checks,
        "by": hand.by if hand else "", "reason": hand.reason if hand else "",
        "at": hand.at if hand else None,
    }  # fmt: skip


def _columns(row: Mapping[str, Any]) -> str:
    tags = row["tags"] if isinstance(row["tags"], str) else " ".join(row["tags"])
    return (
        f"{row['site']:<8} {row['pool']:<12} {row['member']:<18} {row['address']:<18} {row['weight']:>6} "
        f"{row['state']:<5} {row['version']:<7} {row['agent']:<7} {row['checks']:<6} {tags}"
    ).rstrip()


def _word(seat: Seat) -> str:
    """Whose word is on it. One that is plainly back needs none."""
    hand = seat.hand
    if hand is None or (hand.state == "ready" and hand.weight is None and not hand.reason):
        return ""
    return f"  by {hand.by}: {hand.reason or 'no reason given'}"
