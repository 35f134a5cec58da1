"""What a split is called: by its pools, so that routes may come and go around it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from trimtab.estate.inventory import Inventory
from trimtab.estate.service import Route


def split_name(pools: Iterable[str]) -> str:
    """`web+web-next`, unique in a service: two routes between the same pools are one split."""
    return "+".join(sorted(pools))


def splits(inventory: Inventory) -> Iterator[tuple[str, str, Route]]:
    """(service, split's name, route) of every split."""
    for service, declared in sorted(inventory.estate.services.items()):
        for route in declared.routes:
            if route.split:
                yield service, split_name(route.split), route
