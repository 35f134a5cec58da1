"""HAProxy: TLS, routing by name and path, balancing and checks.

Sources: HAProxy 2.6 Configuration Manual, sections 4.2 (retry-on, http-check), 5.2 (observe, on-error), 7 (ACLs).
A route sets txn.route and txn.pool once; the first that matches wins, redirects included.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from trimtab.agent_config import BY_MAP, SCALE, SPLIT_MAP, bounds
from trimtab.daemons import forwarded
from trimtab.daemons.across import asked
from trimtab.daemons.artifact import Artifact
from trimtab.daemons.connections import own_networks
from trimtab.daemons.haproxy import across as haproxy_across
from trimtab.daemons.haproxy import once as haproxy_once
from trimtab.daemons.haproxy.connections import places
from trimtab.daemons.haproxy.features import features
from trimtab.daemons.haproxy.server import UNACKED_MS, check_options, purge, quote
from trimtab.daemons.pools import Server, endpoint, servers, used
from trimtab.daemons.splits import split_name
from trimtab.daemons.template import fill, milliseconds
from trimtab.daemons.vips import addresses, served
from trimtab.estate.addressing import PORTS
from trimtab.estate.inventory import Host, Inventory
from trimtab.estate.pool import Check, Pool
from trimtab.estate.service import Route, Service
from trimtab.estate.vips import shared

CONFIG, POOLS = "/etc/haproxy/haproxy.cfg", "/etc/haproxy/pools.cfg"
UNIT = "haproxy.service"
MAPS = "/run/haproxy"
UNROUTED = "!{ var(txn.route) -m found }"
UNDRAWN = "!{ var(txn.pool) -m found }"
# A line has 64 words at most (HAProxy's MAX_LINE_ARGS): so many for a list that has a line of its own, and so many for
# all conditions of a route together, without the braces of its lists.
MOST_WORDS = 40
SPARE_WORDS = 36


def v6only(address: str) -> str:
    """The kernel makes a socket that is bound to an IPv6 address v6-only. Unless the file says so too, 2.6 does not know
    its own socket again at a reload, makes a new one, and resets the connections that wait on the old.
    """
    return " v6only" if ":" in address else ""


def render(inventory: Inventory, host: Host) -> tuple[Artifact, ...]:
    every = (_front(inventory, host, key, entries) for key, entries in shared(inventory).items())
    fronts = [front for front in every if front["addresses"]]  # others are of other sites' networks
    pools, room = used(inventory), places(inventory, host.site)
    able, proxy = features(host.platform), inventory.estate.tiers.proxy
    text = fill(
        "haproxy/haproxy.cfg.j2",
        host=host,
        proxy=proxy,
        places=room,
        own=own_networks(inventory),
        most_words=MOST_WORDS,
        client_hs=able.client_hs,
        once=haproxy_once.stage(able, proxy),
        safe=haproxy_once.SAFE,
        health_port=PORTS["front-health"],
        vips=fronts,
        forwarded=forwarded.haproxy(),
        v6only=v6only,
        peers=_peers(inventory, host) if any(_by_table(pool) for _, pool in pools) else [],
        across=haproxy_across.render(inventory, host, room.across),
        awaited=[need for name, pool in pools if (need := _awaited(inventory, name, pool, host.site))],
    )
    found = [_pool(inventory, name, pool, host) for name, pool in pools]
    filled = fill("haproxy/pools.cfg.j2", host=host, pools=found, safe=haproxy_once.SAFE)
    return (
        Artifact(CONFIG, text, validator="haproxy", take_up="reload", unit=UNIT),
        Artifact(POOLS, filled, take_up="reload", unit=UNIT),
        *_certificate_lists(inventory),
    )


def _awaited(inventory: Inventory, name: str, pool: Pool, site: str) -> str | None:
    """The backend that needs a server before the site serves: the pool's own, or where the file has no member of it here
    that of the other sites. An origin outside the estate says nothing about whether this site has booted.
    """
    if pool.members is not None:
        return None
    return name if servers(inventory, pool, site) or not asked(inventory, pool, site) else f"{name}--across"


def _peers(inventory: Inventory, host: Host) -> list[tuple[str, str]]:
    """Every proxy of the site, itself included (section 3.5)."""
    return [(h.name, endpoint(h.v4, PORTS["haproxy-peers"])) for h in inventory.front(host.site)]


def _by_table(pool: Pool) -> bool:
    return pool.sticky is not None and pool.sticky.by == "table"


def _certificate_lists(inventory: Inventory) -> tuple[Artifact, ...]:
    """One line a service: its certificate for its names (section 5.1, crt-list)."""
    found = []
    for key, entries in shared(inventory).items():
        lines = [_certificate(name, service) for name, service in entries]
        found.append(
            Artifact(f"/etc/haproxy/crt-list{key}.txt", "\n".join(lines) + "\n", take_up="reload", unit=UNIT)
        )
    return tuple(found)


def _certificate(name: str, service: Service) -> str:
    """A line of a crt-list. `ocsp-update` is asked for only of a version that knows it (daemons/load.py)."""
    options = " [ocsp-update on]" if service.tls.ocsp else ""
    return f"/etc/trimtab/tls/{name}.pem{options} {' '.join(service.names)}"


def _front(inventory: Inventory, host: Host, key: str, entries: list[tuple[str, Service]]) -> dict[str, Any]:
    return {
        "number": key,
        "addresses": addresses(inventory, [service for _, service in entries], host),
        "tls_min": min(service.tls.min for _, service in entries),
        "services": [
            _service(name, service) for name, service in entries if served(inventory, service, host.site)
        ],
    }


def _service(name: str, service: Service) -> dict[str, Any]:
    return {
        "name": name,
        "names": chunks(service.names),
        "hsts": int(service.tls.hsts) if service.tls.hsts else None,
        "routes": [_route(name, index, route) for index, route in enumerate(service.routes)],
    }


def _route(service: str, index: int, route: Route) -> list[str]:
    """The lines of one route: match, target, expiry."""
    key = f"{service}-{index}"
    lines, more = _conditions(key, route)
    match = f"{{ var(txn.service) -m str {service} }} {UNROUTED}{more}"
    taken = f"{{ var(txn.route) -m str {key} }}"
    lines.append(f"http-request set-var(txn.route) str({key}) if {match}")
    if route.redirect:
        # its location is a log format (section 8.2.6), in which a `%` begins a variable
        location = quote(route.redirect.replace("%", "%%"))
        lines.append(f"http-request redirect location {location} code 302 if {taken}")
    elif route.split:
        lines += _split(service, route, taken)
    else:
        lines.append(f"http-request set-var(txn.pool) str({route.pool}) if {taken}")
    if route.expires is not None:
        lines.append(f"http-request set-var(txn.expires) int({int(route.expires)}) if {taken}")
    return lines


def _conditions(key: str, route: Route) -> tuple[list[str], str]:
    """(lines before, condition) of what has to hold. A list for which the line has no words is asked before, in parts."""
    parts = []
    if route.path not in (None, "/"):
        parts.append(f"{{ path_beg {quote(str(route.path))} }}")
    parts += [f"{{ req.fhdr({name}) -m str {quote(value)} }}" for name, value in sorted(route.header.items())]
    lists = {
        "path_end": [quote(suffix) for suffix in route.suffix],
        "method": [quote(method) for method in route.method],
        "var(txn.host) -m str": list(route.host),
    }
    before: list[str] = []
    while any(lists.values()) and 6 * len(parts) + sum(map(len, lists.values())) > SPARE_WORDS:
        test = max(lists, key=lambda each: len(lists[each]))
        name = f"txn.any_{test.partition('(')[0]}"
        before += [
            f"http-request set-var({name}) str({key}) if {{ {test} {' '.join(some)} }}"
            for some in chunks(lists.pop(test))
        ]
        parts.append(f"{{ var({name}) -m str {key} }}")
    parts += [f"{{ {test} {' '.join(values)} }}" for test, values in lists.items() if values]
    return before, "".join(f" {part}" for part in parts)


def chunks(values: Sequence[str]) -> list[tuple[str, ...]]:
    """As many at a time as a line has words for."""
    return [tuple(values[i : i + MOST_WORDS]) for i in range(0, len(values), MOST_WORDS)]


def _split(service: str, route: Route, taken: str) -> list[str]:
    """A draw for each request against bounds that the Runtime API changes (section 7.3.1, map). Who sends the header
    or the cookie is drawn by its value instead, the same on every proxy; a pool's name asks for that pool.
    """
    split = route.split or {}
    key = f"{service}/{split_name(split)}"
    lines = [
        f"http-request set-var(txn.by) str({key}),map({MAPS}/{BY_MAP},{route.by}) if {taken}",
        f"http-request set-var(txn.draw) rand({SCALE}) if {taken}",
        f"http-request set-var(txn.asked) req.hdr(X-Canary) if {taken} {{ var(txn.by) -m str header }} {{ req.hdr(X-Canary) -m found }}",
        f"http-request set-var(txn.asked) req.cook(canary) if {taken} {{ var(txn.by) -m str cookie }} {{ req.cook(canary) -m found }}",
        f"http-request set-var(txn.draw) var(txn.asked),xxh32,mod({SCALE}) if {taken} {{ var(txn.asked) -m found }}",
        f"http-request set-var(txn.before) int(0) if {taken}",
    ]
    for pool, bound in bounds(split).items():
        lines += _share(pool, bound, key, taken)
    return [
        *lines,
        f"http-request set-var(txn.pool) str({max(split, key=lambda p: (split[p], p))}) if {taken} {UNDRAWN}",
    ]


def _share(pool: str, bound: int, key: str, taken: str) -> list[str]:
    """One pool of a split. Its name asks for it only while it has a share: its bound is above the one before."""
    some = "{ var(txn.bound),sub(txn.before) -m int gt 0 }"
    return [
        f"http-request set-var(txn.bound) str({key}/{pool}),map_str_int({MAPS}/{SPLIT_MAP},{bound}) if {taken}",
        f"http-request set-var(txn.pool) str({pool}) if {taken} {UNDRAWN} {{ var(txn.draw),sub(txn.bound) -m int lt 0 }}",
        f"http-request set-var(txn.pool) str({pool}) if {taken} {{ var(txn.asked) -m str {pool} }} {some}",
        f"http-request set-var(txn.before) var(txn.bound) if {taken}",
    ]


def _pool(inventory: Inventory, name: str, pool: Pool, host: Host) -> dict[str, Any]:
    found = servers(inventory, pool, host.site)
    spare = [server.id for server in found if server.backup]
    fresh = haproxy_once.fresh(features(host.platform))
    return {
        "name": name,
        "balance": f"hdr({pool.header})" if pool.header else pool.balance,
        "consistent": pool.balance in ("source", "uri", "header"),
        "sticky": _sticky(pool, inventory.estate.estate, spare),
        "sticky_spare": _sticky_spare(name, pool, inventory.estate.estate, spare),
        "check": _check(_check_host(inventory, name), pool.check),
        "retries": pool.retries,
        "answer": milliseconds(pool.answer) if pool.answer else None,
        "defaults": f"{check_options(pool.check)} pool-purge-delay {purge(pool)}",
        "purge": purge(pool),
        "servers": [_server(server, pool, fresh) for server in found],
    }


def _check_host(inventory: Inventory, pool: str) -> str:
    """The name under which the pool serves: a member may answer for no other."""
    for _, service in sorted(inventory.estate.services.items()):
        if any(pool in route.pools for route in service.routes):
            return service.names[0]
    return inventory.estate.zone


def _check(name: str, check: Check) -> list[str]:
    path = check.get or check.head
    if path is None:
        return ["option tcp-check"]
    method = "GET" if check.get else "HEAD"
    return [
        "option httpchk",
        f"http-check send meth {method} uri {quote(path)} ver HTTP/1.1 hdr Host {name} hdr Connection close",
        f"http-check expect status {','.join(str(code) for code in check.expect)}",
        f"timeout check {milliseconds(check.timeout)}",
    ]


def _sticky(pool: Pool, estate: str, spare: list[int]) -> list[str]:
    """The cookie is a hash of the member's address (section 4.2, dynamic-cookie-key): the same on every proxy, and in
    whichever slot the member is. A table is shared by the site's proxies (section 4.2, stick-table).

    The key is no secret: it keeps the cookies of two estates apart. Who knows it can choose a member, no more.
    spare: the ids of servers that keep nobody. HAProxy would give them cookies too; what it sets for one of them is made
    to end a cookie that no client has, so that theirs still names the member to which they go back.
    """
    if pool.sticky is None:
        return []
    if pool.sticky.by == "cookie":
        return [
            f"cookie {pool.sticky.name} insert indirect nocache httponly secure dynamic",
            f"dynamic-cookie-key {estate}",
            *_unkept(pool.sticky.name, spare),
        ]
    size = f"stick-table type ipv6 size 100k expire {milliseconds(pool.sticky.expire)} peers site"
    return [size, "stick on src"]


def _unkept(cookie: str, spare: list[int]) -> list[str]:
    """Section 4.2, http-after-response: it sees the header that `cookie insert` has made."""
    if not spare:
        return []
    what = f"'^{cookie}=.*' '{cookie}.spare=; Max-Age=0; path=/'"
    return [
        f"http-after-response replace-header Set-Cookie {what} if {{ srv_id {' '.join(map(str, spare))} }}"
    ]


def _sticky_spare(name: str, pool: Pool, estate: str, spare: list[int]) -> list[str]:
    """Of the other backends: who has a member keeps it there too. There is one table, the pool's own."""
    return [f"stick on src table {name}"] if _by_table(pool) else _sticky(pool, estate, spare)


def _server(server: Server, pool: Pool, fresh: str) -> dict[str, Any]:
    """Its lines in the pool's three backends. quick: for requests without a body; patient: for what may meet a slow reader."""
    marks = f" {fresh}{_spare(pool) if server.backup else ''}{' disabled' if server.empty else ''}"
    # always stated: HAProxy's own default is 1, and one member at 50 beside it would get nearly everything
    weight = f" weight {server.weight} tcp-ut "
    return {
        "name": server.name,
        "address": server.address,
        "id": server.id,
        "quick": f"{weight}{UNACKED_MS}ms",
        "patient": f"{weight}{milliseconds(pool.unacked)}",
        "marks": marks,
    }


def _spare(pool: Pool) -> str:
    """Whom a spare member served, while nobody else could, goes back to the others (section 5.2, non-stick)."""
    return " backup non-stick" if _by_table(pool) else " backup"
