"""From what was read to what is judged: the world for the arbiter, and for a plan what it has to know of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from trimtab.ops.arbiter import addresses
from trimtab.ops.arbiter.decide import Answer
from trimtab.ops.arbiter.world import (
    Grant,
    Limits,
    Permit,
    PoolState,
    Request,
    ServiceAddress,
    SiteState,
    World,
)
from trimtab.ops.drain.plan import Plan, Seen
from trimtab.ops.drain.standing import Standing
from trimtab.ops.health.verdict import SiteVerdict
from trimtab.ops.steering.wish import STEPS, Done, Step


@dataclass(frozen=True, slots=True)
class Facts:
    """What the estate and its daemons say, beside the store. sites: with capacity and proxies; their words and steps are
    filled in. routers: every site's.
    """

    sites: Mapping[str, SiteState]
    routers: Mapping[str, tuple[str, ...]]
    limits: Limits
    pools: tuple[PoolState, ...] = ()
    endpoints: tuple[ServiceAddress, ...] = ()


def world_of(
    standing: Standing, facts: Facts, verdicts: Mapping[str, SiteVerdict], own: Plan | None = None
) -> World:
    """own: a drain under way that is judged anew. Its permit and its grant are left out, and its site counts as before."""
    permits = tuple(each for each in standing.permits if own is None or each.id != own.permit.id)
    sites = {name: _site(site, standing, facts, verdicts.get(name)) for name, site in facts.sites.items()}
    if own is not None and own.site in sites:
        sites[own.site] = _before(sites[own.site], standing, own)
    sites = {name: _less_proxies(site, permits) for name, site in sites.items()}
    pools = tuple(_less_members(pool, permits) for pool in facts.pools)
    grants = tuple(each for each in standing.change_budget.grants if own is None or not _is_own(each, own))
    return World(sites, pools, permits, grants, standing.freeze, facts.limits, facts.endpoints)


def _site(site: SiteState, standing: Standing, facts: Facts, verdict: SiteVerdict | None) -> SiteState:
    step = step_of(site.name, standing, facts.routers.get(site.name, ()))
    word, unread = standing.committed.get(site.name), standing.unread.get(site.name, "")
    by = word.by if word is not None and word.step == "withdraw" and not unread else ""
    steps = {done.step for done in standing.done.get(site.name, {}).values()}
    gone = bool(by) and site.name not in standing.doing and steps <= {"withdraw"}
    site = replace(site, step=step, drained_by=by, gone=gone, unread=unread)
    if verdict is None:
        return replace(site, state="unknown")
    return replace(site, state=verdict.state, agree=verdict.agree, of=verdict.of, since=verdict.since)


def step_of(site: str, standing: Standing, routers: Iterable[str]) -> Step:
    """The furthest of what stands, what is under way, and what its routers came to: a drain may have ended a moment ago
    whose routers have not heard of it, or have not finished to undo it, while outside nobody has noticed either.
    """
    if site in standing.unread:
        return "withdraw"
    committed, doing = standing.committed.get(site), standing.doing.get(site)
    said = [committed.step if committed else "serve", doing.step if doing else "serve"]
    return max(*said, _came_to(standing.done.get(site, {}), routers), key=STEPS.index)


def _came_to(done: Mapping[str, Done], routers: Iterable[str]) -> Step:
    """The nearest: a site serves over any of its routers. One that has never said anything was never told anything."""
    return min((_of_router(done.get(host)) for host in routers), key=STEPS.index, default="serve")


def _of_router(done: Done | None) -> Step:
    if done is None:
        return "serve"
    return "prefer" if done.step == "serve" and not done.verified else done.step


def _before(site: SiteState, standing: Standing, own: Plan) -> SiteState:
    """The drain itself hides whether the site would carry."""
    committed = standing.committed.get(site.name)
    return replace(
        site, state="serving" if own.took else "unreachable", step=committed.step if committed else "serve"
    )


def _is_own(grant: Grant, own: Plan) -> bool:
    return (grant.at, grant.kind, grant.target) == (own.permit.at, own.permit.kind, own.permit.target)


def _less_proxies(site: SiteState, permits: Iterable[Permit]) -> SiteState:
    """What somebody may take away now counts as gone."""
    gone = {each.target for each in permits if each.kind == "drain-proxy" and each.site == site.name}
    if not gone:
        return site
    return replace(site, proxies={name: works and name not in gone for name, works in site.proxies.items()})


def less_members(world: World, requests: Iterable[Request]) -> World:
    """Once these are granted: what is asked in one go is judged one after the other."""
    asked = tuple(requests)
    world = replace(world, pools=tuple(_less_members(pool, asked) for pool in world.pools))
    for each in asked:
        world = addresses.after(world, each) if each.kind == "blackhole" else world
    return world


def _less_members(pool: PoolState, taken: Iterable[Permit | Request]) -> PoolState:
    gone = {each.target for each in taken if each.kind == "drain-member" and each.site == pool.site}
    members = {name: well and f"{pool.name}/{name}" not in gone for name, well in pool.members.items()}
    unknown = frozenset(name for name in pool.unknown if f"{pool.name}/{name}" not in gone)
    return replace(pool, members=members, unknown=unknown) if gone else pool


# ---- for a plan


def seen_of(
    plan: Plan,
    standing: Standing,
    world: World,
    answer: Answer | None,
    verdict: SiteVerdict | None,
    lives: bool = True,
) -> Seen:
    """world: of `world_of` with this plan as own. answer: of the arbiter for `plan.request` in it; None on the way back,
    which takes nothing. verdict: of the site.
    """
    heard = standing.heard.get(plan.site, {})
    return Seen(
        standing.revision,
        lives,
        any(each.id == plan.permit.id for each in standing.permits),
        standing.committed.get(plan.site),
        standing.doing.get(plan.site),
        standing.done.get(plan.site, {}),
        tuple(sorted(host for host, each in heard.items() if each.hears and host not in plan.routers)),
        tuple(each.text for each in answer.standing) if answer else (),
        verdict is not None and verdict.state == "serving",
        world.carrying(without=plan.site),
    )
