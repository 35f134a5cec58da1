"""Whom a site's proxies send requests to: HAProxy is asked (management guide, 9.3 `show servers state`), of nginx the
file is read that it was started with."""

from __future__ import annotations

import hashlib
from typing import Any

from trimtab.drills.ask import ask_if_there
from trimtab.drills.scene import LabLike, Scene

SOCKET = ("socat", "-t5", "-", "UNIX-CONNECT:/run/haproxy/admin.sock")
# Fields of the reply, in its own numbering from 0.
BACKEND, ID, ADDRESS, ADMIN, WEIGHT, PORT = 1, 2, 4, 6, 7, 18
MAINTENANCE = 0x01 | 0x02  # 0x04 only says that the file had it `disabled`


def look(lab: LabLike, scene: Scene, site: str) -> dict[str, Any]:
    """By proxy {pool: {address: weight}} of those that are not in maintenance; None where nothing answers."""
    place = scene.site(site)
    if scene.engine == "haproxy":
        return {p: judge_haproxy(ask_if_there(lab, p, SOCKET, "show servers state\n")) for p in place.proxies}
    return {p: judge_nginx(ask_if_there(lab, p, ("cat", "/run/nginx/pools.conf"))) for p in place.proxies}


def judge_haproxy(reply: str | None) -> dict[str, dict[str, int]] | None:
    if reply is None:
        return None
    found: dict[str, dict[str, int]] = {}
    for line in reply.splitlines()[2:]:
        row = line.split()
        if len(row) <= PORT or row[BACKEND].endswith("--panic") or int(row[ADMIN]) & MAINTENANCE:
            continue
        found.setdefault(row[BACKEND], {})[f"{row[ADDRESS]}:{row[PORT]}"] = int(row[WEIGHT])
    return found


def judge_nginx(reply: str | None) -> dict[str, dict[str, int]] | None:
    """The file as a whole stands for its members: its hash as a number."""
    if reply is None:
        return None
    digest = hashlib.sha256(reply.encode()).digest()
    return {"pools.conf": {"sha256": int.from_bytes(digest[:6], "big")}}
