"""What members are told of the client, by both engines. The proxies are the edge: what a client says of itself in these
headers is a claim that nobody has checked, so it is dropped, and the proxy says what it knows.

Sources: RFC 7239 (Forwarded); HAProxy 2.6 Configuration Manual, 4.2 (http-request del-header, its names are in small
letters); ngx_http_proxy_module (proxy_set_header: an empty value passes no header on).
"""

from __future__ import annotations

# The proxy's own word: X-Forwarded-For and X-Real-IP (the client's address), X-Forwarded-Proto (https), X-Forwarded-Host
# (the name asked for, without a port) and X-Forwarded-Port (443).
PORT = 443
# Others of which applications and their libraries believe that a proxy wrote them.
DROPPED = (
    "Forwarded",
    "True-Client-IP",
    "X-Client-IP",
    "X-Cluster-Client-IP",
    "X-Original-Forwarded-For",
)
# HAProxy drops whole families. `X_Forwarded_For` is `X-Forwarded-For` to a CGI-like application; nginx drops every name
# with `_` by itself.
FAMILIES = ("x-forwarded", "x_")
# nginx has no way to drop a family: the ones that are in use.
OF_THE_FAMILY = (
    "X-Forwarded",
    "X-Forwarded-By",
    "X-Forwarded-Client-Cert",
    "X-Forwarded-Email",
    "X-Forwarded-Groups",
    "X-Forwarded-Path",
    "X-Forwarded-Prefix",
    "X-Forwarded-Protocol",
    "X-Forwarded-Scheme",
    "X-Forwarded-Server",
    "X-Forwarded-Ssl",
    "X-Forwarded-Uri",
    "X-Forwarded-User",
)


def haproxy() -> list[str]:
    """Lines of a public frontend, after txn.host is known."""
    return [
        *(f"http-request del-header {family} -m beg" for family in FAMILIES),
        *(f"http-request del-header {name.lower()}" for name in DROPPED),
        "option forwardfor",
        "http-request set-header X-Real-IP %[src]",
        "http-request set-header X-Forwarded-Proto https",
        "http-request set-header X-Forwarded-Host %[var(txn.host)]",
        f"http-request set-header X-Forwarded-Port {PORT}",
    ]


def nginx() -> list[str]:
    """Directives of the `http` block."""
    return [
        "proxy_set_header X-Forwarded-For $remote_addr;",
        "proxy_set_header X-Real-IP $remote_addr;",
        "proxy_set_header X-Forwarded-Proto $scheme;",
        "proxy_set_header X-Forwarded-Host $host;",
        f"proxy_set_header X-Forwarded-Port {PORT};",
        *(f'proxy_set_header {name} "";' for name in (*DROPPED, *OF_THE_FAMILY)),
    ]
