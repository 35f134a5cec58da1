"""What the backends run in the twin: a small shop, in the place of the user's own application.

nginx answers pages, static files and health; the orders go to `trimtab-storefront`, which writes them to the store, and so
do the lines of the ledger, which it writes beside it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence

from trimtab.agent_config import REGISTER
from trimtab.daemons.artifact import Artifact
from trimtab.daemons.etcd.config import link_rtt, store_members
from trimtab.daemons.pools import servers, used
from trimtab.daemons.unit import SERVES, unit
from trimtab.estate.addressing import PORTS
from trimtab.estate.inventory import Host, Inventory
from trimtab.estate.pool import Pool

ORDERS_PORT = 9080
PAGES_UNIT, ORDERS_UNIT = "storefront.service", "storefront-orders.service"
CONFIG = "/etc/storefront/nginx.conf"
VERSION = "1"
LEDGER = "/run/storefront-ledger"  # a line for each time that a POST to /ledger/ID was executed
ILL = "/run/storefront-ill"  # while this file exists, every health check fails, and pages are served all the same

_NGINX = """\
# {name}: the pages of the twin's demo shop.
worker_processes 1;
pid /run/storefront.pid;
error_log stderr warn;
events {{ worker_connections 2048; }}
http {{
    access_log off;
    server_tokens off;
    client_body_temp_path /run/storefront-body;
    proxy_temp_path /run/storefront-proxy;
    fastcgi_temp_path /run/storefront-fastcgi;
    uwsgi_temp_path /run/storefront-uwsgi;
    scgi_temp_path /run/storefront-scgi;
    keepalive_timeout 60s;
    keepalive_requests 1000000;
    default_type text/html;
    upstream orders {{ server 127.0.0.1:{orders}; keepalive 8; }}
    server {{
{listens}
        add_header X-Site {site} always;
        add_header X-Backend {name}:$server_port always;
        add_header X-Version {version} always;
        set $ill "";
        if (-f {ill}) {{ set $ill 1; }}
        if ($uri ~ ^/(api/)?health) {{ set $ill "${{ill}}h"; }}
        if ($ill = "1h") {{ return 503; }}
        location = /health {{ default_type text/plain; return 200 "ok\\n"; }}
        location = /api/health {{ default_type text/plain; return 200 "ok\\n"; }}
        location = /health.txt {{ default_type text/plain; return 200 "ok\\n"; }}
        location ~ \\.(css|js|png|jpg|gif|ico)$ {{ default_type application/octet-stream; return 200 "static file of {site}\\n"; }}
        location ~ ^/(orders|ledger/) {{
            proxy_pass http://orders;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_hide_header X-Site;
            proxy_hide_header X-Backend;
            proxy_next_upstream off;
            proxy_read_timeout 30s;
        }}
        location / {{ return 200 "<!doctype html><title>shop</title><h1>The shop, from {site}</h1>\\n"; }}
    }}
}}
"""


def ports(inventory: Inventory, host: Host) -> list[int]:
    """The ports on which pools expect this host."""
    pools = inventory.estate.pools.values()
    return sorted(
        {p.port for p in pools if p.port and (host.group in (p.hosts, p.backup) or _joins(host, p))}
    )


def _joins(host: Host, pool: Pool) -> bool:
    """In the twin every backend registers itself for every pool that waits for members and names a port."""
    return pool.discover is not None and pool.port is not None and host.does("members")


def members(inventory: Inventory, site: str, pool: Pool) -> int:
    """How many members of a pool run at a site, its spare ones included."""
    if pool.discover is None:
        return len([s for s in servers(inventory, pool, site) if s.weight])
    return sum(_joins(host, pool) for host in inventory.at(site))


def registrations(inventory: Inventory, host: Host) -> list[Artifact]:
    """What this host's agent registers, as the user's own application would say it."""
    return [
        Artifact(
            f"{REGISTER}/{pool.discover}.json",
            json.dumps({"pool": pool.discover, "port": pool.port, "version": VERSION}) + "\n",
        )
        for _, pool in used(inventory)
        if _joins(host, pool)
    ]


def endpoints(inventory: Inventory, site: str) -> list[str]:
    """Client URLs of the first store, the nearest member first; empty without a store."""
    for name in sorted(inventory.estate.stores):
        members = store_members(inventory, name)
        near = sorted(members, key=lambda m: 0.0 if m.site == site else link_rtt(inventory, site, m.site))
        return [f"http://{m.v4}:{PORTS['etcd-client']}" for m in near]
    return []


def files(inventory: Inventory, host: Host) -> tuple[Artifact, ...]:
    """Configuration and units of the shop on a backend, in start order; nothing where no pool names the host."""
    wanted = ports(inventory, host)
    if not wanted:
        return ()
    stores = endpoints(inventory, host.site)
    found = [Artifact(CONFIG, _pages(host, wanted)), _pages_unit(), *registrations(inventory, host)]
    return (*found, _orders_unit(host, stores)) if stores else tuple(found)


def _pages(host: Host, wanted: Sequence[int]) -> str:
    listens = "\n".join(f"        listen {port};\n        listen [::]:{port};" for port in wanted)
    return _NGINX.format(
        name=host.name, site=host.site, orders=ORDERS_PORT, listens=listens, version=VERSION, ill=ILL
    )


def _pages_unit() -> Artifact:
    start = f"/usr/sbin/nginx -e stderr -g 'daemon off; master_process off; user root;' -c {CONFIG}"
    return unit(
        PAGES_UNIT,
        "network-online.target",
        ["Type=exec", SERVES, f"ExecStart={start}"],
        "The twin's demo shop",
    )


def _orders_unit(host: Host, stores: Sequence[str]) -> Artifact:
    words = [sys.executable, "-m", "trimtab.storefront", "serve", "--name", host.name, "--site", host.site]
    words += [
        "--listen",
        "127.0.0.1",
        "--port",
        str(ORDERS_PORT),
        "--stores",
        ",".join(stores),
        "--ledger",
        LEDGER,
    ]
    lines = ["Type=exec", SERVES, f"ExecStart={' '.join(words)}"]
    return unit(ORDERS_UNIT, "network-online.target", lines, "Orders of the twin's demo shop")
