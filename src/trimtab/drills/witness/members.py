"""Whom a site's proxies send requests to: HAProxy is asked (management guide, 9.3 `show servers state`), of nginx the
file is read that it was started with."""

from __future__ import annotations

import hashlib
from typing import Any

from trimtab.daemons.haproxy.dumps import ServerState, read_servers
from trimtab.daemons.haproxy.once import STAGE
from trimtab.drills.ask import ask_if_there
from trimtab.drills.scene import LabLike, Scene
from trimtab.errors import DriverError

SOCKET = ("socat", "-t5", "-", "UNIX-CONNECT:/run/haproxy/admin.sock")


def look(lab: LabLike, scene: Scene, site: str) -> dict[str, Any]:
    """By proxy {pool: {address: weight}} of those that are not in maintenance; None where nothing answers."""
    place = scene.site(site)
    if scene.engine == "haproxy":
        return {p: judge_haproxy(ask_if_there(lab, p, SOCKET, "show servers state\n")) for p in place.proxies}
    return {p: judge_nginx(ask_if_there(lab, p, ("cat", "/run/nginx/pools.conf"))) for p in place.proxies}


def judge_haproxy(reply: str | None) -> dict[str, dict[str, int]] | None:
    """What is left out: a pool's other backends, other sites' proxies, the second stage, members in maintenance, places in
    store.
    """
    if (servers := servers_of(reply or "")) is None:
        return None
    found: dict[str, dict[str, int]] = {}
    for server in servers:
        if not server.maint and not server.backend.endswith(("--panic", "--patient", "--across", STAGE)):
            found.setdefault(server.backend, {})[f"{server.address}:{server.port}"] = server.weight
    return found


def servers_of(reply: str) -> list[ServerState] | None:
    """Of `show servers state`; None for what is no such reply."""
    try:
        return list(read_servers(reply.strip() + "\n"))
    except DriverError:
        return None


def judge_nginx(reply: str | None) -> dict[str, dict[str, int]] | None:
    """The file as a whole stands for its members: its hash as a number."""
    if reply is None:
        return None
    digest = hashlib.sha256(reply.encode()).digest()
    return {"pools.conf": {"sha256": int.from_bytes(digest[:6], "big")}}
