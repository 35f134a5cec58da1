"""How many connections a site's proxies have: what a drain moves is counted, not guessed."""

from __future__ import annotations

import asyncio
import re
import urllib.request

from trimtab.estate.addressing import PORTS
from trimtab.estate.inventory import Inventory

LIMIT_S = 2.0  # agents come last where a host is busy
MAX_BYTES = 4 * 2**20
_COUNT = re.compile(rb"^trimtab_proxy_connections ([0-9.e+-]+)$", re.MULTILINE)


async def connections(inventory: Inventory, site: str) -> int | None:
    """Of all proxies together, as their agents tell; None where one does not."""
    asked = [asyncio.to_thread(_of, host.v4) for host in inventory.front(site)]
    found = await asyncio.gather(*asked)
    known = [each for each in found if each is not None]
    return sum(known) if known and len(known) == len(found) else None


def _of(address: str) -> int | None:
    url = f"http://{address}:{PORTS['agent-metrics']}/metrics"
    try:
        with urllib.request.urlopen(url, timeout=LIMIT_S) as reply:
            return read(reply.read(MAX_BYTES))
    except OSError:
        return None


def read(metrics: bytes) -> int | None:
    """Of a page of metrics; None where nobody knows."""
    found = _COUNT.search(metrics)
    count = float(found[1]) if found else -1.0
    return int(count) if count >= 0 else None


def line(site: str, before: int | None, after: int | None) -> str:
    """What has moved."""
    if before is None or after is None:
        return (
            f"how many connections {site} had, or has left, is not known: the agent of a proxy does not tell on port "
            f"{PORTS['agent-metrics']}, or not within {LIMIT_S:g} s"
        )
    return f"{before} connections before, {after} left: {max(0, before - after)} moved or ended"
