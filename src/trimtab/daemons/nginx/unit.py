"""The unit of nginx."""

from __future__ import annotations

from trimtab.daemons.artifact import HOOKS, Artifact
from trimtab.daemons.front.daemon import MEMBERS_HOOK
from trimtab.daemons.nginx.connections import files as open_files
from trimtab.daemons.unit import PROXY_STOP_S, SERVES, unit
from trimtab.estate.inventory import Host, Inventory

# Each start and reload begins with who serves now; what comes of it is judged before the daemon reads it.
NGINX_CHECK = (
    f"{MEMBERS_HOOK} nginx /usr/sbin/nginx -e stderr -g 'user www-data;' -t -q -c /etc/nginx/nginx.conf"
)


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


def units(inventory: Inventory, host: Host) -> tuple[Artifact, ...]:
    return (nginx(open_files(inventory, host.site)),)
