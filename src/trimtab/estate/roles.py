"""What hosts do: roles, ours and those that a daemon from outside brings, and the duties that each has.

Who holds the VIPs, who is a network's gateway, who may be a member of a pool: it is asked by duty, never by a role's name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

# gateway: it has the networks' gateways and speaks with upstreams.  vips: it holds the site's addresses and serves them.
# members: it may be in pools.  registry, store: it keeps the site's registry, or an application's data.  dns: it answers names.
Duty = Literal["gateway", "vips", "members", "registry", "store", "dns"]
LAST = 14  # of the numbers: an octet is 16 x number + the group's id, and 15 is the anchors'


@dataclass(frozen=True, slots=True)
class Role:
    """number: frozen; the octet of its networks comes from it.  works: whether something honours it yet."""

    number: int
    duties: frozenset[Duty] = frozenset()
    works: bool = True


def _role(number: int, *duties: Duty, works: bool = True) -> Role:
    return Role(number, frozenset(duties), works)


@dataclass(frozen=True)
class Roles:
    """By name."""

    known: Mapping[str, Role]

    @cached_property
    def working(self) -> tuple[str, ...]:
        """Those that a host may have."""
        return tuple(name for name, role in self.known.items() if role.works)

    def duties(self, names: Iterable[str]) -> frozenset[Duty]:
        """All that hosts with these roles have."""
        return frozenset().union(*(self.known[name].duties for name in names if name in self.known))

    def also(self, more: Mapping[str, Role]) -> Roles:
        """With those of others. Raises ValueError for a name or a number that is taken, and for one that no octet has."""
        taken = {role.number: name for name, role in self.known.items()}
        for name, role in more.items():
            if name in self.known:
                raise ValueError(f"there is a role `{name}` already")
            if role.number in taken:
                raise ValueError(
                    f"the role `{name}` has the number {role.number}, which is `{taken[role.number]}`'s"
                )
            if not 0 <= role.number <= LAST:
                raise ValueError(f"the role `{name}` has the number {role.number}: at most {LAST}")
            taken[role.number] = name
        return Roles({**self.known, **more})


# A new role appends, with the next number; packages count down from LAST. A new duty is a word of Duty.
OURS = Roles(
    {
        "router": _role(0, "gateway"),
        "dns": _role(1, "dns"),
        "director": _role(2, works=False),
        "proxy": _role(3, "vips"),
        "cache": _role(4, works=False),
        "backend": _role(5, "members"),
        "registry": _role(6, "registry"),
        "monitor": _role(7, works=False),
        "store": _role(8, "store"),
    }
)


def roles_of(context: Any) -> Roles:
    """Of a validation: what its context says, ours where it says nothing."""
    found = context.get("roles") if isinstance(context, dict) else None
    return found if isinstance(found, Roles) else OURS
