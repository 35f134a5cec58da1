"""A BGP session without a password."""

from __future__ import annotations

from collections.abc import Iterator

from trimtab.checks.finding import Hit, Severity
from trimtab.checks.subject import Subject

NAME = "session-without-password"
SEVERITY = Severity.WARNING
TITLE = "a BGP session without a password"
WHY = (
    "Whoever reaches the network between the two routers can end the session by a forged TCP reset, or "
    "take the peer's address while it is away. On an exchange that is every member."
)
SOURCE = "RFC 7454, 5.1 (protection of TCP sessions); RFC 2385"
BAD = """\
sites:
  one:
    upstreams:
      isp-a: {asn: 64500, peer: [198.51.100.1]}
"""
GOOD = """\
sites:
  one:
    upstreams:
      isp-a: {asn: 64500, peer: [198.51.100.1], password: env:BGP_ONE_A}
"""
FIX = "Agree on one and write `password: env:NAME`."


def find(subject: Subject) -> Iterator[Hit]:
    for site, declared in subject.estate.sites.items():
        for name, upstream in declared.upstreams.items():
            if upstream.password is None:
                yield Hit(
                    ("sites", site, "upstreams", name),
                    f"{site}'s session to {name}, AS{upstream.asn}, has no password",
                    "agree on one and write `password: env:NAME`",
                )
