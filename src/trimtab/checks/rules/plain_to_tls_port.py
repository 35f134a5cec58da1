"""Plain HTTP to a port on which servers speak TLS."""

from __future__ import annotations

from collections.abc import Iterator

from trimtab.checks.finding import Hit, Severity
from trimtab.checks.subject import Subject
from trimtab.estate.fault import Loc
from trimtab.estate.pool import Pool

NAME = "plain-to-tls-port"
SEVERITY = Severity.ERROR
TITLE = "plain HTTP to a port on which servers speak TLS"
WHY = (
    "The proxies end TLS and speak plain HTTP to members, in requests and in checks. A server that waits for a TLS "
    "handshake answers 400 or hangs up: every check fails, or a TCP check passes and every request fails."
)
SOURCE = "RFC 9110, 4.2.2 (443 is the port of https); IANA's registry of ports"
BAD = """\
pools:
  web: {hosts: backend, port: 443, check: {get: /health}}
"""
GOOD = """\
pools:
  web: {hosts: backend, port: 8080, check: {get: /health}}
"""
FIX = "Name the port on which the members answer plain HTTP; accept it with the reason if this one does."

# https, Kubernetes' API, and what is used for https beside them
PORTS = (443, 6443, 8443, 9443)


def find(subject: Subject) -> Iterator[Hit]:
    for name, pool in subject.used_pools():
        for loc, port in ports_of(name, pool):
            if port in PORTS:
                what = pool.check.get or pool.check.head
                checks = f", and so is the check of {what}" if what else ""
                yield Hit(
                    loc,
                    f"requests to {name} are plain HTTP{checks}; servers speak TLS on port {port}",
                    "write the port on which the members answer plain HTTP",
                )


def ports_of(name: str, pool: Pool) -> Iterator[tuple[Loc, int]]:
    """(where, port) of a pool's members."""
    if pool.port is not None:
        yield ("pools", name, "port"), pool.port
    for index, member in enumerate(pool.members or ()):
        yield ("pools", name, "members", index, "port"), member.port


def expects_tls(name: str, pool: Pool) -> bool:
    """Do its members seem to speak TLS?"""
    return any(port in PORTS for _, port in ports_of(name, pool))
