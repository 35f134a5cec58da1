"""Routes with their attributes, as `show route … all` of BIRD 2 tells them: path and communities. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from trimtab.daemons.bird.wire import NO_ROUTE, ROUTE, ROUTE_ATTRIBUTE, Line, Reply, accepted
from trimtab.errors import InvalidResponse

Large = tuple[int, int, int]

_ROUTE = re.compile(r"(\S*) +(\w+) \[(\S+) ([^\]]*)\]( [*!])?", re.ASCII)
_VIA = re.compile(r"\s*via (\S+) on", re.ASCII)
_PATH, _COMMUNITY, _LARGE = "BGP.as_path:", "BGP.community:", "BGP.large_community:"
_NEXT_HOP, _PREF, _MED = "BGP.next_hop:", "BGP.local_pref:", "BGP.med:"


@dataclass(frozen=True, slots=True)
class Seen:
    """path: as BIRD writes it, the origin last.  best: the table's choice.  since: as BIRD says it.  next_hop: as BGP told it,
    else the way that it takes; "" for neither.
    """

    prefix: str
    protocol: str
    kind: str
    best: bool
    path: str = ""
    communities: tuple[str, ...] = ()
    large: frozenset[Large] = frozenset()
    since: str = ""
    next_hop: str = ""
    local_pref: int | None = None
    med: int | None = None

    @property
    def origin(self) -> int:
        """0: its own, or a set of which nobody is the origin."""
        last = self.path.split()[-1:]
        return int(last[0]) if last and last[0].isdecimal() else 0

    def reason(self, own: int, mark: int) -> int:
        """The third part of the community own:mark:REASON; 0 without one."""
        return next((each[2] for each in sorted(self.large) if each[:2] == (own, mark)), 0)


def seen(reply: Reply) -> tuple[Seen, ...]:
    """In BIRD's order. Raises InvalidResponse, Refused, Conflict."""
    if reply.code == NO_ROUTE:
        return ()
    return tuple(_routes(accepted(reply).lines))


def _routes(lines: tuple[Line, ...]) -> Iterator[Seen]:
    """Each route begins with a line of its own; attributes follow, each maybe over several lines."""
    begun: re.Match[str] | None = None
    prefix, told = "", dict[str, str]()
    for line in lines:
        if line.code == ROUTE and line.text.strip() and not line.text.startswith(("\t", "Table ")):
            if begun is not None:
                yield _seen(begun, prefix, told)
            begun, told = _ROUTE.match(line.text), {}
            if begun is None or not (begun[1] or prefix):
                raise InvalidResponse(f"not a route of BIRD's: {ascii(line.text)[:100]}")
            prefix = begun[1] or prefix
        elif line.code == ROUTE_ATTRIBUTE:
            _attribute(line.text, told)
        elif via := _VIA.match(line.text):
            told.setdefault("via", via[1])
    if begun is not None:
        yield _seen(begun, prefix, told)


def _attribute(text: str, told: dict[str, str]) -> None:
    if text.startswith("\t\t") and told:  # goes on
        last = next(reversed(told))
        told[last] += f" {text.strip()}"
        return
    name, _, value = text.strip().partition(" ")
    told[name] = value


def _seen(begun: re.Match[str], prefix: str, told: dict[str, str]) -> Seen:
    pairs = re.findall(r"\((\d+),(\d+)\)", told.get(_COMMUNITY, ""))
    large = re.findall(r"\((\d+), (\d+), (\d+)\)", told.get(_LARGE, ""))
    return Seen(
        prefix,
        begun[3],
        begun[2],
        begun[5] == " *",
        " ".join(told.get(_PATH, "").split()),
        tuple(f"{high}:{low}" for high, low in pairs),
        frozenset((int(a), int(b), int(c)) for a, b, c in large),
        begun[4].partition(" from ")[0],
        (told.get(_NEXT_HOP, "").split() or [told.get("via", "")])[0],
        _number(told.get(_PREF)),
        _number(told.get(_MED)),
    )


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isdecimal() else None
