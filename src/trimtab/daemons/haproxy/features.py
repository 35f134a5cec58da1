"""HAProxy by platform: what its version can do that another cannot. Each word was tried on the version itself
(tests/daemons/test_features_real.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from trimtab.daemons.platforms import by_platform
from trimtab.estate.platform import Platform


@dataclass(frozen=True, slots=True)
class Features:
    """version: the branch, as `haproxy -v` says it.
    dynamic_cookie: a server that is added at run time gets its cookie (dynamic-cookie-key), so a sticky pool grows beyond
        its slots without a reload; without it the member is served without stickiness.
    dynamic_tcp_ut: `add server` takes `tcp-ut`. No version does so far.
    conn_name: a server takes `pool-conn-name`, by which idle connections are told apart.
    counts_fresh: a request whose connection to the member was new is answered 502 when that ends without an answer. Without
        it that depends on the client's connection, and a client is left to repeat what may have been done.
    ocsp_update: HAProxy asks the certificate's OCSP responder by itself (crt-list option `ocsp-update on`).
    client_hs: `timeout client-hs` bounds a TLS handshake by itself; without it `timeout client` does.
    """

    version: str
    dynamic_cookie: bool
    dynamic_tcp_ut: bool
    conn_name: bool
    counts_fresh: bool
    ocsp_update: bool
    client_hs: bool


BY_PLATFORM: Mapping[Platform, Features] = {
    "debian-12": Features(
        "2.6",
        dynamic_cookie=False,
        dynamic_tcp_ut=False,
        conn_name=False,
        counts_fresh=False,
        ocsp_update=False,
        client_hs=False,
    ),
    "debian-13": Features(
        "3.0",
        dynamic_cookie=True,
        dynamic_tcp_ut=False,
        conn_name=True,
        counts_fresh=True,
        ocsp_update=True,
        client_hs=True,
    ),
}

features = by_platform(BY_PLATFORM)
