"""Which proxy of a site holds its VIPs right now: ask each of them, then judge."""

from __future__ import annotations

import ipaddress
import subprocess
from collections.abc import Mapping, Sequence
from itertools import pairwise

from trimtab.drills.scene import LabLike, Site
from trimtab.errors import EnvironmentUnable

ASK_SECONDS = 10.0


def find_vip_holder(lab: LabLike, site: Site) -> str:
    """The proxy with all VIPs of the site. Raises EnvironmentUnable when there is not exactly one."""
    return judge_holder(site, {proxy: _ask(lab, proxy) for proxy in site.proxies})


def _ask(lab: LabLike, proxy: str) -> str:
    process = lab.popen(
        proxy, ["ip", "-o", "addr"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    with process:
        try:
            return str(process.communicate(timeout=ASK_SECONDS)[0])
        finally:
            process.kill()


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
    wanted = {str(ipaddress.ip_address(vip)) for vip in site.vips}
    held = {proxy: wanted & addresses(reply) for proxy, reply in replies.items()}
    holders = [proxy for proxy, vips in held.items() if vips]
    if len(holders) == 1 and held[holders[0]] == wanted:
        return holders[0]
    raise EnvironmentUnable(
        f"which proxy of {site.name} holds its VIPs is not clear: {_say(held)}",
        "wait until VRRP has settled: trimtab lab status",
    )


def _say(held: Mapping[str, Sequence[str] | set[str]]) -> str:
    return "; ".join(f"{proxy} has {', '.join(sorted(vips)) or 'none'}" for proxy, vips in held.items())
