"""DNS weights on a name that BGP steers."""

from __future__ import annotations

from collections.abc import Iterator

from trimtab.checks.finding import Hit, Severity
from trimtab.checks.subject import Subject
from trimtab.estate.fault import Loc
from trimtab.estate.steering import Steering

NAME = "weights-on-anycast"
SEVERITY = Severity.ERROR
TITLE = "DNS weights on a name that BGP steers"
WHY = (
    "An anycast name has one address in every site. Whatever DNS answers, it answers the same, and BGP "
    "picks the site: a weight of 10 % there moves nobody."
)
SOURCE = "RFC 4786 (the routing system chooses the node)"
BAD = """\
services:
  api:
    names: [api.base.example]
    address: anycast
    tls: {hsts: 1y}
    steering: {policy: weight, weights: {one: 90, two: 10}}
    routes: [{pool: api}]
"""
GOOD = """\
services:
  api:
    names: [api.base.example]
    address: site
    tls: {hsts: 1y}
    steering: {policy: weight, weights: {one: 90, two: 10}}
    routes: [{pool: api}]
"""
FIX = "Write `address: site` where shares are wanted, or drop the weights."


def find(subject: Subject) -> Iterator[Hit]:
    services = subject.estate.services
    for name, service in services.items():
        if subject.inventory.is_anycast(service) and service.steering is not None:
            yield _hit(("services", name, "steering"), name, service.steering)
    edge = subject.estate.edge.steering
    if (
        edge is not None
        and edge.weights
        and services
        and all(subject.inventory.is_anycast(s) for s in services.values())
    ):
        yield _hit(("edge", "steering", "weights"), "every service", edge)


def _hit(loc: Loc, whose: str, steering: Steering) -> Hit:
    return Hit(
        loc,
        f"{whose} has one address in every site and BGP picks the site: the policy `{steering.policy}` moves nobody",
        "write `address: site`, or leave the steering out",
    )
