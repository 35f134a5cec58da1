"""DNS weights on a name that BGP steers."""

from __future__ import annotations

from collections.abc import Iterator

from trimtab.checks.finding import Hit, Severity
from trimtab.checks.subject import Subject
from trimtab.estate.fault import Loc

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
    edge = subject.estate.edge.steering
    for name, service in subject.estate.services.items():
        steering = service.steering or edge
        if service.address != "anycast" or steering is None or not (steering.weights or service.steering):
            continue
        own: Loc = ("services", name, "steering") if service.steering else ("edge", "steering", "weights")
        yield Hit(
            own,
            f"{name} has one address in every site and BGP picks the site: the policy `{steering.policy}` moves nobody",
            "write `address: site`, or leave the steering out",
        )
