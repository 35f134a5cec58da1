"""What hosts do: our roles, and those that a daemon from outside brings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# Frozen: a new role appends. 15 is reserved, the anchors live in it.
ROLE_NUMBER = {
    "router": 0,
    "dns": 1,
    "director": 2,
    "proxy": 3,
    "cache": 4,
    "backend": 5,
    "registry": 6,
    "monitor": 7,
    "store": 8,
}

LAST = 14  # of the numbers: an octet is 16 x number + the group's id, and 15 is the anchors'


@dataclass(frozen=True, slots=True)
class Roles:
    """numbers: of each role, from which the octet of its networks comes; frozen.  working: those that a host may have."""

    numbers: Mapping[str, int]
    working: tuple[str, ...]

    def also(self, more: Mapping[str, int]) -> Roles:
        """With those of others. Raises ValueError for a name or a number that is taken, and for one that no octet has."""
        taken = {number: name for name, number in self.numbers.items()}
        for name, number in more.items():
            if name in self.numbers:
                raise ValueError(f"there is a role `{name}` already")
            if number in taken:
                raise ValueError(f"the role `{name}` has the number {number}, which is `{taken[number]}`'s")
            if not 0 <= number <= LAST:
                raise ValueError(f"the role `{name}` has the number {number}: at most {LAST}")
            taken[number] = name
        return Roles({**self.numbers, **more}, (*self.working, *more))


# Grows with the roles that something real honours.
OURS = Roles(ROLE_NUMBER, ("router", "dns", "proxy", "backend", "registry", "store"))


def roles_of(context: Any) -> Roles:
    """Of a validation: what its context says, ours where it says nothing."""
    found = context.get("roles") if isinstance(context, dict) else None
    return found if isinstance(found, Roles) else OURS
