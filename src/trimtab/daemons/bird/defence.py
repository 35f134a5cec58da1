"""What BIRD is told of route origin validation, and the marks by which a refused route says why it was.

Sources: RFC 6811 (origin validation), RFC 8210 (RTR), draft-ietf-sidrops-aspa-verification and -8210bis (paths), the BIRD 2.0
User's Guide, 6.13 (RPKI) and 5 (`import keep filtered`).
A route that an import filter rejects is kept aside (`show route filtered`), with a large community of our own: ASN:2:REASON.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from trimtab.estate.inventory import Inventory
from trimtab.estate.peering import sessions

Reason = Literal[
    "path", "lan", "ours", "bogon", "length", "invalid", "not-taken", "leak", "not-listed", "aspa"
]
# path: AS numbers that nobody has, or too many.  lan: a network that we stand in.  ours: our prefix from somebody else, or a part
# of one.  not-taken: a default route where none is wanted.  leak: by a transit network, from somebody who is none.  not-listed:
# outside `only`.  aspa: an ASPA speaks against its path.
REASONS: Mapping[Reason, int] = {
    "path": 1, "lan": 2, "ours": 3, "bogon": 4, "length": 5, "invalid": 6, "not-taken": 7, "leak": 8, "not-listed": 9,
    "aspa": 10,
}  # fmt: skip
REFUSED = 2  # the second part of the community; 1 says where a route was learnt
RETRY_S, REFRESH_S = 5, 300


def rpki(inventory: Inventory, site: str) -> dict[str, Any] | None:
    """None: nothing is judged by ROAs. mark: invalid routes are taken, with the mark that they are."""
    stated = inventory.estate.edge.rpki
    if stated is None or not stated.validators or not list(sessions(inventory, site)):
        return None
    return {
        "validators": [{"address": each.address, "port": each.port} for each in stated.validators],
        "retry": RETRY_S,
        "refresh": min(REFRESH_S, int(stated.expire) // 2),
        "expire": int(stated.expire),
        "mark": not stated.refuses,
        "aspa": stated.aspa,
    }
