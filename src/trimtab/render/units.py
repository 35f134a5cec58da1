"""systemd units of the daemons: users, capabilities and file limits live here, not in the daemons' own files.

Sources: systemd.service(5), systemd.exec(5). `+` runs a hook with full rights, `-` lets it fail.
"""

from __future__ import annotations

from trimtab.estate.inventory import Host, Inventory
from trimtab.render import places
from trimtab.render.artifact import Artifact, TakeUp
from trimtab.render.base import HOOKS, UNITS
from trimtab.render.etcd import JOIN_HOOK, clusters_of, rendered_file, used_file
from trimtab.render.keepalived import GATEWAY_STATE

# What says that a host is alive waits for no processor: a late BFD or VRRP packet moves addresses. Then what serves, and
# what others elect by; an agent takes what they leave.
STEERS, SERVES, ELECTS, TENDS = "Nice=-15", "Nice=-10", "Nice=-5", "Nice=15"
HEAD = "# Rendered by trimtab: changes here are lost.\n"
# Each start and reload begins with who serves now; what comes of it is judged before the daemon reads it.
HAPROXY_CHECK = f"{HOOKS}/proxy-members haproxy /usr/sbin/haproxy -c -f /etc/haproxy/haproxy.cfg -f /run/haproxy/pools.cfg"
NGINX_CHECK = f"{HOOKS}/proxy-members nginx /usr/sbin/nginx -e stderr -g 'user www-data;' -t -q -c /etc/nginx/nginx.conf"
# SIGTERM ends a proxy at once; a worker that hangs hears nothing of it, and HAProxy's master waits for its workers.
PROXY_STOP_S = 5
INSTALL = "\n[Install]\nWantedBy=multi-user.target\n"


def unit(
    name: str,
    after: str,
    lines: list[str],
    description: str,
    stop_s: int = 10,
    take_up: TakeUp = "daemon-reload",
) -> Artifact:
    """A service unit with the restart policy that all daemons share: always, for ever, without a storm.

    stop_s: seconds that it may take to end; 90 if nobody says so, and then a restart of one that hangs takes as long.
    take_up: of the unit's own file; what carries traffic is not started anew for it, the next start does.
    """
    text = (
        f"{HEAD}[Unit]\nDescription={description}\nAfter={after}\nWants=network-online.target\n"
        "StartLimitIntervalSec=0\n\n[Service]\nOOMScoreAdjust=-500\n"
        + "\n".join(lines)
        + f"\nTimeoutStopSec={stop_s}s\nRestart=always\nRestartSec=2s\n"
        + INSTALL
    )
    return Artifact(f"{UNITS}/{name}", text, validator="systemd", take_up=take_up, unit=name)


def bird(router: bool) -> Artifact:
    lines = [
        "Type=exec",
        "User=bird",
        "Group=bird",
        "AmbientCapabilities=CAP_NET_ADMIN CAP_NET_RAW CAP_NET_BIND_SERVICE",
        "RuntimeDirectory=bird",
        *([f"ExecStartPre=+{HOOKS}/bird-steer"] if router else []),
        "ExecStartPre=/usr/sbin/bird -p -c /etc/bird/bird.conf",
        STEERS,
        "ExecStart=/usr/sbin/bird -f -c /etc/bird/bird.conf -s /run/bird/bird.ctl",
    ]
    if router:
        lines += [
            f"ExecStartPost=+/bin/sh -c 'mkdir -p {GATEWAY_STATE}; echo 0 > {GATEWAY_STATE}/bird'",
            f"ExecStopPost=-+/bin/sh -c 'echo 1 > {GATEWAY_STATE}/bird'",
        ]
    lines.append("ExecReload=/usr/sbin/birdc -s /run/bird/bird.ctl configure")
    return unit("bird.service", "network-online.target", lines, "BIRD, routing by trimtab")


def keepalived(front: bool) -> Artifact:
    init = (
        f"ExecStartPre={HOOKS}/front init"
        if front
        else f"ExecStartPre=/bin/sh -c 'mkdir -p {GATEWAY_STATE}; test -s {GATEWAY_STATE}/bird || echo 1 > {GATEWAY_STATE}/bird'"
    )
    lines = [
        "Type=exec",
        init,
        STEERS,
        "ExecStart=/usr/sbin/keepalived --dont-fork --log-console --vrrp -f /etc/keepalived/keepalived.conf",
        # it takes up whatever there is: of a file that it does not understand it is left with nothing to run, or ends
        "ExecReload=/usr/sbin/keepalived --config-test -f /etc/keepalived/keepalived.conf",
        "ExecReload=/bin/kill -HUP $MAINPID",
        "KillMode=mixed",
    ]
    return unit("keepalived.service", "network-online.target", lines, "keepalived, VRRP by trimtab")


def haproxy(files: int) -> Artifact:
    """files: that it may have open."""
    lines = [
        "Type=notify",
        "User=haproxy",
        "Group=haproxy",
        "AmbientCapabilities=CAP_NET_BIND_SERVICE",
        f"LimitNOFILE={files}",
        "RuntimeDirectory=haproxy",
        f"ExecStartPre={HAPROXY_CHECK}",
        SERVES,
        "ExecStart=/usr/sbin/haproxy -Ws -f /etc/haproxy/haproxy.cfg -f /run/haproxy/pools.cfg "
        "-p /run/haproxy/haproxy.pid -S /run/haproxy/master.sock",
        f"ExecStartPost=+{HOOKS}/front set process up",
        # the addresses leave while the old process still answers
        f"ExecStop=-+{HOOKS}/front set process down",
        "SuccessExitStatus=143",
        f"ExecReload={HAPROXY_CHECK}",
        f"ExecReload={HOOKS}/proxy-reload haproxy $MAINPID",
        f"ExecStopPost=-+{HOOKS}/front set process down",
        "KillMode=mixed",
    ]
    return unit("haproxy.service", "network-online.target", lines, "HAProxy by trimtab", PROXY_STOP_S)


def nginx(files: int) -> Artifact:
    """files: that each worker may have open."""
    lines = [
        "Type=exec",
        f"LimitNOFILE={files}",
        "CacheDirectory=nginx",
        "RuntimeDirectory=nginx",
        f"ExecStartPre={NGINX_CHECK}",
        SERVES,
        "ExecStart=/usr/sbin/nginx -e stderr -g 'daemon off; user www-data;' -c /etc/nginx/nginx.conf",
        f"ExecStartPost=+{HOOKS}/front set process up",
        f"ExecStop=-+{HOOKS}/front set process down",
        f"ExecReload={NGINX_CHECK}",
        f"ExecReload={HOOKS}/proxy-reload nginx $MAINPID",
        f"ExecStopPost=-+{HOOKS}/front set process down",
        "KillMode=mixed",
    ]
    return unit("nginx.service", "network-online.target", lines, "nginx by trimtab", PROXY_STOP_S)


def front_watch() -> Artifact:
    lines = ["Type=exec", f"ExecStartPre={HOOKS}/front init", f"ExecStart={HOOKS}/front-watch"]
    says = "Does the proxy of this host answer?"
    return unit("trimtab-front.service", "network-online.target", lines, says, take_up="restart")


def etcd(cluster: str) -> Artifact:
    lines = [
        "Type=notify",
        "User=etcd",
        "Group=etcd",
        "LimitNOFILE=65536",
        f"StateDirectory=etcd-{cluster}",
        "StateDirectoryMode=0700",
        f"RuntimeDirectory=etcd-{cluster}",
        f"ExecStartPre=+{JOIN_HOOK} {rendered_file(cluster)} {used_file(cluster)}",
        ELECTS,
        f"ExecStart=/usr/bin/etcd --config-file {used_file(cluster)}",
    ]
    return unit(f"etcd-{cluster}.service", "network-online.target", lines, f"etcd, {cluster}")


def agent() -> Artifact:
    """It is stopped last and started last: whatever it does about the others, they run without it."""
    lines = [
        "Type=notify",
        "StateDirectory=trimtab",
        "RuntimeDirectory=trimtab/agent",
        "LimitNOFILE=16384",
        "MemoryMax=300M",
        TENDS,
        "ProtectHome=yes",
        "ProtectKernelModules=yes",
        "RestrictSUIDSGID=yes",
        "LockPersonality=yes",
        f"ExecStart={HOOKS}/agent",
        "ExecReload=/bin/kill -HUP $MAINPID",
        "WatchdogSec=30s",  # one that hangs is killed and started anew; the proxies serve on meanwhile
    ]
    return unit(
        "trimtab-agent.service",
        "network-online.target",
        lines,
        "trimtab's agent of this host",
        take_up="restart",
    )


def render(inventory: Inventory, host: Host) -> tuple[Artifact, ...]:
    """The units of a host, in the order in which they start."""
    proxy = inventory.estate.tiers.proxy
    found: list[Artifact] = []
    if {"router", "proxy"} & set(host.roles):
        found.append(bird("router" in host.roles))
    if "proxy" in host.roles:
        files = places.files(inventory, host.site)
        found.append(haproxy(files) if proxy.engine == "haproxy" else nginx(files))
        found += [front_watch(), keepalived(front=True)]
    elif "router" in host.roles:
        found.append(keepalived(front=False))
    found += [etcd(name) for name, _ in clusters_of(inventory, host)]
    found.append(agent())
    return tuple(found)
