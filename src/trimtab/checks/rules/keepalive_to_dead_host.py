"""nginx keeps connections that it does not notice dying."""

from __future__ import annotations

from collections.abc import Iterator

from trimtab.checks.finding import Hit, Severity
from trimtab.checks.subject import Subject
from trimtab.estate.quantity import duration_text

NAME = "keepalive-to-dead-host"
SEVERITY = Severity.WARNING
TITLE = "nginx keeps connections that it does not notice dying"
WHY = (
    "A host that loses power closes nothing. A request that nginx sends on an idle connection to it waits for "
    "`server`, not for `connect`, and is tried again only then, long after its client has given up. HAProxy "
    "ends such a connection by `tcp-ut`, for which nginx has no counterpart; `answer` has another member asked."
)
SOURCE = (
    "nginx, ngx_http_upstream_module (keepalive), ngx_http_proxy_module (proxy_read_timeout); tcp(7), "
    "TCP_USER_TIMEOUT; seen in the twin's power-cut drill"
)
BAD = """\
tiers:
  proxy: {engine: nginx, upstream_keepalive: 32}
"""
GOOD = """\
tiers:
  proxy: {engine: nginx, upstream_keepalive: 0}
"""
FIX = "Set `upstream_keepalive: 0`: each request then connects anew and `connect` bounds it. Or take HAProxy."


def find(subject: Subject) -> Iterator[Hit]:
    tier = subject.estate.tiers.proxy
    if tier.engine == "nginx" and tier.upstream_keepalive and any(subject.used_pools()):
        answered = all(pool.answer for _, pool in subject.used_pools())
        who = "what is not asked again (a POST)" if answered else "a request"
        yield Hit(
            ("tiers", "proxy", "upstream_keepalive"),
            f"nginx keeps up to {tier.upstream_keepalive} idle connections to each pool: after a power cut {who} on one "
            f"waits {duration_text(tier.timeouts.server)} (`server`), not {duration_text(tier.timeouts.connect)} (`connect`)",
            "set `upstream_keepalive: 0`, or take `engine: haproxy`",
        )
