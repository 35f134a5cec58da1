"""A twin made by hand: two sites, each a HAProxy in front of an nginx, and a client some milliseconds away."""

from __future__ import annotations

import time
from collections.abc import Callable

from trimtab.daemons.artifact import Artifact
from trimtab.daemons.probe import ReadyCheck
from trimtab.lab.client import Lab
from trimtab.lab.topology import Leg, Node, Segment, Topology

DELAY_MS = {"hk": 20.0, "sg": 5.0}

HAPROXY_UNIT = """\
[Unit]
Description=front
StartLimitIntervalSec=10
StartLimitBurst=8

[Service]
Type=notify
User=haproxy
Environment="CONFIG=/etc/haproxy/haproxy.cfg"
ExecStartPre=/usr/sbin/haproxy -c -q -f ${CONFIG}
ExecStart=/usr/sbin/haproxy -Ws -f $CONFIG
ExecStartPost=/bin/sh -c "echo up %H >> /var/lib/haproxy/history"
ExecStopPost=/bin/sh -c "date +%%s.%%N > /var/lib/haproxy/ended; echo down >> /var/lib/haproxy/history"
ExecReload=/bin/kill -USR2 $MAINPID
KillMode=mixed
Restart=always
RestartSec=100ms
LimitNOFILE=4096
RuntimeDirectory=haproxy
StateDirectory=haproxy
ProtectSystem=strict

[Install]
WantedBy=multi-user.target
"""

HAPROXY_CONFIG = """\
global
  stats socket /run/haproxy/admin.sock mode 600 level admin
  maxconn 200
defaults
  mode http
  timeout connect 1s
  timeout client 30s
  timeout server 30s
frontend www
  bind :80
  bind :::80 v6only
  default_backend pages
backend pages
  server backend SERVER:8080 check inter 100ms
"""

NGINX_UNIT = """\
[Service]
Type=exec
ExecStart=/usr/sbin/nginx -c /etc/nginx/nginx.conf
Restart=always
StateDirectory=nginx
LogsDirectory=nginx
"""

NGINX_CONFIG = """\
user root;
daemon off;
worker_processes 1;
pid /run/nginx.pid;
events { worker_connections 100; }
http { access_log off; server { listen 8080; location / { return 200 "SITE\\n"; } } }
"""


def proxy(site: str, number: int) -> Node:
    config = HAPROXY_CONFIG.replace("SERVER", f"10.{number}.0.2")
    return Node(
        f"{site}-proxy", "host", site, ("proxy",),
        legs=(
            Leg("eth0", f"lan-{site}", (f"10.{number}.0.1/24", f"fd00:{number}::1/64")),
            Leg("wan", f"wan-{site}", (f"192.0.2.{4 * number + 1}/30", f"2001:db8:{number}::1/64")),
        ),
        sysctls=(("net.ipv4.conf.wan.rp_filter", "0"), ("net.ipv4.ip_nonlocal_bind", "1")),
        files=(
            Artifact("/etc/systemd/system/haproxy.service", HAPROXY_UNIT),
            Artifact("/etc/haproxy/haproxy.cfg", config),
            Artifact("/usr/local/lib/trimtab/hook", "#!/bin/sh\necho hooked\n", mode=0o755),
        ),
        units=("haproxy.service",),
    )  # fmt: skip


def backend(site: str, number: int) -> Node:
    return Node(
        f"{site}-backend", "host", site, ("backend",),
        legs=(Leg("eth0", f"lan-{site}", (f"10.{number}.0.2/24", f"fd00:{number}::2/64")),),
        files=(
            Artifact("/etc/systemd/system/nginx.service", NGINX_UNIT),
            Artifact("/etc/nginx/nginx.conf", NGINX_CONFIG.replace("SITE", site)),
        ),
        units=("nginx.service",),
    )  # fmt: skip


def small_topology(name: str, checks: tuple[ReadyCheck, ...] = ()) -> Topology:
    """Two sites and a client; ready when the client gets a page from both."""
    sites = {site: number for number, site in enumerate(DELAY_MS, 1)}
    client = Node(
        "client", "clients",
        legs=tuple(
            Leg(f"to-{site}", f"wan-{site}", (f"192.0.2.{4 * n + 2}/30", f"2001:db8:{n}::2/64")) for site, n in sites.items()
        ),
        files=(Artifact("/etc/hosts", "127.0.0.1 localhost\n192.0.2.5 www.example\n"),),
    )  # fmt: skip
    pages = tuple(
        ReadyCheck(
            "http", f"a page from {site} over IPv{family}", ("client",), ("http://www.example/", address)
        )
        for site, n in sites.items()
        for family, address in ((4, f"192.0.2.{4 * n + 1}"), (6, f"2001:db8:{n}::1"))
    )
    servers = ReadyCheck("haproxy", "the servers", tuple(f"{site}-proxy" for site in sites))
    return Topology(
        name=name,
        nodes=(
            *(proxy(*site) for site in sites.items()),
            *(backend(*site) for site in sites.items()),
            client,
        ),
        segments=(
            *(Segment(f"lan-{site}") for site in sites),
            *(Segment(f"wan-{site}", delay) for site, delay in DELAY_MS.items()),
        ),
        checks=(servers, *pages, *checks),
        facts={"estate": "small"},
    )


def wait_for(condition: Callable[[], object], what: str, limit: float = 10) -> None:
    """Until `condition` is true, at most `limit` seconds."""
    deadline = time.monotonic() + limit
    while not condition():
        assert time.monotonic() < deadline, f"{what}: not within {limit} s"
        time.sleep(0.01)


def output(lab: Lab, node: str, *argv: str) -> str:
    """What a command in a node prints."""
    with lab.popen(node, argv, stdout=-1, text=True) as process:
        return str(process.communicate(timeout=20)[0])
