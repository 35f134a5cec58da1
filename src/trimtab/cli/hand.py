"""`trimtab members|weight|split|register|deregister`: the operator's hand on the registries, one site after the other.

Runs on a host of the estate, which has the certificate and the password; `--twin` runs it in the running twin instead.
"""

from __future__ import annotations

import asyncio
import getpass
import os
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from trimtab.cli.options import DEFAULT_ESTATE, EstateFile, Json
from trimtab.cli.output import log, print_json, print_line
from trimtab.errors import BadInput, DriverError, EnvironmentUnable, TrimtabError
from trimtab.render.pki import CA, CERTIFICATE, KEY, PASSWORD

if TYPE_CHECKING:
    from trimtab.control.hand import Seat, Who
    from trimtab.drivers.registry.base import Snapshot, Write
    from trimtab.estate.inventory import Inventory

DEADLINE_S = 10.0
STATES = ("ready", "drain", "maint")
Site = Annotated[str | None, typer.Option("--site", help="only this site's registry; default: every site's")]
Reason = Annotated[str, typer.Option("--reason", help="why: it is kept with the change")]
TwinOption = Annotated[bool, typer.Option("--twin", help="in the running twin of this estate")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="say what would be written, write nothing")]
Plan = Callable[["Snapshot", str], "Write | None"]


def inside_twin(estate: Any, twin: bool) -> None:
    """With --twin this command is run again on a host of the twin that may talk to the registries."""
    if not twin:
        return
    from trimtab.estate.inventory import Inventory
    from trimtab.estate.load import load_estate
    from trimtab.lab.client import Lab

    loaded = load_estate(estate)
    hosts = Inventory(loaded, shrink=True).with_role("registry")
    if not hosts:
        raise BadInput(f"{loaded.estate} has no registry", "give a site hosts with the role `registry`")
    words = [word for word in sys.argv[1:] if word != "--twin"]
    path = str(estate.resolve())
    words = [path if word == str(estate) else word for word in words]
    if path not in words:
        words += ["-e", path]
    command = Lab.connect(loaded.estate).exec_argv(hosts[0].name, [sys.executable, "-m", "trimtab", *words])
    sys.stdout.flush()
    os.execvp(command[0], command)


def who(reason: str) -> Who:
    from trimtab.control.hand import Who

    return Who(os.environ.get("SUDO_USER") or getpass.getuser(), reason, round(time.time(), 3))


def sites_of(inventory: Inventory, site: str | None) -> list[str]:
    """The sites that have a registry. Raises BadInput."""
    found = [name for name in inventory.site_names() if inventory.with_role("registry", name)]
    if site is not None and site not in found:
        raise BadInput(f"{site!r} is no site with a registry", f"there are: {', '.join(found) or 'none'}")
    if not found:
        raise BadInput("the estate has no registry", "give a site hosts with the role `registry`")
    return [site] if site else found


def each_site(inventory: Inventory, sites: list[str], plan: Plan | None, dry: bool = False) -> dict[str, Any]:
    """Ask, plan and write at every site. Site → its snapshot, True/False for written/nothing to do, or the error.

    Raises EnvironmentUnable where this machine is no host of the estate.
    """
    for path in (CA, CERTIFICATE, KEY, PASSWORD):
        if not os.access(path, os.R_OK):
            raise EnvironmentUnable(
                f"{path} cannot be read: the registries know their hosts by it",
                "run this as root on a host of the estate, or with --twin in its running twin",
            )
    return asyncio.run(_all(inventory, sites, plan, dry))


async def _all(inventory: Inventory, sites: list[str], plan: Plan | None, dry: bool) -> dict[str, Any]:
    async def one(site: str) -> Any:
        try:
            async with asyncio.timeout(DEADLINE_S):
                return await _one(inventory, site, plan, dry)
        except TimeoutError:
            return DriverError(f"no answer in {DEADLINE_S:.0f} s")
        except TrimtabError as error:
            return error

    return dict(zip(sites, await asyncio.gather(*map(one, sites)), strict=True))


async def _one(inventory: Inventory, site: str, plan: Plan | None, dry: bool) -> Any:
    from trimtab.drivers.registry.engines import connect
    from trimtab.render.agent import describe

    access = describe(inventory, inventory.with_role("registry", site)[0]).registry
    assert access is not None
    registry = connect(access)
    try:
        snapshot = await registry.read()
        if plan is None:
            return snapshot
        write = plan(snapshot, site)
        if write is None:
            return False
        if not dry:
            await registry.write(write)
        return True
    finally:
        await registry.close()


def tell(done: dict[str, Any], what: str, dry: bool, as_json: bool) -> int:
    """A line a site; 0 if every site was reached and agreed."""
    errors = {site: found for site, found in done.items() if isinstance(found, Exception)}
    if as_json:
        print_json({
            "what": what, "dry_run": dry,
            "sites": {s: {"error": str(f)} if isinstance(f, Exception) else {"changed": bool(f)} for s, f in done.items()},
        })  # fmt: skip
    else:
        for site, found in done.items():
            if not isinstance(found, Exception):
                print_line(f"{site}: {what}" if found else f"{site}: it is so already")
    for site, error in errors.items():
        log(f"{site}: {error}")
        if isinstance(error, TrimtabError) and error.hint:
            log(f"    {error.hint}")
    if errors and all(isinstance(error, BadInput) for error in errors.values()):
        return 2 if len(errors) == len(done) else 1
    return 1 if errors else 0


def loaded(estate: Any) -> Inventory:
    from trimtab.estate.inventory import Inventory
    from trimtab.estate.load import load_estate

    return Inventory(load_estate(estate))


def pool_of(inventory: Inventory, name: str) -> tuple[str, Any]:
    """(the name its members register under, the pool). Raises BadInput."""
    pools = inventory.estate.pools
    if name not in pools:
        raise BadInput(f"no pool {name!r}", f"there are: {', '.join(sorted(pools))}")
    return pools[name].discover or name, pools[name]


def seated(inventory: Inventory, snapshot: Snapshot, pool: str, site: str) -> tuple[Seat, ...]:
    from trimtab.control.hand import seats
    from trimtab.render.pools import servers

    registered, declared = pool_of(inventory, pool)
    of_file = [] if declared.discover else [server.name for server in servers(inventory, declared, site)]
    return seats(snapshot, registered, of_file)


def members(
    pool: Annotated[str | None, typer.Argument(help="only this pool", metavar="POOL")] = None,
    estate: EstateFile = DEFAULT_ESTATE,
    site: Site = None,
    twin: TwinOption = False,
    json: Json = False,
) -> int:
    """Who is in the pools, as the registries have it: weight, the operator's hand, their own word on their health."""
    inside_twin(estate, twin)
    inventory = loaded(estate)
    wanted = [pool] if pool else sorted(inventory.estate.pools)
    for name in wanted:
        pool_of(inventory, name)
    done = each_site(inventory, sites_of(inventory, site), None)
    good = {s: f for s, f in done.items() if not isinstance(f, Exception)}
    rows = [
        {"site": at, "pool": name, "member": seat.name,
         "address": f"{seat.member.address}:{seat.member.port}" if seat.member else "", "weight": seat.weight,
         "state": seat.hand.state if seat.hand else "ready", "version": seat.member.version if seat.member else "",
         "health": seat.health, "by": seat.hand.by if seat.hand else "", "reason": seat.hand.reason if seat.hand else ""}
        for at, snapshot in good.items() for name in wanted for seat in seated(inventory, snapshot, name, at)
    ]  # fmt: skip
    if json:
        print_json(rows)
    else:
        for row in rows:
            hand = f"  by {row['by']}: {row['reason'] or 'no reason given'}" if row["by"] else ""
            print_line(
                f"{row['site']:<10} {row['pool']:<14} {row['member']:<22} {row['address']:<22} weight {row['weight']:<4}"
                f" {row['state']:<6} {row['version']:<8} {row['health']}{hand}".rstrip()
            )
    return tell({s: f for s, f in done.items() if isinstance(f, Exception)}, "", False, False)


def weight(
    member: Annotated[str, typer.Argument(help="POOL/MEMBER", metavar="POOL/MEMBER")],
    value: Annotated[str, typer.Argument(help="0 to 256, ready, drain or maint", metavar="WEIGHT|STATE")],
    estate: EstateFile = DEFAULT_ESTATE,
    site: Site = None,
    reason: Reason = "",
    dry_run: DryRun = False,
    twin: TwinOption = False,
    json: Json = False,
) -> int:
    """Give a member another weight, take it out of balancing (drain), out altogether (maint), or back in (ready)."""
    from trimtab.control.hand import plan_hand

    pool, slash, name = member.partition("/")
    if not slash or not name:
        raise BadInput(f"{member!r} names no member", "POOL/MEMBER is expected: see `trimtab members`")
    if value not in STATES and not (value.isascii() and value.isdecimal()):
        raise BadInput(f"{value!r} is no weight", f"0 to 256, or {', '.join(STATES)}")
    inside_twin(estate, twin)
    inventory = loaded(estate)
    pool_of(inventory, pool)
    state: Any = value if value in STATES else "ready"
    number = None if value in STATES else int(value)
    asking = who(reason)
    sites = sites_of(inventory, site)
    if site is None:  # a host of the estate is in one site only
        sites = [s for s in sites if any(h.name == name for h in inventory.at(s))] or sites

    def plan(snapshot: Snapshot, at: str) -> Write | None:
        return plan_hand(snapshot, seated(inventory, snapshot, pool, at), name, state, number, asking)

    return tell(each_site(inventory, sites, plan, dry_run), f"{member} {value}", dry_run, json)


def split(
    service: Annotated[str, typer.Argument(help="the service whose route is split", metavar="SERVICE")],
    shares: Annotated[
        list[str] | None, typer.Argument(help="POOL=SHARE, in any unit", metavar="POOL=SHARE")
    ] = None,
    canary: Annotated[str | None, typer.Option("--canary", help="this much to the canary: 5%")] = None,
    to: Annotated[str | None, typer.Option("--to", help="which pool is the canary", metavar="POOL")] = None,
    by: Annotated[
        str | None, typer.Option("--by", help="percent, header (X-Canary) or cookie (canary)")
    ] = None,
    back: Annotated[
        bool, typer.Option("--back", help="the shares as they were before the last change")
    ] = False,
    estate: EstateFile = DEFAULT_ESTATE,
    site: Site = None,
    reason: Reason = "",
    dry_run: DryRun = False,
    twin: TwinOption = False,
    json: Json = False,
) -> int:
    """Move traffic between the pools of a split: a canary, blue-green, and back. Without shares: what holds now."""
    from trimtab.control import hand

    inside_twin(estate, twin)
    inventory = loaded(estate)
    declared = split_of(inventory, service, [word.partition("=")[0] for word in shares or []])
    asked = hand.read_shares(shares or [])
    if sum(map(bool, (asked, canary, back))) > 1:
        raise BadInput("shares, --canary and --back exclude each other", "give one of them")
    if by is not None and by not in ("percent", "header", "cookie"):
        raise BadInput(f"--by {by!r}", "percent, header or cookie")
    if canary is not None:
        asked = hand.canary_shares(declared.shares, read_percent(canary), to)
    sites, asking, way = sites_of(inventory, site), who(reason), by
    if not asked and not back and by is None:
        return show_split(each_site(inventory, sites, None), declared, json)

    def plan(snapshot: Snapshot, _: str) -> Write | None:
        if back:
            return hand.plan_back(snapshot, declared, asking)
        wanted = asked or hand.current_split(snapshot, declared).shares
        return hand.plan_split(snapshot, declared, wanted, way, asking)  # type: ignore[arg-type]

    words = "back" if back else " ".join(f"{p}={s}" for p, s in sorted(asked.items())) or f"by {by}"
    return tell(each_site(inventory, sites, plan, dry_run), f"{declared.service} {words}", dry_run, json)


def show_split(done: dict[str, Any], declared: Any, json: bool) -> int:
    from trimtab.control.hand import current_split

    found = {site: current_split(s, declared) for site, s in done.items() if not isinstance(s, Exception)}
    if json:
        print_json({site: {"shares": s.shares, "by": s.by, "before": s.before, "who": s.who, "reason": s.reason}
                    for site, s in found.items()})  # fmt: skip
    else:
        for site, now in found.items():
            total = sum(now.shares.values())
            shares = "  ".join(f"{p} {100 * n / total:g}%" for p, n in sorted(now.shares.items()))
            changed = f"  (by {now.who}: {now.reason or 'no reason given'})" if now.who else ""
            print_line(f"{site}: {shares}  by {now.by}{changed}")
    return tell({s: f for s, f in done.items() if isinstance(f, Exception)}, "", False, False)


def split_of(inventory: Inventory, service: str, pools: list[str]) -> Any:
    """The split of a service, by its pools where it has several. Raises BadInput."""
    from trimtab.drivers.registry.record import Split
    from trimtab.render.splits import splits

    if service not in inventory.estate.services:
        known = ", ".join(sorted(inventory.estate.services))
        raise BadInput(f"no service {service!r}", f"there are: {known}")
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


def read_percent(text: str) -> float:
    from trimtab.estate.quantity import parse_percent

    try:
        return parse_percent(text)
    except ValueError as error:
        raise BadInput(f"--canary {text!r}: {error}", "such as 5% or 0.5%") from error


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
    dry_run: DryRun = False,
    twin: TwinOption = False,
    json: Json = False,
) -> int:
    """Register a member by hand. Hosts with an agent do it themselves, from /etc/trimtab/register.d."""
    from trimtab.control.hand import plan_register

    inside_twin(estate, twin)
    inventory = loaded(estate)
    registered, declared = _discovered(inventory, pool)
    at = port if port is not None else declared.port
    if at is None:
        raise BadInput(f"{pool} states no port", "give --port")

    def plan(snapshot: Snapshot, _: str) -> Write | None:
        return plan_register(snapshot, registered, name, address, at, weight, version, tuple(tag or ()))

    done = each_site(inventory, sites_of(inventory, site), plan, dry_run)
    return tell(done, f"{name} registered in {pool}", dry_run, json)


def deregister(
    pool: Annotated[str, typer.Argument(help="the pool", metavar="POOL")],
    name: Annotated[str, typer.Argument(help="the member's name", metavar="NAME")],
    site: Annotated[str, typer.Option("--site", help="whose registry")],
    estate: EstateFile = DEFAULT_ESTATE,
    dry_run: DryRun = False,
    twin: TwinOption = False,
    json: Json = False,
) -> int:
    """Take a member out of the registry. One whose host's agent registers it comes back: take its file away instead."""
    from trimtab.control.hand import plan_deregister

    inside_twin(estate, twin)
    inventory = loaded(estate)
    registered, _ = _discovered(inventory, pool)
    done = each_site(
        inventory,
        sites_of(inventory, site),
        lambda snapshot, _: plan_deregister(snapshot, registered, name),
        dry_run,
    )
    return tell(done, f"{name} taken out of {pool}", dry_run, json)


def _discovered(inventory: Inventory, pool: str) -> tuple[str, Any]:
    registered, declared = pool_of(inventory, pool)
    if declared.discover is None:
        raise BadInput(
            f"{pool} has its members from the estate", "only pools with `discover` have registered ones"
        )
    return registered, declared
