"""What others have written down of a network: its prefixes as bgpq4 lists them, how many it announces as PeeringDB has it. Pure.

Sources: bgpq4(8) (`-j`, `-A`, `-R`), PeeringDB's API (`/api/net`: `info_prefixes4`, `info_prefixes6`), RFC 7454, 6.1.2 and 8.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Any

from trimtab.estate.base import IPNetwork
from trimtab.estate.fault import Loc
from trimtab.estate.tree import read_tree

LONGEST = {4: 24, 6: 48}  # what no router of ours takes beyond
MOST_LISTED = 50_000
# In the folder of the estate's file or below it: what a review sees.
FILE = re.compile(r"(?!/)(?!.*(?:^|/)\.\.(?:/|$))[A-Za-z0-9_./-]{1,200}\.json")
# (file as it is named in the estate) → its text. Raises ValueError in words.
Beside = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Listed:
    """A prefix that somebody may announce, and what is inside it from `least` to `most` bits."""

    net: IPNetwork
    least: int
    most: int

    def __str__(self) -> str:
        return str(self.net)


@dataclass(frozen=True, slots=True)
class ListFile:
    """name: of a file beside the estate's."""

    name: str
    entries: tuple[Listed, ...]

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class Export:
    """nets: by AS number how many prefixes it says it announces, by family; 0 where it says nothing."""

    name: str
    nets: Mapping[int, Mapping[int, int]]

    def __str__(self) -> str:
        return self.name


def stated(net: IPNetwork) -> Listed:
    """A prefix as an estate has it: with all of its parts that anybody takes."""
    return Listed(net, net.prefixlen, max(LONGEST[net.version], net.prefixlen))


def list_of(name: str, text: str) -> ListFile:
    """Of bgpq4's JSON. Raises ValueError with file and line."""
    found = _json(name, text)
    lists = list(found.items()) if isinstance(found, dict) else []
    if len(lists) != 1 or not isinstance(lists[0][1], list):
        raise ValueError(
            f'{name}:1: no list of prefixes, as `bgpq4 -j` writes it: {{"NN": [{{"prefix": …}}]}}'
        )
    ((key, entries),) = lists
    if not entries:
        raise ValueError(f"{name}:1: lists nothing, so everything would be refused: is the AS-SET right?")
    if len(entries) > MOST_LISTED:
        raise ValueError(
            f"{name}: {len(entries)} prefixes, at most {MOST_LISTED} are possible: `bgpq4 -A` joins them; "
            "who has more is no peer to be listed"
        )
    return ListFile(name, tuple(_listed(each, _at(name, text, (key, n))) for n, each in enumerate(entries)))


def _listed(entry: Any, at: Callable[[], str]) -> Listed:
    try:
        net = ip_network(entry["prefix"])
        exact = entry.get("exact", "greater-equal" not in entry and "less-equal" not in entry)
        least = net.prefixlen if exact else int(entry.get("greater-equal", net.prefixlen))
        most = net.prefixlen if exact else int(entry.get("less-equal", net.max_prefixlen))
        if net.version == 6 and net.network_address.scope_id is not None:
            raise ValueError("a zone")
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError) as error:
        raise ValueError(f"{at()}: no prefix as `bgpq4 -j` writes it: {ascii(entry)[:100]}") from error
    if not net.prefixlen <= least <= most <= net.max_prefixlen:
        raise ValueError(f"{at()}: {net} from /{least} to /{most} cannot be")
    if most > LONGEST[net.version]:
        longest = LONGEST[net.version]
        raise ValueError(
            f"{at()}: {net}{'' if exact else f' up to /{most}'} is longer than /{longest}, which nobody takes: `bgpq4 -m {longest}`"
        )
    return Listed(net, least, most)


def export_of(name: str, text: str) -> Export:
    """Of PeeringDB's `net` objects. Raises ValueError with file and line."""
    found = _json(name, text)
    entries = found.get("data") if isinstance(found, dict) else None
    if not isinstance(entries, list):
        raise ValueError(
            f'{name}:1: no `data` with `net` objects, as PeeringDB\'s /api/net gives it: {{"data": [{{"asn": …}}]}}'
        )
    nets: dict[int, Mapping[int, int]] = {}
    for number, entry in enumerate(entries):
        at = _at(name, text, ("data", number))
        asn, counts = _counts(entry, at)
        if nets.setdefault(asn, counts) != counts:
            raise ValueError(f"{at()}: AS{asn} a second time, with other figures")
    return Export(name, nets)


def _counts(entry: Any, at: Callable[[], str]) -> tuple[int, Mapping[int, int]]:
    try:
        asn = entry["asn"]
        counts = {4: entry.get("info_prefixes4") or 0, 6: entry.get("info_prefixes6") or 0}
    except (TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"{at()}: no `net` object of PeeringDB: {ascii(entry)[:100]}") from error
    for value in (asn, *counts.values()):
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**32:
            raise ValueError(
                f"{at()}: no `net` object of PeeringDB: {ascii(value)[:40]} is no number of prefixes or AS"
            )
    return asn, counts


def allowed(count: int, margin: float) -> int:
    """margin: in per cent."""
    return math.ceil(count * (1 + margin / 100))


def _json(name: str, text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"{name}:{error.lineno}: no JSON: {error.msg}") from error
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{name}:1: no JSON: {str(error)[:100]}") from error


def _at(name: str, text: str, loc: Sequence[str | int]) -> Callable[[], str]:
    """JSON is YAML, whose reader knows lines; it is slower, so it is asked only for what is wrong."""

    def place() -> str:
        where: Loc = tuple(loc)
        return f"{name}:{read_tree(text, name).mark(where).line}"

    return place
