"""Backends: how a proxy gets round a dead member, and how soon it stops asking it.

Sources: HAProxy 2.6 Configuration Manual, 4.2 (retries, retry-on, option redispatch, timeout check) and 5.2 (observe,
error-limit, on-error, inter, fastinter); nginx, ngx_http_proxy_module (proxy_next_upstream, proxy_connect_timeout)
and ngx_http_upstream_module (max_fails, fail_timeout).
"""

from __future__ import annotations

from collections.abc import Callable

from trimtab.daemons.across import asked, helped
from trimtab.daemons.pools import servers, used
from trimtab.estate.inventory import Inventory
from trimtab.estate.pool import Pool
from trimtab.estate.quantity import duration_text
from trimtab.timing.client import PATIENCE_S, SERVES_ON
from trimtab.timing.front import RESTART_S
from trimtab.timing.interval import FOR_EVER, NOTHING, UNTIL_REPAIR, Interval
from trimtab.timing.layout import client_delays, engine, furthest_client, serving
from trimtab.timing.parts import Part, Term, after, first_of, one_of

# Two attempts of a loaded pool to reach one of its members begin this close together.
NEXT_ATTEMPT_S = 0.1
# Requests on idle connections to the dead member hang one by one until there is none left.
IDLE_S = 1.0
# A new connection with TLS 1.3 and a request: three round trips.
ROUND_TRIPS = 3
# What another member takes to answer, and a busy machine to let it.
OTHERS_ANSWER_S = 0.1

NEXT_MEMBER = Term("proxy", "a refused connection is tried at the next member at once", NOTHING, "HAProxy 2.6, 4.2; "
                   "nginx, proxy_next_upstream")  # fmt: skip
RETRIED = Term(
    "proxy",
    "a connection that times out is tried at another member in time",
    NOTHING,
    "HAProxy 2.6, 4.2, redispatch; nginx, proxy_next_upstream error timeout",
)
NO_OTHER_MEMBER = Term(
    "repair",
    "the pool has no other member at this site",
    FOR_EVER,
    "the estate: hosts of the pool's group",
    "repair",
)
NOBODY_TO_ASK = Term(
    "repair",
    "the pool has no other site to ask",
    FOR_EVER,
    "the estate: `across`, docs/estate.md",
    "repair",
)
TOO_FAR = Term(
    "client",
    "clients give up before the other site's answer is there",
    FOR_EVER,
    "distance: three round trips of the client and three between the sites",
    "repair",
)
IDLE_COUNTS = Term(
    "proxy",
    "a request on an idle connection to a dead member counts as a success, while there is one",
    Interval(0.0, 0.2),
    "measured: 0.11–0.27 s with the attempts, 130 requests a second to three members",
    "detection",
)
RESTARTED = Term(
    "proxy",
    "the pool has no other member: its supervisor starts it again",
    Interval(RESTART_S, RESTART_S + 1.0),
    "systemd.service(5), RestartSec",
    "repair",
)


def over_pools(inventory: Inventory, build: Callable[[Pool, int], Part]) -> Part:
    """The worst pool of own members, by `build(pool, members)`: which of them loses one is not known."""
    pools = [pool for _, pool in used(inventory) if pool.members is None]
    sizes = [(pool, _size(inventory, pool, site)) for site in serving(inventory) for pool in pools]
    found = dict.fromkeys(build(pool, size) for pool, size in sizes if size)
    return one_of(*found, label="by the pool that loses a member") if found else SERVES_ON


def _size(inventory: Inventory, pool: Pool, site: str) -> int:
    """Members of a pool. How many register themselves the file does not say: at least two are taken for granted."""
    return 2 if pool.discover is not None else len(servers(inventory, pool, site))


def refused(inventory: Inventory, pool: Pool, members: int) -> Part:
    """A killed process: its kernel refuses connections at once. Another site is asked once the last member is out."""
    if members < 2:
        return taken_out(inventory, pool, answer=0.0) if helped(inventory, pool) else RESTARTED
    return NEXT_MEMBER if pool.retries else taken_out(inventory, pool, answer=0.0)


def silent(inventory: Inventory, pool: Pool, members: int, *, repeated: bool = True) -> Part:
    """A dead host: nothing comes back, and an attempt ends by a time-out of the proxy or of the client. repeated: whether
    the request may be asked of another member once it was sent.
    """
    connect = inventory.estate.tiers.proxy.timeouts.connect
    out = taken_out(inventory, pool, answer=connect)
    if members < 2:
        return emptied(inventory, pool) if helped(inventory, pool) else NO_OTHER_MEMBER
    if not pool.retries or not in_time(inventory):
        return out
    return (
        RETRIED
        if _connects_afresh(inventory) or (repeated and _answers_in_time(inventory, pool))
        else one_of(RETRIED, out)
    )


def all_silent(inventory: Inventory, pool: Pool, site: str) -> Part:
    """Every member of the pool at a site is a dead host: what has entered the pool is not asked anywhere else, and fails.
    Another site is asked from the moment at which the last member is out; they are missed at the same time.
    """
    near = asked(inventory, pool, site)
    if not near:
        return NOBODY_TO_ASK
    way = near[0][0] + max((2 * delay for delay in client_delays(inventory).get(site, ())), default=0.0)
    if ROUND_TRIPS * way >= PATIENCE_S:
        return TOO_FAR
    return emptied(inventory, pool)


def emptied(inventory: Inventory, pool: Pool) -> Part:
    """Until the last of the members, which are all dead hosts, is out. One alone is all of them."""
    connect = inventory.estate.tiers.proxy.timeouts.connect
    traffic = after(observed(connect), IDLE_COUNTS)
    return first_of(traffic, checked(inventory, pool, connect), label="HAProxy takes every member out")


def _answers_in_time(inventory: Inventory, pool: Pool) -> bool:
    """What was sent into a dead host is asked of another one, and the client is still there."""
    late = ROUND_TRIPS * furthest_client(inventory) + OTHERS_ANSWER_S
    return pool.answer is not None and pool.answer + late < PATIENCE_S


def _connects_afresh(inventory: Inventory) -> bool:
    """Is there a connection for each request? None is then sent into one that is dead, so none hangs."""
    return not engine(inventory).keeps and not inventory.estate.tiers.proxy.upstream_keepalive


def in_time(inventory: Inventory) -> bool:
    """Is a client still there when its first attempt has timed out and another member answers?"""
    connect = inventory.estate.tiers.proxy.timeouts.connect
    return connect + ROUND_TRIPS * furthest_client(inventory) < PATIENCE_S


def taken_out(inventory: Inventory, pool: Pool, answer: float) -> Part:
    """Until no request is sent to the member any more. answer: seconds after which an attempt is known to fail."""
    if not engine(inventory).checks:
        return passive(inventory, pool, answer)
    return first_of(observed(answer), checked(inventory, pool, answer), label="HAProxy takes the member out")


def observed(answer: float) -> Term:
    return Term(
        "proxy",
        "two attempts of real traffic in a row have failed",
        Interval(answer, answer + NEXT_ATTEMPT_S),
        "HAProxy 2.6, 5.2: observe layer4, error-limit 2, on-error mark-down",
        "detection",
    )


def checked(inventory: Inventory, pool: Pool, answer: float) -> Term:
    """`fall` checks in a row, each with its time-out: the first begins up to `every` after the fault, the others `fast` after
    the one before has ended. Tried with HAProxy 2.6: 0.8–1.7 s with checks each second, then 100 ms, and 150 ms for each.
    """
    check = pool.check
    each = min(answer, check.every)
    span = check.fall * each + (check.fall - 1) * check.fast
    rhythm = f"every {duration_text(check.every)}, then {duration_text(check.fast)}"
    return Term(
        "check",
        f"{check.fall} health checks in a row fail ({rhythm})",
        Interval(span, check.every + span),
        "HAProxy 2.6, 4.2 timeout check: min(timeout connect, inter); 5.2 inter, fastinter, fall",
        "detection",
    )


def passive(inventory: Inventory, pool: Pool, answer: float) -> Term:
    """nginx has no checks of its own: requests that fail are counted, those whose client goes away are not."""
    if answer and not in_time(inventory):
        return Term(
            "proxy",
            f"clients give up before the connection does ({duration_text(answer)}), and nginx counts no failure",
            Interval(0.0, UNTIL_REPAIR),
            "ngx_http_upstream_module, max_fails; a closed client (499) is no failed attempt",
            "detection",
        )
    idle = IDLE_S if inventory.estate.tiers.proxy.upstream_keepalive else 0.0
    return Term(
        "proxy",
        f"{pool.check.fall} attempts of real traffic have failed",
        Interval(answer, answer + NEXT_ATTEMPT_S * pool.check.fall + (idle if answer else 0.0)),
        "ngx_http_upstream_module: max_fails, fail_timeout, keepalive",
        "detection",
    )
