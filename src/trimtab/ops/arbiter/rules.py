"""What can be said against a request, one function each. See `decide.RULES` for their order and what force overrules."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from trimtab.ops.arbiter import addresses
from trimtab.ops.arbiter.effect import Effect, pool_of
from trimtab.ops.arbiter.world import OF_SITES, Grant, Limits, Permit, PoolState, Request, World

SHOWN = 8  # names in a sentence: of a thousand nobody reads more


def no_such_target(world: World, request: Request, effect: Effect, now: float) -> str | None:
    site = world.sites.get(request.site)
    if site is None:
        return f"no site {request.site!r} serves here: there are {_list(world.sites)}"
    if request.kind in OF_SITES:
        return (
            None if request.target == request.site else f"{request.target!r} is not the site {request.site}"
        )
    if request.kind == "drain-proxy":
        missing = request.target not in site.proxies
        return (
            f"{site.name} has no proxy {request.target!r}: there are {_list(site.proxies)}"
            if missing
            else None
        )
    pool = pool_of(world, request)
    if pool is None:
        return f"{site.name} has no pool {request.target.partition('/')[0]!r}"
    if request.target.partition("/")[2] not in pool.members:
        return f"{pool.name} has no such member at {site.name}: there are {_list(pool.members)}"
    return None


def unreadable(world: World, request: Request, effect: Effect, now: float) -> str | None:
    """Whether the site is drained is not known then, and it does not count as one that carries either."""
    key = world.sites[request.site].unread
    return (
        f"the record {key} of the estate's store cannot be read" if key and request.kind in OF_SITES else None
    )


def is_so_already(world: World, request: Request, effect: Effect, now: float) -> str | None:
    """Only what stands; what is under way is the next rule's. A shift may be said of a site that is drained: for its return."""
    if request.kind == "shift-site":
        return None
    if request.kind != "drain-site":
        return _is_out_already(world, request)
    if world.sites[request.site].step != "withdraw":
        return None
    busy = any(permit.site == request.site for permit in _mine(world, request))
    return None if busy else f"{request.site} is drained already"


def _is_out_already(world: World, request: Request) -> str | None:
    pool, out = pool_of(world, request), world.sites[request.site].drained
    if request.kind == "drain-member":
        out = pool.drained if pool is not None else frozenset()
    name = request.target.rpartition("/")[2]
    return f"{request.target} is drained already" if name in out else None


def under_way(world: World, request: Request, effect: Effect, now: float) -> str | None:
    """One change of a kind at a time: sites in the estate, proxies in a site, members in a pool."""
    permit = next(iter(_mine(world, request)), None)
    if permit is None:
        return None
    why = f": {permit.reason}" if permit.reason else ""
    if permit.kind == "undrain-site":
        return f"{permit.by} is bringing {permit.target} back{why}"
    return f"{permit.by} is draining {permit.target}{why}; one change of a kind at a time"


def frozen(world: World, request: Request, effect: Effect, now: float) -> str | None:
    freeze = world.freeze
    return f"the estate is frozen by {freeze.by}: {freeze.reason}" if freeze else None


def budget_spent(world: World, request: Request, effect: Effect, now: float) -> str | None:
    """What a clock ahead of ours has written counts as of now: the other way it would be free. Members neither count nor
    are held back: a deployment replaces all of a pool in an hour, and what bounds it is who has to be left.
    """
    if request.kind == "drain-member":
        return None
    limits = world.limits
    if limits.changes < 1:
        return "the limit is 0 changes: nothing is taken away here"
    recent = counted(world, now)
    if len(recent) < limits.changes:
        return None
    return (
        f"{len(recent)} changes in the last {_span(limits.window_s)}, the limit is {limits.changes} "
        f"({_targets(recent)}); the next one in {_span(_wait(recent, limits, now))}"
    )


def counted(world: World, now: float) -> list[Grant]:
    """What the budget counts now, oldest first."""
    found = [g for g in world.grants if g.kind != "drain-member" and now - g.at < world.limits.window_s]
    return sorted(found, key=lambda grant: grant.at)


def budget(world: World, now: float) -> str:
    """How much of it is used."""
    limits, recent = world.limits, counted(world, now)
    text = (
        f"{len(recent)} of {limits.changes} changes of sites and proxies in the last {_span(limits.window_s)}"
    )
    if len(recent) < limits.changes:
        return text
    free = f"; the next one in {_span(_wait(recent, limits, now))}" if limits.changes else ""
    return f"{text}: without --force none goes on, and agents drain nobody{free}"


def _wait(recent: list[Grant], limits: Limits, now: float) -> float:
    """Until the one ends whose end makes room: forced ones may be over the limit."""
    return limits.window_s - (now - recent[len(recent) - limits.changes].at)


def last_site(world: World, request: Request, effect: Effect, now: float) -> str | None:
    """Whatever is forced: somebody has to carry, and has to be known to."""
    if request.kind != "drain-site" or effect.sites_after:
        return None
    return f"nobody would be left: without {request.site} no site is known to serve ({_words(world, request.site)})"


def too_few_sites(world: World, request: Request, effect: Effect, now: float) -> str | None:
    if request.kind not in ("drain-site", "blackhole") or not effect.sites_after or not effect.takes:
        return None
    if request.kind == "blackhole" and effect.sites_after == effect.sites_before:
        return None
    left, floor = len(effect.sites_after), world.limits.sites
    if left >= floor:
        return None
    return f"{left} of {len(world.sites)} sites would carry, the floor is {floor} ({_words(world, request.site)})"


def one_cause(world: World, request: Request, effect: Effect, now: float) -> str | None:
    """What looks unhealthy in two places at once is more likely to be a check, a change or a path of ours than two sites. So is
    what has looked so: as a cause goes away sites are seen well again one after the other, and the last would stand alone.
    """
    if not request.automatic or request.kind != "drain-site":
        return None
    others = [name for name, site in sorted(world.sites.items()) if name != request.site and not site.carries]
    if others:
        return f"{_words(world, request.site, others)}: two sites never leave by one cause"
    began, limit = world.sites[request.site].since, world.limits.well_s
    back = [name for name, site in world.sites.items() if site.since > began and now - site.since < limit]
    if not back:
        return None
    return (
        f"{_list(back)} came back less than {limit:g} s ago, and had not been well since {request.site} became unhealthy: "
        "two sites never leave by one cause"
    )


def no_capacity(world: World, request: Request, effect: Effect, now: float) -> str | None:
    """N-1: what is left has to carry the peak. A target that carries nothing takes nothing away."""
    if not effect.takes or effect.full_after is None or effect.full_after <= 1.0:
        return None
    if request.kind != "drain-site" and effect.full_after == effect.full_before:
        return None
    now_full = "" if effect.full_before is None else f"; they are at {effect.full_before:.0%} now"
    return f"{_list(effect.sites_after)} would be at {effect.full_after:.0%} of what they can carry{now_full}"


def last_address(world: World, request: Request, effect: Effect, now: float) -> str | None:
    """A person may all the same: the address that is attacked is given up for those that are not."""
    if request.kind != "blackhole" or not effect.takes:
        return None
    return addresses.last_address(world, request)


def last_proxy(world: World, request: Request, effect: Effect, now: float) -> str | None:
    if request.kind != "drain-proxy" or not effect.takes or effect.peers:
        return None
    return f"no other of the {effect.peers_of} proxies of {request.site} is known to work"


def too_few_members(world: World, request: Request, effect: Effect, now: float) -> str | None:
    """Of a site that is drained all may go but one: nobody is sent there. What is not committed may be undone at any moment."""
    if request.kind != "drain-member" or not effect.takes or world.sites[request.site].gone:
        return None
    share = 100.0 * effect.peers / effect.peers_of if effect.peers_of else 0.0
    if share >= world.limits.members:
        return None
    floor = f"{world.limits.members:.0f} %{_found_down(pool_of(world, request))}"
    return f"{effect.peers} of {effect.peers_of} members would be well ({share:.0f} %), the floor is {floor}"


def last_member(world: World, request: Request, effect: Effect, now: float) -> str | None:
    """Somebody has to be left. Whom the proxies find down serves nobody, so he may go."""
    if request.kind != "drain-member" or effect.peers or _unknown(world, request):
        return None
    pool, (name, _, member) = pool_of(world, request), request.target.partition("/")
    if pool is not None and member in pool.down:
        return None
    return f"no other of the {effect.peers_of} members of {name} is well{_found_down(pool)}"


def members_unknown(world: World, request: Request, effect: Effect, now: float) -> str | None:
    """Of members that were registered by hand nobody says how they are: who forces says it."""
    if request.kind != "drain-member" or effect.peers or not (unknown := _unknown(world, request)):
        return None
    pool, name = pool_of(world, request), request.target.partition("/")[0]
    return (
        f"no other of the {effect.peers_of} members of {name} is known to be well{_found_down(pool)}; nobody says how "
        f"{_list(unknown)} does"
    )


def _unknown(world: World, request: Request) -> list[str]:
    pool = pool_of(world, request)
    return sorted(pool.unknown - {request.target.partition("/")[2]}) if pool else []


def _found_down(pool: PoolState | None) -> str:
    if pool is None or not (pool.down or pool.more):
        return ""
    return f"; the proxies find {_short(sorted(pool.down)[:SHOWN], len(pool.down) + pool.more)} down"


# ---- words


def _concerns(permit: Permit, request: Request) -> bool:
    """Is it for the same kind of thing? To bring a site back is nothing that takes, but it is about that site."""
    if request.kind not in OF_SITES:
        return permit.kind == request.kind
    return permit.kind == "drain-site" or (permit.kind == "undrain-site" and permit.site == request.site)


def _mine(world: World, request: Request) -> list[Permit]:
    """Permits for what must not happen beside this request."""
    pool = request.target.partition("/")[0]
    return [
        permit
        for permit in world.permits
        if _concerns(permit, request)
        and (request.kind in OF_SITES or permit.site == request.site)
        and (request.kind != "drain-member" or permit.target.partition("/")[0] == pool)
    ]


def _words(world: World, without: str, names: list[str] | None = None) -> str:
    chosen = [n for n in sorted(world.sites) if n != without] if names is None else names
    return _short([_word(world, name) for name in chosen[:SHOWN]], len(chosen)) or "there is no other"


def _word(world: World, name: str) -> str:
    site = world.sites[name]
    if site.step != "serve":
        return f"{name} is {'drained' if site.step == 'withdraw' else 'steered away from'}"
    return f"{name} is {site.state}" + (f" ({site.agree} of {site.of} vantage points)" if site.of else "")


def _list(names: Iterable[str]) -> str:
    found = sorted(names)
    return _short(found[:SHOWN], len(found)) or "none"


def _short(shown: list[str], of: int) -> str:
    return ", ".join(shown) + (f" and {of - len(shown)} more" if of > len(shown) else "")


def _targets(grants: list[Grant]) -> str:
    """Each once, the oldest first."""
    counts = Counter(grant.target for grant in grants)
    shown = [name if count == 1 else f"{name} {count} times" for name, count in counts.items()]
    return _short(shown[:SHOWN], len(shown))


def _span(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
