"""How large, how often, how long: everything that is chosen before a sitting, and where its addresses are."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

PORT = 9000  # of every endpoint
ENDPOINTS = "10.99.0.0/16"  # all local to the namespace
SITE = "10.98.0.0/16"  # the hosts of the estate: its private network is 10.0.0.0/8 and its site has the id 98
BEYOND = 2  # members of a pool whose numbers are above its slots, for dynamic servers
FRESH = 200  # third octet: from here on addresses that only one sample has
TEMPLATE, RELOAD, OURS = "server-template", "reload", "ours"
PARTS = (TEMPLATE, RELOAD, "served", "far", "rest", "churn")


@dataclass(frozen=True, slots=True)
class Plan:
    """One sitting. parts: of PARTS, what is measured. registry: the engine that members register in.

    samples, beyond, peer_samples, far_samples: registrations that are timed, into places in store and beyond them, with
    each peer, and from each other site.  far_ms: round trips to those.  rest_s: of looking at an agent at rest.  resyncs:
    asked for by signal.  churn_s, changes, requests: seconds, changes a second, requests a second to each proxy.
    batch: changes in one transaction.
    """

    parts: tuple[str, ...] = PARTS
    registry: str = "etcd"
    pools: int = 1000
    members: int = 10
    slots: int = 12
    samples: int = 150
    beyond: int = 30
    peer_samples: int = 30
    far_samples: int = 20
    far_ms: tuple[float, ...] = (35.0, 150.0)
    rest_s: float = 30.0
    resyncs: int = 5
    churn_s: float = 30.0
    changes: int = 1000
    batch: int = 10
    requests: int = 200

    @property
    def together(self) -> int:
        """Registrations in one transaction of `seeds`: Consul takes 64 steps, and each of these has three."""
        return 60 if self.registry == "etcd" else 20

    @property
    def endpoints(self) -> int:
        return self.pools * self.members

    def address(self, pool: int, number: int) -> str:
        """Of the member with this number of the pool with this index."""
        width = self.slots + BEYOND
        each = 250 // width
        return f"10.99.{pool // each}.{pool % each * width + number}"

    def dump(self) -> str:
        return json.dumps(asdict(self))


def load(text: str) -> Plan:
    found: dict[str, Any] = json.loads(text)
    values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in found.items()}
    return Plan(**values)


def name(pool: int) -> str:
    return f"p{pool:04}"


def fresh_addresses() -> Iterator[str]:
    """Addresses that nobody has had, so that an answer from one can only be of the sample that registered it."""
    for third in range(FRESH, 256):
        for fourth in range(1, 251):
            yield f"10.99.{third}.{fourth}"
