"""nginx: the ways to pass a request on to a pool.

Sources: ngx_http_proxy_module (proxy_next_upstream, proxy_request_buffering, proxy_read_timeout), ngx_http_core_module
(error_page takes 300 to 599, recursive_error_pages), ngx_http_upstream_module ($upstream_addr).

A request is kept until a member takes it (read, small, once) or passed on while it comes in (stream, blind, tunnel). nginx can
lead the first kind to a second location after the first has failed; of the second kind it would send only what had come in until
then. So those ask all members from the beginning, and nginx goes on to the next one as long as nothing was sent.

By itself nginx repeats all but POST, PATCH and LOCK after a member has had them. Of what else may change something (once) it
passes nothing on, and what could not be sent at all goes to a second location. Where that is not possible (blind: of unknown
length, or it may have come in as a whole) one member is asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from trimtab.daemons.template import milliseconds
from trimtab.estate.inventory import Inventory
from trimtab.estate.pool import Pool

# Of those that are kept: which failures may lead elsewhere, and what has to be true of them.
KEPT = {"read": (502,), "small": (502,), "once": (502, 504)}
GUARD = {"read": "nobody", "small": "nobody", "once": "unsent"}
REPEATS = ("read", "small", "stream", "tunnel")
WAYS = (*KEPT, "stream", "blind", "tunnel")
# The upstream of a pool that leaves nobody out.
PANIC = "--panic"
# Codes of our own that only ever jump to a named location: those that neither nginx (444, 494 to 499) nor HTTP makes use of.
CODES = (*range(432, 444), *range(445, 451), *range(452, 494), *range(520, 599), *range(320, 400))


def locations(inventory: Inventory, service: str, var: str, pools: Sequence[str]) -> list[dict[str, Any]]:
    """One for each way of each kind of pool: what differs between pools is how often and for how long members are asked.
    code: what leads there; None: only the failure of the one before, when nobody was left to ask.
    """
    kinds: dict[tuple[int, float | None], list[str]] = {}
    for name in pools:
        pool = inventory.estate.pools[name]
        kinds.setdefault((pool.retries, pool.answer), []).append(name)
    found = list[dict[str, Any]]()
    codes = iter(CODES)
    for number, names in enumerate(kinds.values()):
        pool = inventory.estate.pools[names[0]]
        for way in WAYS:
            name, tried = f"{way}{number}", _tried(inventory, way, pool)
            led = {"name": name, "way": way, "pools": names, "code": next(codes), **tried}
            found.append({**led, "lines": [*tried["lines"], *_passes(service, var, way, name)]})
            for failure in KEPT.get(way, ()):
                # `retries: 0`: who cannot be reached is the only one who is asked
                word = GUARD[way] if pool.retries else "nobody"
                guard = f"if ($trimtab_{word} = 0) {{ return {failure}; }}"
                lines = [guard, *tried["lines"], _to(var, PANIC)]
                found.append({**tried, "name": f"{name}_{failure}", "code": None, "lines": lines})
    return found


def _tried(inventory: Inventory, way: str, pool: Pool) -> dict[str, Any]:
    return {
        "next": "error timeout" if pool.retries and way in REPEATS else "off",
        "tries": pool.retries + 1,
        "lines": _times(inventory, way, pool),
    }


def _times(inventory: Inventory, way: str, pool: Pool) -> list[str]:
    """Who has been silent for `server` is not asked of another one, as in HAProxy; for `answer` he is."""
    times = inventory.estate.tiers.proxy.timeouts
    if way == "read" and pool.answer:
        return [f"proxy_read_timeout {milliseconds(pool.answer)};"]
    if way == "tunnel":
        return [
            f"proxy_read_timeout {milliseconds(times.tunnel)};",
            f"proxy_send_timeout {milliseconds(times.tunnel)};",
        ]
    return [f"proxy_next_upstream_timeout {milliseconds(times.server)};"]


def _passes(service: str, var: str, way: str, name: str) -> list[str]:
    if way in KEPT:
        return [*(f"error_page {each} = @{service}_{name}_{each};" for each in KEPT[way]), _to(var)]
    return ["proxy_request_buffering off;", _to(var, PANIC)]


def _to(var: str, ending: str = "") -> str:
    return f"proxy_pass http://${var}_target{ending};"
