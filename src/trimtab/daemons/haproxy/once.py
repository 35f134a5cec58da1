"""HAProxy: requests that change something are done once.

When a member ends a connection without an answer, HAProxy may leave it to the client to ask anew: to HTTP/2 it says
REFUSED_STREAM ("nothing was done": RFC 9113, 8.7), a kept HTTP/1.1 connection it closes without a word. Clients then repeat
by themselves, whatever the method. 3.0 does so only if its own connection to the member had been used before; 2.6.12 if the
client's had been, and of HTTP/2 always. So what is not safe (RFC 9110, 9.2.1) has a connection to the member of its own,
and on 2.6 it passes a second stage, in which each request is the first of its connection.

Sources: HAProxy 2.6 Configuration Manual, 4.2 (http-reuse, option httpclose, http-response set-log-level), 5.1
(accept-proxy), 5.2 (send-proxy-v2, sni); of 3.0 5.2 (pool-conn-name).
"""

from __future__ import annotations

from typing import Any

from trimtab.daemons.haproxy.features import Features
from trimtab.daemons.haproxy.words import STAGE as STAGE
from trimtab.daemons.template import milliseconds
from trimtab.estate.tier import ProxyTier

# PUT and DELETE may be repeated by their meaning, but who repeats should be the client that knows what it wants. CONNECT
# makes a tunnel and is nobody's order. A WebSocket begins with a GET, over HTTP/2 too (RFC 8441, as HAProxy passes it on).
SAFE = "{ method GET HEAD OPTIONS TRACE CONNECT }"
NAME = "var(txn.once)"
SHARE = 4  # one connection in so many may be a request in its second stage
LONGER_S = 10  # than the other stage: who waits for a member or a client is told by the stage that sees it


def fresh(able: Features) -> str:
    """The option by which a request with txn.once has a connection of its own: connections are reused by name. 2.6 knows no
    other name than that for TLS, and takes it without TLS too. On each server: 3.0 takes none from default-server.
    """
    return f"pool-conn-name {NAME}" if able.conn_name else f"sni {NAME}"


def places(able: Features, maxconn: int) -> int:
    """How many connections of the second stage there may be beside `maxconn` of clients."""
    return 0 if able.counts_fresh else maxconn // SHARE


def stage(able: Features, proxy: ProxyTier) -> dict[str, Any] | None:
    """What the template of the second stage needs; None where there is none."""
    if able.counts_fresh:
        return None
    return {
        "client": milliseconds(proxy.timeouts.client + LONGER_S),
        "server": milliseconds(proxy.timeouts.server + LONGER_S),
        "places": places(able, proxy.maxconn),
    }
