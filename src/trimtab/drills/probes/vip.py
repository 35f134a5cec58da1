"""Which proxy of a site holds its VIPs right now: ask each of them, then judge."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from trimtab.drills.node_exec import ask_if_there
from trimtab.drills.scene import LabLike, Scene, Site
from trimtab.errors import EnvironmentUnable


def find_vip_holder(lab: LabLike, site: Site) -> str:
    """The proxy with all VIPs of the site. Raises EnvironmentUnable when there is not exactly one."""
    return judge_holder(site, _replies(lab, site))


def look(lab: LabLike, scene: Scene, site: str) -> dict[str, Any]:
    """{"holder": the proxy, or None where none or several hold VIPs; "held": VIPs by proxy}."""
    place = scene.site(site)
    held = {proxy: sorted(vips) for proxy, vips in _held(place, _replies(lab, place)).items()}
    holders = [proxy for proxy, vips in held.items() if vips]
    return {"holder": holders[0] if len(holders) == 1 else None, "held": held}


def _replies(lab: LabLike, site: Site) -> dict[str, str]:
    return {proxy: ask_if_there(lab, proxy, ["ip", "-o", "addr"]) or "" for proxy in site.proxies}


def addresses(reply: str) -> set[str]:
    """The addresses in a reply of `ip -o addr`, in canonical form."""
    found = set()
    for line in reply.splitlines():
        for family, value in pairwise(line.split()):
            if family in ("inet", "inet6"):
                found.add(str(ipaddress.ip_interface(value).ip))
    return found


def judge_holder(site: Site, replies: Mapping[str, str]) -> str:
    """The one proxy whose reply has every VIP. Raises EnvironmentUnable otherwise."""
    wanted = _wanted(site)
    held = _held(site, replies)
    holders = [proxy for proxy, vips in held.items() if vips]
    if len(holders) == 1 and held[holders[0]] == wanted:
        return holders[0]
    raise EnvironmentUnable(
        f"which proxy of {site.name} holds its VIPs is not clear: {_say(held)}",
        "wait until VRRP has settled: trimtab lab status",
    )


def _wanted(site: Site) -> set[str]:
    return {str(ipaddress.ip_address(vip)) for vip in site.vips}


def _held(site: Site, replies: Mapping[str, str]) -> dict[str, set[str]]:
    wanted = _wanted(site)
    return {proxy: wanted & addresses(reply) for proxy, reply in replies.items()}


def _say(held: Mapping[str, Sequence[str] | set[str]]) -> str:
    return "; ".join(f"{proxy} has {', '.join(sorted(vips)) or 'none'}" for proxy, vips in held.items())
