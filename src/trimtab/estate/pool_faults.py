"""Faults of pools, of the stores beside them and of the splits between them."""

from __future__ import annotations

from collections.abc import Iterator

from trimtab.estate.addressing import PORTS
from trimtab.estate.estate import Estate
from trimtab.estate.lans import group_of
from trimtab.estate.prefix_faults import Problem

# Regular members that are down count against the floor: the pool is in panic before its backups would serve.
PANIC_AND_BACKUP = (
    "with `panic` the spare members of a pool would never serve: all its regular ones do, well or not"
)

MOST_KINDS = 36  # as many codes as nginx has, six for each kind

# Who listens where: by role, "" on every host.
ETCD = ("etcd-client", "etcd-peer", "etcd-metrics")
TAKEN = {
    "": ("agent-metrics",),
    "proxy": ("front-health", "prometheus-haproxy", "haproxy-peers", "across"),
    "registry": (*ETCD[:2], "etcd-registry-metrics", "estate-client", "estate-peer", "etcd-estate-metrics"),
    "store": ETCD,
}
PLURAL = {"proxy": "proxies", "registry": "registry hosts", "store": "store hosts"}

# What a pool's other backends are called.
OURS = {
    "--panic": "each pool has a second one of that name for when no check is well",
    "--patient": "each pool has another one of that name for bodies and tunnels",
    "--across": "a pool with `across` has another one of that name, of other sites' proxies",
}


def pool_faults(estate: Estate) -> Iterator[Problem]:
    """(where, message, hint) of everything wrong between pools and the rest of the estate."""
    yield from _pools(estate)
    yield from _across(estate)
    yield from _ports(estate)
    yield from _registered(estate)
    yield from _splits(estate)
    yield from _unacked(estate)
    yield from _many_kinds(estate)
    yield from _registered_names(estate)
    yield from _stores(estate)


def _pools(estate: Estate) -> Iterator[Problem]:
    for name, pool in estate.pools.items():
        group = group_of(estate, pool.hosts) if pool.hosts else None
        if group is not None and "members" not in estate.roles.duties(group.roles):
            hint = "a pool is made of hosts with the role `backend`"
            yield ("pools", name, "hosts"), f"`{pool.hosts}` has the roles {', '.join(group.roles)}", hint
        spare = group_of(estate, pool.backup) if pool.backup else None
        if spare is not None and "members" not in estate.roles.duties(spare.roles):
            hint = "spare members are hosts with the role `backend`"
            yield ("pools", name, "backup"), f"`{pool.backup}` has the roles {', '.join(spare.roles)}", hint
        if pool.backup is not None and pool.backup == pool.hosts:
            yield ("pools", name, "backup"), f"`{pool.backup}` is the pool itself", "name another group"
        if pool.panic and (pool.backup is not None or any(member.backup for member in pool.members or ())):
            yield ("pools", name, "panic"), PANIC_AND_BACKUP, "keep one of the two: `backup`, or `panic: 0%`"


def _stores(estate: Estate) -> Iterator[Problem]:
    owner: dict[str, str] = {}
    for name, store in estate.stores.items():
        group = group_of(estate, store.hosts)
        if group is not None and "store" not in estate.roles.duties(group.roles):
            yield (
                ("stores", name, "hosts"),
                f"`{store.hosts}` has not the role `store`",
                "name a group with that role",
            )
        if (first := owner.setdefault(store.hosts, name)) != name:
            what = f"the hosts of `{store.hosts}` are the store `{first}`'s already, on the same ports"
            yield ("stores", name, "hosts"), what, "a group for each store"


def _many_kinds(estate: Estate) -> Iterator[Problem]:
    """nginx has places of their own for each kind of pool of a service, reached by status codes, and only so many of these."""
    if estate.tiers.proxy.engine != "nginx":
        return
    for name, service in estate.services.items():
        pools = [estate.pools[pool] for route in service.routes for pool in route.pools]
        kinds = len({(pool.retries, pool.answer) for pool in pools})
        if kinds > MOST_KINDS:
            what = f"its pools have {kinds} different pairs of `retries` and `answer`, nginx's limit is {MOST_KINDS}"
            yield ("services", name, "routes"), what, "give some pools the same, or take HAProxy"


def _registered_names(estate: Estate) -> Iterator[Problem]:
    """The registry has one name for a pool: what is said of a member there would concern both."""
    for name, pool in estate.pools.items():
        other = estate.pools.get(pool.discover or "")
        if other is not None and pool.discover != name and other.discover != pool.discover:
            what = (
                f"`{pool.discover}` is a pool of its own, whose members stand in the registry under that name"
            )
            yield ("pools", name, "discover"), what, "let members register under another name"


def _across(estate: Estate) -> Iterator[Problem]:
    """What other sites ask is asked of the proxies, on a port of their own."""
    for name, pool in estate.pools.items():
        if pool.across and estate.tiers.proxy.engine != "haproxy":
            what = f"`across` works with HAProxy, not with {estate.tiers.proxy.engine}, which has no checks of its own"
            hint = "take `engine: haproxy` in tiers.proxy, or leave `across` out"
            yield ("pools", name, "across"), what, hint


def _ports(estate: Estate) -> Iterator[Problem]:
    """A port of a pool is not one on which a daemon of the same hosts listens."""
    across = any(pool.across for pool in estate.pools.values())
    for name, pool in estate.pools.items():
        for kind in {pool.hosts, pool.backup} - {None}:
            group = group_of(estate, str(kind))
            for role in ("", *(group.roles if group else ())):
                for ours in TAKEN.get(role, ()):
                    if pool.port == PORTS[ours] and (ours != "across" or across):
                        who = f"which are {PLURAL[role]} too, " if role else ""
                        what = f"on `{kind}`, {who}{pool.port} is the port of `{ours}`"
                        yield ("pools", name, "port"), what, "give the pool another port"


def _unacked(estate: Estate) -> Iterator[Problem]:
    if estate.tiers.proxy.engine == "haproxy":
        return
    for name, pool in estate.pools.items():
        if "unacked" in pool.model_fields_set:
            what = "`unacked` works with HAProxy (tcp-ut), not with nginx, which waits `timeouts.server` for whoever reads slowly"
            yield (
                ("pools", name, "unacked"),
                what,
                "take `engine: haproxy` in tiers.proxy, or leave `unacked` out",
            )


def _registered(estate: Estate) -> Iterator[Problem]:
    """Pools whose members register need a registry wherever there are proxies, and a name that is nobody's spare."""
    roles = {
        site: {
            duty
            for name in declared.hosts
            if (group := group_of(estate, name))
            for duty in estate.roles.duties(group.roles)
        }
        for site, declared in estate.sites.items()
    }
    without = sorted(site for site, found in roles.items() if "vips" in found and "registry" not in found)
    for name, pool in estate.pools.items():
        if pool.discover is not None and without:
            hint = "give it `registry: 3` in `hosts`"
            yield ("pools", name, "discover"), f"{', '.join(without)} has proxies and no registry", hint
        for ending, why in OURS.items():
            if name.endswith(ending):
                yield ("pools", name), f"`{name}`: a name cannot end in `{ending}`", why


def _splits(estate: Estate) -> Iterator[Problem]:
    """Two routes of a service between the same pools are one split: they begin with the same shares."""
    for service, declared in estate.services.items():
        seen: dict[frozenset[str], int] = {}
        for index, route in enumerate(declared.routes):
            if not route.split:
                continue
            first = seen.setdefault(frozenset(route.split), index)
            other = declared.routes[first]
            if (other.split, other.by) != (route.split, route.by):
                what = f"other shares between the same pools than `routes[{first}]`"
                hint = "a split is moved as one: the same shares and `by`, or other pools"
                yield ("services", service, "routes", index, "split"), what, hint
