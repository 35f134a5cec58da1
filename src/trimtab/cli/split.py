"""`trimtab split`: how a route's traffic is divided, at every site."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from trimtab.answers.split import Divided, Now, Past, Splits
from trimtab.cli import registries
from trimtab.cli.lab import TwinName
from trimtab.cli.options import DEFAULT_ESTATE, EstateFile, Json
from trimtab.cli.output import show
from trimtab.cli.registries import DryRun, Site
from trimtab.cli.session import Reason, TwinOption, begin
from trimtab.cli.views.split import lines
from trimtab.daemons.splits import splits
from trimtab.errors import BadInput
from trimtab.estate.inventory import Inventory
from trimtab.estate.quantity import parse_percent
from trimtab.ops.overrides import split as split_override
from trimtab.ops.overrides.split import current_split
from trimtab.registry.base import Snapshot, Write
from trimtab.registry.record import Split

WAYS = ("percent", "header", "cookie")
Shares = Annotated[list[str] | None, typer.Argument(help="POOL=SHARE, in any unit", metavar="POOL=SHARE")]


def split(
    service: Annotated[str, typer.Argument(help="the service whose route is split", metavar="SERVICE")],
    shares: Shares = None,
    canary: Annotated[str | None, typer.Option("--canary", help="this much to the canary: 5%")] = None,
    to: Annotated[str | None, typer.Option("--to", help="which pool is the canary", metavar="POOL")] = None,
    by: Annotated[
        str | None, typer.Option("--by", help="percent, header (X-Canary) or cookie (canary)")
    ] = None,
    back: Annotated[
        bool, typer.Option("--back", help="shares and --by as they were before the last change")
    ] = False,
    home: Annotated[bool, typer.Option("--home", help="shares and --by as the estate has them")] = False,
    estate: EstateFile = DEFAULT_ESTATE,
    site: Site = None,
    reason: Reason = "",
    dry_run: DryRun = False,
    twin: TwinOption = False,
    name: TwinName = None,
    json: Json = False,
) -> int:
    """Move traffic between the pools of a split: a canary, blue-green, and back. Without shares: what holds now."""
    session = begin(estate, twin, name, reason)
    inventory = session.inventory
    declared = split_of(inventory, service, [word.partition("=")[0] for word in shares or []])
    asked = _asked(declared, shares or [], canary, to, back=back, home=home)
    if by is not None and by not in WAYS:
        raise BadInput(f"--by {by} is not known", f"one of {', '.join(WAYS)}")
    sites, asking = registries.sites_of(inventory, site), session.who
    if asked is None and not back and by is None:
        return _show(registries.each_site(inventory, sites, None), declared, json)

    said: dict[str, Divided] = {}
    divides = by or (declared.by if home else None)

    def plan(snapshot: Snapshot, at: str) -> Write | None:
        why_not = None
        if back:
            write = split_override.plan_back(snapshot, declared, asking)
            why_not = split_override.why_not_back(snapshot, declared) or None
        else:
            wanted = asked or split_override.current_split(snapshot, declared).shares
            write = split_override.plan_split(snapshot, declared, wanted, divides, asking)  # type: ignore[arg-type]
        holds = split_override.after(snapshot, declared, write)
        said[at] = Divided(shares=holds.shares, by=holds.by, why_not=why_not)
        return write

    words = "back" if back else " ".join(f"{p}={s}" for p, s in sorted((asked or {}).items())) or f"by {by}"
    done = registries.each_site(inventory, sites, plan, dry_run)
    return registries.tell(done, f"{declared.service} {words}", dry_run, json, said)


def _asked(
    declared: Split, shares: list[str], canary: str | None, to: str | None, *, back: bool, home: bool
) -> dict[str, int] | None:
    """The shares that the words stand for; None: none are given. Raises BadInput."""
    if sum(map(bool, (shares, canary is not None, back, home))) > 1:
        raise BadInput("shares, --canary, --back and --home exclude each other", "give one of them")
    if canary is not None:
        return split_override.canary_shares(declared.shares, _percent(canary), to)
    if home:
        return dict(declared.shares)
    if found := split_override.read_shares(shares):
        split_override.every_pool(declared, found, f"trimtab split {declared.service}")
    return found or None


def _show(done: dict[str, Any], declared: Split, json: bool) -> int:
    errors = {site: found for site, found in done.items() if isinstance(found, Exception)}
    found = {site: _now(current_split(s, declared)) for site, s in done.items() if site not in errors}
    show(Splits(found, {site: str(error) for site, error in errors.items()}), json, lines)
    return registries.complain(errors)


def _now(split: Split) -> Now:
    past = tuple(Past(each.shares, each.by, each.who, each.reason, each.at) for each in split.past)
    return Now(split.shares, split.by, split.before, split.who, split.reason, split.at or None, past)


def split_of(inventory: Inventory, service: str, pools: list[str]) -> Split:
    """The split of a service, by its pools where it has several. Raises BadInput."""
    if service not in inventory.estate.services:
        raise BadInput(
            f"no service {service!r}", f"there are: {', '.join(sorted(inventory.estate.services))}"
        )
    found = {n: Split(s, n, dict(r.split or {}), r.by) for s, n, r in splits(inventory) if s == service}
    fitting = {n: s for n, s in found.items() if set(pools) <= set(s.shares)} if len(found) > 1 else found
    if not found:
        raise BadInput(f"no route of {service} has a split", "see `split` in docs/estate.md")
    if len(fitting) != 1:
        raise BadInput(
            f"{service} has {len(found)} splits: {', '.join(found)}", "name the pools: POOL=SHARE POOL=SHARE"
        )
    chosen = next(iter(fitting.values()))
    if unknown := sorted(set(pools) - set(chosen.shares)):
        raise BadInput(
            f"{unknown[0]!r} is not in this split", f"its pools are {', '.join(sorted(chosen.shares))}"
        )
    return chosen


def _percent(text: str) -> float:
    try:
        return parse_percent(text)
    except ValueError as error:
        raise BadInput(f"--canary {text!r}: {error}", "such as 5% or 0.5%") from error
