"""HAProxy: the way to another site's members (daemons/across.py) and the door for the other sites' proxies.

Both ends show the certificate of their host and want one of the estate's CA. Sources: HAProxy 2.6 Configuration Manual,
3.1 (ssl-load-extra-del-ext), 4.2 (http-request return, http-request set-src, timeout check), 5.1 (verify), 5.2 (backup,
check-sni, sni, tcp-ut, verifyhost), 7.3.1 (nbsrv).
"""

from __future__ import annotations

from typing import Any

from trimtab.daemons import across, pki
from trimtab.daemons.haproxy import once as haproxy_once
from trimtab.daemons.haproxy.features import Features, features
from trimtab.daemons.haproxy.server import check_options
from trimtab.daemons.pools import endpoint
from trimtab.daemons.template import fill, milliseconds
from trimtab.estate.addressing import PORTS
from trimtab.estate.inventory import Host, Inventory
from trimtab.estate.pool import Pool

PORT = PORTS["across"]
TLS = f"ssl crt {pki.CERTIFICATE} ca-file {pki.CA} verify required"
# A connection with TLS 1.3 takes two round trips before it can be used, and so do a segment that is lost and sent again
# and a member that is asked after another one was silent.
ROUND_TRIPS = 2
# So many more failed checks end a server than one of the next site farther away. Where checks lie everywhere at once
# each site is found to be unhealthy some time after one's own members, the farther the later, and a new connection to a far one
# takes its round trip three times. As the nearer site outlasts the farther ones (by its own panic it still serves), none
# of them is asked, and what is left then is one's own panic. Whoever cannot be reached is left after two failed
# connections, however near.
OUTLASTS = 4
# Who only stands by is asked less often than one's own members: each check is a handshake with certificates on both sides,
# and all proxies ask for all pools. Once a check has failed the next ones come as `_servers` says. At most OUTLASTS, or a
# farther site could be found unhealthy after the nearer one.
STANDS_BY = 4


def render(inventory: Inventory, host: Host, places: int) -> str:
    """The part of haproxy.cfg for this host; empty where its site has to do with no other. places: for other sites."""
    able = features(host.platform)
    ways = [
        _way(inventory, name, pool, near, able)
        for name, pool in across.wanted(inventory)
        if (near := across.asked(inventory, pool, host.site))
    ]
    answered = across.answered(inventory, host.site)
    if not ways and not answered:
        return ""
    return fill(
        "haproxy/across.cfg.j2",
        address=endpoint(host.v4, PORT),
        tls=TLS,
        places=places,
        answered=answered,
        ways=ways,
        safe=haproxy_once.SAFE,
    )


def servers(inventory: Inventory, site: str) -> int:
    """How many servers of other sites a proxy of `site` checks."""
    asked = (across.asked(inventory, pool, site) for _, pool in across.wanted(inventory))
    return sum(len(inventory.front(other)) for near in asked for _, other in near)


def _way(
    inventory: Inventory, name: str, pool: Pool, near: list[tuple[float, str]], able: Features
) -> dict[str, Any]:
    """The backend that stands for the other sites. Its time-outs are the pool's and what the longest path adds."""
    far = ROUND_TRIPS * max(rtt for rtt, _ in near)
    connect = inventory.estate.tiers.proxy.timeouts.connect + far
    # a check that has not connected by the next one has failed
    check = pool.check.model_copy(update={"every": STANDS_BY * pool.check.every + far})
    return {
        "name": name,
        "host": inventory.estate.zone,
        "connect": milliseconds(connect),
        "check": milliseconds(pool.check.timeout + far),
        "retries": pool.retries,
        "answer": milliseconds(pool.answer + far) if pool.answer else None,
        "defaults": f"{check_options(check)} {TLS}",
        "servers": _servers(inventory, near, pool.check.every + far, check.fall, pool.unacked, able),
    }


def _servers(
    inventory: Inventory,
    near: list[tuple[float, str]],
    every: float,
    fall: int,
    unacked: float,
    able: Features,
) -> list[dict[str, Any]]:
    """The nearest site's proxies as equals, then those of the others, each only when all before it are down.

    every: seconds between the checks of a site that is to outlast others.  unacked: how long what was sent may be unread;
    bodies and reads share these connections, and a read is asked anew by `answer`.
    """
    found = list[dict[str, Any]]()
    # where `sni` is the only name, a used connection may be taken: the second stage answers for it all the same
    fresh = f" {haproxy_once.fresh(able)}" if able.conn_name else ""
    for place, (rtt, site) in enumerate(near):
        farther = len(near) - 1 - place
        for proxy in inventory.front(site):
            options = f"weight 100 tcp-ut {milliseconds(unacked + ROUND_TRIPS * rtt)}"
            options += f" sni str({proxy.name}) check-sni {proxy.name} verifyhost {proxy.name}{fresh}"
            options += f" fastinter {milliseconds(every)} fall {fall + OUTLASTS * farther}" if farther else ""
            options += " backup" if place else ""
            found.append(
                {
                    "name": proxy.name,
                    "address": endpoint(proxy.v4, PORT),
                    "id": len(found) + 1,
                    "options": options,
                }
            )
    return found
