"""HAProxy: TLS, routing by name and path, balancing and checks.

Sources: HAProxy 2.6 Configuration Manual, sections 4.2 (retry-on, http-check), 5.2 (observe, on-error), 7 (ACLs).
A route sets txn.route and txn.pool once; the first that matches wins, redirects included.
"""

from __future__ import annotations

from typing import Any

from trimtab.estate.addressing import PORTS
from trimtab.estate.inventory import Host, Inventory
from trimtab.estate.pool import Check, Pool
from trimtab.estate.service import Route, Service
from trimtab.render.artifact import Artifact
from trimtab.render.base import fill, milliseconds
from trimtab.render.pools import Server, servers, used
from trimtab.render.vips import addresses, by_number

CONFIG = "/etc/haproxy/haproxy.cfg"
UNIT = "haproxy.service"
# What a member's kernel has not acknowledged for so long was sent to a dead host: the request is repeated elsewhere
# before its client gives up (section 5.2, tcp-ut). One retransmission fits in: Linux sends it after 200 ms. It stands
# on each server, because 2.6 does not take it over from default-server.
UNACKED_MS = 300
UNROUTED = "!{ var(txn.route) -m found }"


def quote(value: str) -> str:
    """A word that HAProxy takes literally (section 2.2: strong quoting)."""
    return "'" + value.replace("'", "'\\''") + "'"


def v6only(address: str) -> str:
    """The kernel makes a socket that is bound to an IPv6 address v6-only. Unless the file says so too, 2.6 does not know
    its own socket again at a reload, makes a new one, and resets the connections that wait on the old.
    """
    return " v6only" if ":" in address else ""


def render(inventory: Inventory, host: Host) -> tuple[Artifact, ...]:
    fronts = [_front(inventory, number, entries) for number, entries in by_number(inventory).items()]
    text = fill(
        "haproxy/haproxy.cfg.j2",
        host=host,
        proxy=inventory.estate.tiers.proxy,
        health_port=PORTS["front-health"],
        vips=fronts,
        v6only=v6only,
        pools=[_pool(inventory, name, pool, host.site) for name, pool in used(inventory)],
        # an origin outside the estate says nothing about whether this site has booted
        awaited=[name for name, pool in used(inventory) if pool.hosts],
    )
    config = Artifact(CONFIG, text, validator="haproxy", take_up="reload", unit=UNIT)
    return (config, *_certificate_lists(inventory))


def _certificate_lists(inventory: Inventory) -> tuple[Artifact, ...]:
    """One line a service: its certificate for its names (section 5.1, crt-list)."""
    found = []
    for number, entries in by_number(inventory).items():
        lines = [f"/etc/trimtab/tls/{name}.pem {' '.join(service.names)}" for name, service in entries]
        found.append(
            Artifact(
                f"/etc/haproxy/crt-list{number}.txt", "\n".join(lines) + "\n", take_up="reload", unit=UNIT
            )
        )
    return tuple(found)


def _front(inventory: Inventory, number: int, entries: list[tuple[str, Service]]) -> dict[str, Any]:
    return {
        "number": number,
        "addresses": addresses(inventory, [service for _, service in entries]),
        "tls_min": min(service.tls.min for _, service in entries),
        "services": [_service(name, service) for name, service in entries],
    }


def _service(name: str, service: Service) -> dict[str, Any]:
    return {
        "name": name,
        "names": service.names,
        "hsts": int(service.tls.hsts) if service.tls.hsts else None,
        "routes": [_route(name, index, route) for index, route in enumerate(service.routes)],
    }


def _route(service: str, index: int, route: Route) -> list[str]:
    """The lines of one route: match, target, expiry."""
    key = f"{service}-{index}"
    match = f"{{ var(txn.service) -m str {service} }} {UNROUTED}{_conditions(route)}"
    taken = f"{{ var(txn.route) -m str {key} }}"
    lines = [f"http-request set-var(txn.route) str({key}) if {match}"]
    if route.redirect:
        lines.append(f"http-request redirect location {quote(route.redirect)} code 302 if {taken}")
    elif route.split:
        lines += _split(route.split, taken)
    else:
        lines.append(f"http-request set-var(txn.pool) str({route.pool}) if {taken}")
    if route.expires is not None:
        lines.append(f"http-request set-var(txn.expires) int({int(route.expires)}) if {taken}")
    return lines


def _conditions(route: Route) -> str:
    parts = []
    if route.path not in (None, "/"):
        parts.append(f"{{ path_beg {quote(str(route.path))} }}")
    if route.suffix:
        parts.append(f"{{ path_end {' '.join(quote(s) for s in route.suffix)} }}")
    for header, value in sorted(route.header.items()):
        parts.append(f"{{ req.hdr({header}) -m str {quote(value)} }}")
    if route.method:
        parts.append(f"{{ method {' '.join(quote(m) for m in route.method)} }}")
    if route.host:
        parts.append(f"{{ var(txn.host) -m str {' '.join(route.host)} }}")
    return "".join(f" {part}" for part in parts)


def _split(split: dict[str, int], taken: str) -> list[str]:
    """A draw for each request; the shares partition 0..total-1 in the order of the pools' names."""
    lines = [f"http-request set-var(txn.draw) rand({sum(split.values())}) if {taken}"]
    bound = 0
    for pool, share in sorted(split.items()):
        if not share:
            continue
        bound += share
        unset = "!{ var(txn.pool) -m found }"
        lines.append(
            f"http-request set-var(txn.pool) str({pool}) if {taken} {unset} {{ var(txn.draw) -m int lt {bound} }}"
        )
    return lines


def _pool(inventory: Inventory, name: str, pool: Pool, site: str) -> dict[str, Any]:
    return {
        "name": name,
        "balance": f"hdr({pool.header})" if pool.header else pool.balance,
        "consistent": pool.balance in ("source", "uri", "header"),
        "check": _check(_check_host(inventory, name), pool.check),
        "retries": pool.retries,
        "defaults": _defaults(pool.check),
        "servers": [_server(server) for server in servers(inventory, pool, site)],
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


def _defaults(check: Check) -> str:
    """Two failed connections of real traffic take a member out at once; its own checks bring it back."""
    return (
        f"check inter {milliseconds(check.every)} fastinter {milliseconds(check.fast)} "
        f"fall {check.fall} rise {check.rise} observe layer4 error-limit 2 on-error mark-down"
    )


def _server(server: Server) -> dict[str, Any]:
    weight = "" if server.weight == 100 else f" weight {server.weight}"
    options = f" tcp-ut {UNACKED_MS}ms{weight}{' backup' if server.backup else ''}"
    return {"name": server.name, "address": server.address, "id": server.id, "options": options}
