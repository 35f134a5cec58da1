"""nginx as the proxy of a site.

Sources: ngx_http_upstream_module, ngx_http_map_module, ngx_http_proxy_module, "If is Evil" (only `return` inside).
Every match of a route becomes a digit by a `map`, so no part of a request is ever pasted into another expression; the
digits of all routes form a key, and the first 1 in it names the pool. Checks are passive: open-source nginx has no others.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from trimtab.daemons.nginx.features import features
from trimtab.estate.addressing import PORTS
from trimtab.estate.inventory import Host, Inventory
from trimtab.estate.pool import Pool
from trimtab.estate.service import Route, Service
from trimtab.render.agent_file import bounds
from trimtab.render.artifact import Artifact
from trimtab.render.base import fill, milliseconds
from trimtab.render.places import connections, files, own_networks
from trimtab.render.pools import Server, servers, used
from trimtab.render.splits import split_name, splits
from trimtab.render.vips import addresses

CONFIG, POOLS = "/etc/nginx/nginx.conf", "/etc/nginx/pools.conf"
UNIT = "nginx.service"
NOBODY = "unix:/run/nginx/nobody.sock"
METHODS = {
    "leastconn": "least_conn",
    "source": "hash $remote_addr consistent",
    "uri": "hash $request_uri consistent",
    "random": "random",
}
# Codes of our own that only ever jump to a named location.
FIRST_CODE = 480
QUICK = "--quick"


def quote(value: str) -> str:
    """A quoted nginx string; values with `$`, quotes or backslashes are refused where they are read."""
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def regex(pattern: str) -> str:
    return quote(f"~{pattern}")


def render(inventory: Inventory, host: Host) -> tuple[Artifact, ...]:
    proxy = inventory.estate.tiers.proxy
    text = fill(
        "nginx/nginx.conf.j2",
        host=host,
        proxy=proxy,
        protocols=_protocols(list(inventory.estate.services.values())),
        nofile=files(inventory, host.site),
        worker_connections=connections(inventory, host.site),
        own=own_networks(inventory),
        http2_directive=features(host.platform).http2_directive,
        health_port=PORTS["front-health"],
        addresses=addresses(inventory, list(inventory.estate.services.values())),
        services=[_service(inventory, name, s) for name, s in sorted(inventory.estate.services.items())],
    )
    pools = fill(
        "nginx/pools.conf.j2",
        host=host,
        proxy=proxy,
        pools=[_pool(inventory, name, pool, host.site) for name, pool in used(inventory)],
        splits=list(
            {name: _split(service, name, route) for service, name, route in splits(inventory)}.values()
        ),
    )
    return (
        Artifact(CONFIG, text, validator="nginx", take_up="reload", unit=UNIT),
        Artifact(POOLS, pools, take_up="reload", unit=UNIT),
    )


def _pool(inventory: Inventory, name: str, pool: Pool, site: str) -> dict[str, Any]:
    found = servers(inventory, pool, site)
    empty = [server for server in found if server.empty][:1]  # one line stands for all who may register
    method = _method(pool)
    # nginx has no backup servers under `hash` and `random`: there the spare ones join as equals, at their own weight
    backups = (method or "").split(" ")[0] not in ("hash", "random")
    return {
        "name": name,
        "method": method,
        "fall": pool.check.fall,
        "window": f"{max(1, round(pool.check.every * pool.check.fall))}s",
        "servers": [_peer(s, backups) for s in (*empty, *(s for s in found if not s.empty))],
    }


def _peer(server: Server, backups: bool) -> dict[str, Any]:
    """Who takes no requests stays as a `down` line: nginx refuses an upstream that has backups only, goes to them at once
    past a `down` line, and a hand on the member finds its line. The weight is always stated: nginx's own default is 1.
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


def _service(inventory: Inventory, name: str, service: Service) -> dict[str, Any]:
    var = "t_" + name.replace("-", "_")
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
        "addresses": addresses(inventory, [service]),
        "protocols": _protocols([service]),
        "hsts": int(service.tls.hsts) if service.tls.hsts else None,
        "ocsp": service.tls.ocsp,
        "bits": bits,
        "routes": routes,
        "key": "".join(f"${r['name']}" for r in routes),
        "targets": [
            {"zeros": _before(i), "value": _target(name, i, r)} for i, r in enumerate(service.routes)
        ],
        "expires": [
            {"zeros": _before(i), "value": int(r.expires)}
            for i, r in enumerate(service.routes)
            if r.expires is not None
        ],
        "redirects": [
            {"value": f"redirect{i}", "url": r.redirect} for i, r in enumerate(service.routes) if r.redirect
        ],
        "pools": _locations(inventory, pools),
        "quick": [name for name in pools if inventory.estate.pools[name].answer],
    }


def _protocols(services: list[Service]) -> str:
    """What any service speaks. nginx agrees on a version before it knows the name, by the default server's list."""
    return "TLSv1.3" if all(service.tls.min == "TLSv1.3" for service in services) else "TLSv1.2 TLSv1.3"


def _before(index: int) -> str:
    return "0" * index


def _target(service: str, index: int, route: Route) -> str:
    if route.redirect:
        return f"redirect{index}"
    return f"${_split_variable(service, split_name(route.split))}" if route.split else str(route.pool)


def _split_variable(service: str, name: str) -> str:
    return f"s_{service}_{name}".replace("-", "_").replace("+", "__")


def _bits(prefix: str, route: Route) -> list[dict[str, Any]]:
    """One 0/1 variable for each match that must hold."""
    found: list[tuple[str, list[str]]] = []
    if route.path not in (None, "/"):
        found.append(("$uri", [regex("^" + re.escape(str(route.path)))]))
    if route.suffix:
        found.append(("$uri", [regex(re.escape(s) + "$") for s in route.suffix]))
    for header, value in sorted(route.header.items()):
        found.append((_header(header), [quote(value)]))
    if route.method:
        found.append(("$request_method", [quote(m) for m in route.method]))
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
        "named": " ".join(f"{pool} {pool};" for pool, _ in drawn),
    }


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


def _locations(inventory: Inventory, names: list[str]) -> list[dict[str, Any]]:
    """Of each pool. One with `answer` has another beside it, for the methods that may be repeated: the time that a member
    has is the location's.
    """
    found = []
    for name in names:
        pool = inventory.estate.pools[name]
        found.append(_location(name, name, pool))
        if pool.answer:
            found.append({**_location(name + QUICK, name, pool), "answer": milliseconds(pool.answer)})
    return [{**each, "code": FIRST_CODE + number} for number, each in enumerate(found)]


def _location(name: str, upstream: str, pool: Pool) -> dict[str, Any]:
    return {
        "name": name,
        "upstream": upstream,
        "next": "error timeout" if pool.retries else "off",
        "tries": pool.retries + 1,
        "answer": None,
    }
