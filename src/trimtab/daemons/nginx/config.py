"""nginx as the proxy of a site.

Sources: ngx_http_upstream_module, ngx_http_map_module, ngx_http_proxy_module, "If is Evil" (only `return` inside).
Every match of a route becomes a digit by a `map`, so no part of a request is ever pasted into another expression; the
digits of all routes form a key, and the first 1 in it names the pool. The ways to pass a request on are in ways.py.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from trimtab.agent_config import bounds
from trimtab.daemons import forwarded
from trimtab.daemons.artifact import Artifact
from trimtab.daemons.connections import own_networks
from trimtab.daemons.nginx.connections import connections, files
from trimtab.daemons.nginx.features import features
from trimtab.daemons.nginx.ways import PANIC, locations
from trimtab.daemons.pools import Server, servers, used
from trimtab.daemons.splits import split_name, splits
from trimtab.daemons.template import fill, milliseconds
from trimtab.daemons.vips import addresses
from trimtab.estate.addressing import PORTS
from trimtab.estate.inventory import Host, Inventory
from trimtab.estate.pool import Pool
from trimtab.estate.service import Route, Service

CONFIG, POOLS = "/etc/nginx/nginx.conf", "/etc/nginx/pools.conf"
UNIT = "nginx.service"
NOBODY = "unix:/run/nginx/nobody.sock"
METHODS = {
    "leastconn": "least_conn",
    "source": "hash $remote_addr consistent",
    "uri": "hash $request_uri consistent",
    "random": "random",
}
# A zone that is too small is refused by nginx when the pool is read; nothing is used of it but what members need. 1.22 and
# 1.26 were tried: 256k hold 312 members.
ZONE_LEAST_K, ZONE_MEMBER_K = 256, 2
MOST_COUNTED = 65535  # by limit_conn
REGISTERED = 4096  # members of a pool that register themselves: as many as that are read
# Words that begin a line of a `map` and are no value there (ngx_http_map_module).
SPECIAL = ("default", "hostnames", "include", "volatile")
# nginx reads no parameter of more than 4,096 bytes.
LONGEST_KEY = 3000


def quote(value: str) -> str:
    """A quoted nginx string; values with `$`, quotes or backslashes are refused where they are read."""
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def regex(pattern: str) -> str:
    return quote(f"~{pattern}")


def exactly(value: str) -> str:
    """A value in a `map`, whatever that could take it for. Letters count whatever their case."""
    return quote(f"\\{value}" if value in SPECIAL or value[:1] in ("~", "\\") else value)


def variable(kind: str, *parts: str | int) -> str:
    """The name of a variable of ours. Names have no `_`, so `__` for `-` and `_` between them mixes up no two."""
    return "_".join((kind, *(str(part).replace("-", "__").replace("+", "_") for part in parts)))


def render(inventory: Inventory, host: Host) -> tuple[Artifact, ...]:
    proxy = inventory.estate.tiers.proxy
    text = fill(
        "nginx/nginx.conf.j2",
        host=host,
        proxy=proxy,
        protocols=_protocols(list(inventory.estate.services.values())),
        nofile=files(inventory, host.site),
        worker_connections=connections(inventory),
        forwarded=forwarded.nginx(),
        own=own_networks(inventory),
        limit=limit(proxy.maxconn),
        http2_directive=features(host.platform).http2_directive,
        health_port=PORTS["front-health"],
        addresses=addresses(inventory, list(inventory.estate.services.values()), host),
        services=[
            _service(inventory, host, name, s)
            for name, s in sorted(inventory.estate.services.items())
            if addresses(inventory, [s], host)
        ],
    )
    pools = fill(
        "nginx/pools.conf.j2",
        host=host,
        proxy=proxy,
        pools=[
            each for name, pool in used(inventory) for each in _upstreams(inventory, name, pool, host.site)
        ],
        splits=list({(s, name): _split(s, name, route) for s, name, route in splits(inventory)}.values()),
    )
    return (
        Artifact(CONFIG, text, validator="nginx", take_up="reload", unit=UNIT),
        Artifact(POOLS, pools, take_up="reload", unit=UNIT),
    )


def _upstreams(inventory: Inventory, name: str, pool: Pool, site: str) -> list[dict[str, Any]]:
    """Of a pool: one that leaves out who fails, and one that never does. Checks are passive, open-source nginx has no others:
    a page that is slow everywhere would otherwise end the pool for everybody.
    """
    found = servers(inventory, pool, site)
    empty = [server for server in found if server.empty][:1]  # one line stands for all who may register
    method = _method(pool)
    # nginx has no backup servers under `hash` and `random`: there the spare ones join as equals, at their own weight
    backups = (method or "").split(" ")[0] not in ("hash", "random")
    listed = [*empty, *(server for server in found if not server.empty)]
    if all(server.backup and backups for server in listed):
        listed.insert(
            0, Server("nobody", NOBODY, 0, empty=True)
        )  # nginx refuses an upstream without a regular server
    keep = inventory.estate.tiers.proxy.upstream_keepalive
    shared = {
        "window": f"{max(1, round(pool.check.every * pool.check.fall))}s",
        "servers": [_peer(server, backups) for server in listed],
        "kept": [f"keepalive {keep}", f"keepalive_timeout {milliseconds(pool.idle)}"] if keep else [],
    }
    many = REGISTERED if pool.discover is not None else len(found)
    each = ((name, pool.check.fall), (name + PANIC, 0))
    return [
        {"name": name, "head": [_zone(name, many), *([method] if method else [])], "fall": fall, **shared}
        for name, fall in each
    ]


def _zone(name: str, members: int) -> str:
    return f"zone {name} {max(ZONE_LEAST_K, ZONE_MEMBER_K * members)}k"


def _peer(server: Server, backups: bool) -> dict[str, Any]:
    """Who takes no requests stays as a `down` line: nginx refuses an upstream that has backups only, goes to them at once
    past a `down` line, and an override on the member finds its line. The weight is always stated: nginx's own default is 1.
    """
    down = server.empty or not server.weight
    marks = f"{' backup' if server.backup and backups else ''}{' down' if down else ''}"
    return {
        "address": NOBODY if server.empty else server.address,
        "id": 0 if server.empty else server.id,
        "options": f" weight={server.weight or 1}{marks}",  # nginx refuses 0
    }


def _method(pool: Pool) -> str | None:
    """The balancing directive; None is nginx's own round robin."""
    if pool.sticky is not None:
        kept = f"$cookie_{pool.sticky.name.replace('-', '_')}" if pool.sticky.by == "cookie" else ""
        return f"hash {kept}$remote_addr consistent"
    if pool.header:
        return f"hash {_header(pool.header)} consistent"
    return METHODS.get(pool.balance)


def _header(name: str) -> str:
    """The variable of a request header."""
    return f"$http_{name.lower().replace('-', '_')}"


def _service(inventory: Inventory, host: Host, name: str, service: Service) -> dict[str, Any]:
    var = variable("t", name)
    routes, bits = [], []
    for index, route in enumerate(service.routes):
        own = _bits(f"{var}_{index}", route)
        bits += own
        key = "".join(f"${b['name']}" for b in own)
        routes.append({"name": f"{var}_{index}", "key": f"{key}.", "ones": "1" * len(own) + "."})
    pools = sorted({p for r in service.routes for p in r.pools})
    return {
        "name": name,
        "var": var,
        "names": service.names,
        "addresses": addresses(inventory, [service], host),
        "protocols": _protocols([service]),
        "hsts": int(service.tls.hsts) if service.tls.hsts else None,
        "ocsp": service.tls.ocsp,
        "bits": bits,
        "routes": routes,
        **_key(var, [route["name"] for route in routes]),
        "targets": [
            {"zeros": _before(i), "value": _target(name, i, r)} for i, r in enumerate(service.routes)
        ],
        "expires": [
            {"zeros": _before(i), "value": int(r.expires)}
            for i, r in enumerate(service.routes)
            if r.expires is not None
        ],
        "redirects": [
            {"value": _redirect(i), "url": r.redirect} for i, r in enumerate(service.routes) if r.redirect
        ],
        "locations": locations(inventory, name, var, pools),
    }


def _key(var: str, names: list[str]) -> dict[str, Any]:
    """All digits in a row, and the variables that hold parts of it where the whole would be too long to read."""
    most = max(1, LONGEST_KEY // (max(map(len, names)) + 1))
    parts = ["".join(f"${name}" for name in names[i : i + most]) for i in range(0, len(names), most)]
    if len(parts) == 1:
        return {"key": parts[0], "parts": []}
    held = [{"name": f"{var}_part_{n}", "key": part} for n, part in enumerate(parts)]
    return {"key": "".join(f"${each['name']}" for each in held), "parts": held}


def _protocols(services: list[Service]) -> str:
    """What any service speaks. nginx agrees on a version before it knows the name, by the default server's list."""
    return "TLSv1.3" if all(service.tls.min == "TLSv1.3" for service in services) else "TLSv1.2 TLSv1.3"


def _before(index: int) -> str:
    return "0" * index


def _target(service: str, index: int, route: Route) -> str:
    if route.redirect:
        return _redirect(index)
    return f"${_split_variable(service, split_name(route.split))}" if route.split else str(route.pool)


def _redirect(index: int) -> str:
    """What no pool can be called: names have no dot."""
    return f".redirect{index}"


def _split_variable(service: str, name: str) -> str:
    return variable("s", service, name)


def _bits(prefix: str, route: Route) -> list[dict[str, Any]]:
    """One 0/1 variable for each match that must hold."""
    found: list[tuple[str, list[str]]] = []
    if route.path not in (None, "/"):
        found.append(("$trimtab_path", [regex("^" + re.escape(str(route.path)))]))
    if route.suffix:
        found.append(("$trimtab_path", [regex(re.escape(s) + "$") for s in route.suffix]))
    for header, value in sorted(route.header.items()):
        found.append((_header(header), [regex(f"^{re.escape(value)}$")]))
    if route.method:
        found.append(("$request_method", [exactly(m) for m in route.method]))
    if route.host:
        found.append(("$host", [quote(h) for h in route.host]))
    return [{"name": f"{prefix}_{n}", "source": source, "patterns": p} for n, (source, p) in enumerate(found)]


def _split(service: str, name: str, route: Route) -> dict[str, Any]:
    """A draw for each request, or by what the client sends (ngx_http_split_clients_module)."""
    drawn = _hundredths(route.split or {})
    return {
        "key": f"{service}/{name}",
        "var": _split_variable(service, name),
        "by": route.by,
        "shares": _shares(drawn),
        # who has no share is not to be had by its name either
        # (`\\\\`: a pool may be called like a word that means something in a map)
        "named": " ".join(f"\\\\{pool} {pool};" for pool, _ in drawn),
    }


def limit(maxconn: int) -> dict[str, Any]:
    """`limit_conn` counts in 16 bits (ngx_http_limit_conn_module): beyond that clients are drawn into shares of equal size, each
    with its part of the limit.
    """
    count = -(-maxconn // MOST_COUNTED)
    drawn = _hundredths({str(share): 1 for share in range(1, count + 1)})
    return {"most": MOST_COUNTED, "count": count, "each": -(-maxconn // count), "shares": _shares(drawn)}


def _hundredths(shares: Mapping[str, int]) -> list[tuple[str, int]]:
    """Hundredths of a percent of each pool that has any, 10,000 together: between the same bounds as in HAProxy. nginx
    refuses 0.00% and shares that sum to more than 100%.
    """
    found, before = [], 0
    for pool, bound in bounds(shares).items():
        if bound > before:
            found.append((pool, bound - before))
        before = bound
    return found


def _shares(drawn: Sequence[tuple[str, int]]) -> str:
    """The last takes the rest."""
    parts = [f"{each // 100}.{each % 100:02d}% {pool};" for pool, each in drawn[:-1]]
    return " ".join([*parts, f"* {drawn[-1][0]};"])
