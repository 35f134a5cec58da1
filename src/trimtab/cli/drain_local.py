"""`trimtab drain` and `undrain` of what is inside a site: a proxy, or a member of a pool."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from trimtab.cli import registries
from trimtab.cli.estate_store import opened
from trimtab.cli.output import log, print_json, print_line
from trimtab.errors import BadInput

if TYPE_CHECKING:
    from trimtab.control.arbiter.decide import Answer
    from trimtab.control.arbiter.world import Request
    from trimtab.control.drain.local import LocalDrain, Target
    from trimtab.control.drain.plan import Finished
    from trimtab.control.drain.targets import MemberTarget
    from trimtab.control.hand import Who
    from trimtab.drivers.registry.base import Registry
    from trimtab.estate.inventory import Inventory


@dataclass(frozen=True, slots=True)
class Local:
    """name: a host, or POOL/MEMBER."""

    kind: Literal["drain-proxy", "drain-member"]
    site: str
    name: str


@dataclass(frozen=True, slots=True)
class Options:
    force: bool = False
    dry_run: bool = False
    wait_s: float = 60.0
    json: bool = False


def named(inventory: Inventory, target: str, site: str | None) -> Local | None:
    """None: it names neither a proxy nor a member, so a site. Raises BadInput."""
    if "/" in target:
        return Local("drain-member", _site_of_member(inventory, target, site), target)
    if site is not None:
        raise BadInput("--site goes with POOL/MEMBER", f"{target} has no other site than its own")
    for each in inventory.site_names():
        if target in [host.name for host in inventory.front(each)]:
            return Local("drain-proxy", each, target)
    return None


def _site_of_member(inventory: Inventory, target: str, site: str | None) -> str:
    """A host of the estate is where it is; anybody else where he is said to be. Raises BadInput."""
    pool, _, name = target.partition("/")
    registries.pool_of(inventory, pool)
    known = registries.sites_of(inventory, site)
    own = [host.site for host in inventory.hosts if host.name == name and host.site in known]
    if len(own or known) != 1:
        raise BadInput(f"{target} may be at {', '.join(own or known)}", "--site NAME says which one is meant")
    return (own or known)[0]


def drain(inventory: Inventory, local: Local, who: Who, options: Options) -> int:
    """Exit code."""
    return asyncio.run(_drain(inventory, local, who, options))


async def _drain(inventory: Inventory, local: Local, who: Who, options: Options) -> int:
    from trimtab.cli.drain import dry

    moves: list[dict[str, Any]] = []
    target = target_of(inventory, local, who, options.force)
    request = _request(local, who, options.force)
    async with _local(inventory, local, _teller(moves, options.json), options.wait_s) as work:
        _, answer = await work.look(request)
        (log if options.json else print_line)(effect_line(request, answer))
        if options.dry_run:
            return dry(request, answer, options.json)
        return _end(await work.drain(request, target), local, moves, options.json)


def undrain(inventory: Inventory, local: Local, who: Who, over_s: float, as_json: bool) -> int:
    """Exit code."""
    return asyncio.run(_undrain(inventory, local, who, over_s, as_json))


async def _undrain(inventory: Inventory, local: Local, who: Who, over_s: float, as_json: bool) -> int:
    from trimtab.control.drain.targets import MemberTarget

    moves: list[dict[str, Any]] = []
    target = target_of(inventory, local, who)
    tell = _teller(moves, as_json)
    async with _local(inventory, local, tell) as work:
        if isinstance(target, MemberTarget) and over_s > 0:
            await _ramp(inventory, local, target, over_s, tell)
        return _end(await work.undrain(target, local.name), local, moves, as_json)


async def _ramp(
    inventory: Inventory, local: Local, target: MemberTarget, over_s: float, tell: Callable[[str, str], None]
) -> None:
    """Up to the step before the last. One with a weight of an operator's own comes back with that at once."""
    from trimtab.control.drain.targets import STEPS, is_ramping
    from trimtab.control.hand import seat_of, write_planned

    async with site_registry(inventory, local.site) as registry:
        seat = seat_of(target.seats(await registry.read()), target.name)
        hand = seat.hand
        if hand is None or not (is_ramping(seat) or (hand.state != "ready" and hand.weight is None)):
            return
        own = registries.own_weight(inventory, seat, target.pool, local.site)
        for step in range(1, STEPS):
            await write_planned(registry, target.ramp(step, own))
            tell("ramp", f"{local.name} takes {100 * step // STEPS} % of its share")
            await asyncio.sleep(over_s / STEPS)
        await write_planned(registry, target.ramp(STEPS, own))


# ---- what it works on


def target_of(inventory: Inventory, local: Local, who: Who, force: bool = False) -> Target:
    from trimtab.control.drain.of_site import seated
    from trimtab.control.drain.targets import MemberTarget, ProxyTarget

    proxies = tuple(host.name for host in inventory.front(local.site))
    if local.kind == "drain-proxy":
        return ProxyTarget(local.name, tuple(each for each in proxies if each != local.name), who)
    pool, _, name = local.name.partition("/")
    estate = inventory.estate
    return MemberTarget(
        pool,
        name,
        lambda snapshot: seated(inventory, local.site, snapshot, pool),
        proxies,
        who,
        force,
        tells=estate.tiers.proxy.engine == "haproxy",
        longest_s=estate.tiers.proxy.timeouts.server,
    )


def _request(local: Local, who: Who, force: bool) -> Request:
    from trimtab.control.arbiter.world import Request

    return Request(local.kind, local.site, local.name, who.by, who.reason, force=force)


@asynccontextmanager
async def site_registry(inventory: Inventory, site: str) -> AsyncIterator[Registry]:
    from trimtab.drivers.registry.engines import connect
    from trimtab.render.agent import describe

    hosts = inventory.with_role("registry", site)
    access = describe(inventory, hosts[0]).registry if hosts else None
    if access is None:
        raise BadInput(f"{site} has no registry, so nothing can be said to its proxies", "see docs/agent.md")
    registry = connect(access)
    try:
        yield registry
    finally:
        await registry.close()


@asynccontextmanager
async def _local(
    inventory: Inventory, local: Local, tell: Callable[[str, str], None], wait_s: float = 60.0
) -> AsyncIterator[LocalDrain]:
    from trimtab.control.drain.local import LocalDrain
    from trimtab.control.drain.of_estate import facts_of, watching_of
    from trimtab.control.drain.of_site import with_site

    facts = facts_of(inventory)
    async with opened(inventory) as store, site_registry(inventory, local.site) as registry:
        yield LocalDrain(
            store,
            registry,
            lambda snapshot: with_site(facts, inventory, local.site, snapshot),
            watching_of(inventory),
            tell,
            limit_s=wait_s,
        )


# ---- what is said


def effect_line(request: Request, answer: Answer) -> str:
    """Who is left, of how many."""
    effect = answer.effect
    what = "proxies work" if request.kind == "drain-proxy" else "members are well"
    if not effect.takes:
        return f"{request.target} takes nothing now; {effect.peers} others of {effect.peers_of} {what}"
    return f"without {request.target} {effect.peers} of {effect.peers_of} {what} at {request.site}"


def _teller(moves: list[dict[str, Any]], as_json: bool) -> Callable[[str, str], None]:
    def tell(what: str, why: str) -> None:
        moves.append({"at": round(time.time(), 3), "monotonic_s": time.monotonic(), "what": what, "why": why})
        (log if as_json else print_line)(f"{time.strftime('%H:%M:%S')}  {what:<9} {why}")

    return tell


def _end(finished: Finished, local: Local, moves: list[dict[str, Any]], as_json: bool) -> int:
    word = "done" if finished.done else "not done"
    _teller(moves, as_json)(word, finished.why)
    if as_json:
        print_json(
            {
                "target": local.name,
                "site": local.site,
                "done": finished.done,
                "why": finished.why,
                "moves": moves,
            }
        )
    return 0 if finished.done else 1
