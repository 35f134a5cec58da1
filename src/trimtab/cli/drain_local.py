"""`trimtab drain` and `undrain` of what is inside a site: a proxy, or a member of a pool."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from trimtab.answers.drain import Answered
from trimtab.cli import registries
from trimtab.cli.estate_store import away, opened
from trimtab.cli.events import Events
from trimtab.cli.local_words import Local, dry, end
from trimtab.cli.output import print_line
from trimtab.daemons.agent.config import registry_access
from trimtab.daemons.pools import used
from trimtab.daemons.table import table
from trimtab.errors import BadInput, Denied, DriverError
from trimtab.estate.inventory import Inventory
from trimtab.estate.peering import apiece
from trimtab.ops.arbiter.world import Request, Told
from trimtab.ops.drain.local import ArbiterUnavailable, LocalDrain, Target
from trimtab.ops.drain.of_estate import facts_of, watching_of
from trimtab.ops.drain.of_site import places_of, site_members, with_site
from trimtab.ops.drain.plan import Finished
from trimtab.ops.drain.ramp import grow
from trimtab.ops.drain.targets import MemberTarget, ProxyTarget, grows
from trimtab.ops.overrides.member import Who, pool_member_of
from trimtab.registry import engines
from trimtab.registry.base import Registry, Snapshot


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
    if not own and len(known) != 1:
        what = f"no host of the estate is called {name[:100]!r}; who registered under that name may be at {', '.join(known)}"
        raise BadInput(what, "--site NAME says where to look")
    if len(own or known) != 1:
        raise BadInput(f"{target[:100]!r} may be at {', '.join(own)}", "--site NAME says which one is meant")
    return (own or known)[0]


def drain(inventory: Inventory, local: Local, who: Who, options: Options) -> int:
    """Exit code. Raises Unreachable where nobody can be asked: then nothing was begun."""
    events = Events(options.json)
    with events.ends():
        try:
            return asyncio.run(_drain(inventory, local, who, options, events))
        except ArbiterUnavailable as error:
            raise away(inventory, error) from error


async def _drain(inventory: Inventory, local: Local, who: Who, options: Options, events: Events) -> int:
    async with _local(inventory, local, events.step, options.wait_s) as work:
        places = _places(inventory, local, await work.registry.read())
        target = target_of(inventory, local, who, options.force, places)
        if not places:
            return await _drain_unrouted(inventory, work, local, target, options, events)
        request, *others = _requests(local, places, who, options.force)
        _, answers = await work.look_at([request, *others])
        asked = list(zip([request, *others], answers, strict=True))
        for each, answer in asked:
            events.effect(each, answer)
        if options.dry_run:
            return dry(asked, events)
        finished = await work.drain(request, target, others)
        return _end(await _told(inventory, local, work.registry, finished), local, events)


def _end(finished: Finished, local: Local, events: Events) -> int:
    events.step("done" if finished.done else "not done", finished.why)
    return end(finished, local.name, local.site, events)


async def _told(inventory: Inventory, local: Local, registry: Registry, finished: Finished) -> Finished:
    """With what has to be known before the host of a drained member is stopped."""
    if local.kind != "drain-member" or not finished.done:
        return finished
    try:
        snapshot = await registry.read()
    except DriverError:  # it is drained all the same
        rest = "whether its host serves other pools is not known: the registry does not answer"
        return replace(finished, why=f"{finished.why}; {rest}")
    if still := still_in(inventory, local, snapshot):
        names = ", ".join(still)
        rest = f"its host still takes requests in {names}: `trimtab-agent drain` there is for all its pools"
    else:
        rest = "it may be stopped"
    return replace(finished, why=f"{finished.why}; {rest}")


def still_in(inventory: Inventory, local: Local, snapshot: Snapshot) -> list[str]:
    """The other pools, with a route, in which the host of a member takes requests."""
    pool, _, name = local.name.partition("/")
    return sorted(
        each
        for each, _ in used(inventory)
        for pool_member in site_members(inventory, local.site, snapshot, each)
        if each != pool and pool_member.name == name and pool_member.weight
    )


async def _drain_unrouted(
    inventory: Inventory,
    work: LocalDrain,
    local: Local,
    target: Target,
    options: Options,
    events: Events,
) -> int:
    """Of a member that no proxy has a route to. Raises Denied where it is out, BadInput where nobody would be left."""
    if target.out(await work.registry.read()) is None:
        raise Denied(f"{local.name} is drained already", "`trimtab why` says by whom")
    if not options.json:
        print_line(f"no proxy of {local.site} has a route to {local.name}, so nobody is asked")
    if not options.dry_run:
        finished = await work.drain_unrouted(local.name, target)
        return _end(await _told(inventory, local, work.registry, finished), local, events)
    events.tell(Answered(target=local.name, site=local.site, granted=True))
    return 0


def undrain(inventory: Inventory, local: Local, who: Who, over_s: float, as_json: bool) -> int:
    """Exit code."""
    events = Events(as_json)
    with events.ends():
        return asyncio.run(_undrain(inventory, local, who, over_s, events))


async def _undrain(inventory: Inventory, local: Local, who: Who, over_s: float, events: Events) -> int:
    target = target_of(inventory, local, who)
    async with _local(inventory, local, events.step) as work:
        finished = None
        if isinstance(target, MemberTarget) and over_s > 0:
            finished = await _ramp(inventory, local, work.registry, target, over_s, events.step)
        finished = finished or await work.undrain(target, local.name)
        if finished.done:
            await work.note(_gives_back(local, who))
        return _end(finished, local, events)


async def _ramp(
    inventory: Inventory,
    local: Local,
    registry: Registry,
    target: MemberTarget,
    over_s: float,
    tell: Callable[[str, str], None],
) -> Finished | None:
    """None where it does not come back by steps."""
    pool_member = pool_member_of(target.pool_members(await registry.read()), target.name)
    if not grows(pool_member):
        return None
    own = registries.own_weight(inventory, pool_member, target.pool, local.site)
    return await grow(registry, target, local.name, own, over_s, tell)


# ---- what it works on


def target_of(
    inventory: Inventory, local: Local, who: Who, force: bool = False, places: tuple[str, ...] = ()
) -> Target:
    proxies = tuple(host.name for host in inventory.front(local.site))
    if local.kind == "drain-proxy":
        others = tuple(each for each in proxies if each != local.name)
        return ProxyTarget(local.name, others, who, led=apiece(inventory, local.site))
    pool, _, name = local.name.partition("/")
    estate = inventory.estate
    return MemberTarget(
        pool,
        name,
        lambda snapshot: site_members(inventory, local.site, snapshot, pool),
        proxies,
        who,
        force,
        tells=table().engine(estate.tiers.proxy.engine).busy is not None,
        longest_s=estate.tiers.proxy.timeouts.server,
        places=places,
    )


def _places(inventory: Inventory, local: Local, snapshot: Snapshot) -> tuple[str, ...]:
    """A proxy is one. Of a member those that proxies of its site have a route to: none where it is missed by nobody."""
    if local.kind == "drain-proxy":
        return (local.name,)
    pool, _, member = local.name.partition("/")
    return places_of(inventory, local.site, snapshot, pool, member) if inventory.front(local.site) else ()


def _requests(local: Local, places: tuple[str, ...], who: Who, force: bool) -> list[Request]:
    return [Request(local.kind, local.site, each, who.by, who.reason, force=force) for each in places]


def _gives_back(local: Local, who: Who) -> Request:
    kind: Told = "undrain-proxy" if local.kind == "drain-proxy" else "undrain-member"
    return Request(kind, local.site, local.name, who.by, who.reason)


@asynccontextmanager
async def site_registry(inventory: Inventory, site: str) -> AsyncIterator[Registry]:
    hosts = inventory.on_duty("registry", site)
    access = registry_access(inventory, hosts[0]) if hosts else None
    if access is None:
        raise BadInput(f"{site} has no registry, so nothing can be said to its proxies", "see docs/agent.md")
    registry = engines.connect(access)
    try:
        yield registry
    finally:
        await registry.close()


@asynccontextmanager
async def _local(
    inventory: Inventory, local: Local, tell: Callable[[str, str], None], wait_s: float = 60.0
) -> AsyncIterator[LocalDrain]:
    async with opened(inventory) as store, site_registry(inventory, local.site) as registry:
        yield local_drain(inventory, local.site, store, registry, tell, wait_s)


def local_drain(
    inventory: Inventory,
    site: str,
    store: Registry,
    registry: Registry,
    tell: Callable[[str, str], None],
    wait_s: float = 60.0,
) -> LocalDrain:
    """What takes something out at one site: store is the estate's, registry the site's."""
    facts = facts_of(inventory, (site,))
    return LocalDrain(
        store,
        registry,
        lambda snapshot: with_site(facts, inventory, site, snapshot),
        watching_of(inventory),
        tell,
        limit_s=wait_s,
    )
