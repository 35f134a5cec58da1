"""What a split is called: by its pools, so that routes may come and go around it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator

from trimtab.estate.inventory import Inventory
from trimtab.estate.service import Route

# In the registry's records, in HAProxy's maps and in file names of the daemons. Names that fit stay what they always
# were, so that what an operator has said of them holds.
MOST = 120


def split_name(pools: Iterable[str]) -> str:
    """`web+web-next`, unique in a service: two routes between the same pools are one split. Of many pools with long names
    it is the first one, how many there are besides, and a hash: no pool's name begins with a digit.
    """
    names = sorted(pools)
    whole = "+".join(names)
    if len(whole) <= MOST:
        return whole
    return f"{names[0]}+{len(names) - 1}-more+0{hashlib.sha256(whole.encode()).hexdigest()[:16]}"


def splits(inventory: Inventory) -> Iterator[tuple[str, str, Route]]:
    """(service, split's name, route) of every split."""
    for service, declared in sorted(inventory.estate.services.items()):
        for route in declared.routes:
            if route.split:
                yield service, split_name(route.split), route
