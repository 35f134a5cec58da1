"""What ROAs say: validated payloads, the files that hold them, and the judgement of a route (RFC 6811). Pure."""

from __future__ import annotations

import json
import socket
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from ipaddress import ip_network
from typing import Any, Literal

from trimtab.errors import BadInput
from trimtab.estate.base import IPNetwork

MOST = 3_000_000  # the Internet has some 700,000
Key = tuple[int, int, int]  # version, length, network of a prefix
Validity = Literal["valid", "invalid", "unknown"]
# When it was made, as rpki-client and StayRTR (buildtime), Routinator (generatedTime) and older ones (generated) say it.
_MADE = ("buildtime", "generatedTime", "generated")


@dataclass(frozen=True, slots=True)
class Vrp:
    """A validated ROA payload: this AS may originate the prefix, and what is inside it up to `longest`."""

    prefix: IPNetwork
    longest: int
    asn: int

    def __str__(self) -> str:
        more = f"-{self.longest}" if self.longest != self.prefix.prefixlen else ""
        return f"{self.prefix}{more} AS{self.asn}"


@dataclass(frozen=True, slots=True)
class Roas:
    """Payloads by their prefix. made: seconds since 1970, None where nothing says it.  total: how many there were, the ones
    that are kept among them.  aspas: by AS number those that it names as its providers, where the source has ASPAs.
    """

    by_prefix: Mapping[Key, tuple[Vrp, ...]] = field(default_factory=dict)
    made: float | None = None
    total: int = 0
    aspas: Mapping[int, frozenset[int]] = field(default_factory=dict)

    def covering(self, prefix: IPNetwork) -> list[Vrp]:
        """Every payload that speaks of the prefix: those of it and of what contains it, the shortest first."""
        return [vrp for key in containing(prefix) for vrp in self.by_prefix.get(key, ())]

    def judge(self, prefix: IPNetwork, origin: int) -> Validity:
        covering = self.covering(prefix)
        if any(permits(vrp, prefix, origin) for vrp in covering):
            return "valid"
        return "invalid" if covering else "unknown"


def permits(vrp: Vrp, prefix: IPNetwork, origin: int) -> bool:
    """AS 0 permits nobody (RFC 6483, 4)."""
    return vrp.asn == origin != 0 and prefix.prefixlen <= vrp.longest


def containing(prefix: IPNetwork) -> Iterator[Key]:
    """The prefix and everything that contains it, the shortest first."""
    bits, address = prefix.max_prefixlen, int(prefix.network_address)
    for length in range(prefix.prefixlen + 1):
        yield prefix.version, length, address >> (bits - length) << (bits - length)


def roas_of(vrps: Iterable[Vrp]) -> Roas:
    kept = dict.fromkeys(vrps)
    found: dict[Key, list[Vrp]] = {}
    for vrp in kept:
        net = vrp.prefix
        found.setdefault((net.version, net.prefixlen, int(net.network_address)), []).append(vrp)
    return Roas({key: tuple(each) for key, each in found.items()}, total=len(kept))


def read_roas(text: str, of: Collection[IPNetwork] | None = None) -> Roas:
    """The `roas` of a JSON export. of: keep only what speaks of these. Raises BadInput for what is none."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadInput(f"no JSON: {str(error)[:100]}", _EXPECTED) from error
    entries = found.get("roas") if isinstance(found, dict) else None
    if not isinstance(entries, list):
        raise BadInput("no list `roas` in it", _EXPECTED)
    if len(entries) > MOST:
        raise BadInput(f"{len(entries)} ROAs, at most {MOST} are read", "the whole Internet has fewer")
    wanted = None if of is None else {key for prefix in of for key in containing(prefix)}
    kept = [vrp for i, each in enumerate(entries) if (vrp := _vrp(each, i, wanted)) is not None]
    aspas = read_aspas(found)
    return replace(roas_of(kept), made=_made(found.get("metadata")), total=len(entries), aspas=aspas)


def read_aspas(found: Mapping[str, Any]) -> dict[int, frozenset[int]]:
    """The `aspas` of an export, as rpki-client (customer_asid) and Routinator (customer) write them; none is an answer. Of several
    of one AS all providers count. Raises BadInput.
    """
    entries = found.get("aspas", [])
    if not isinstance(entries, list) or len(entries) > MOST:
        raise BadInput("`aspas` is no list that can be", _ASPAS)
    aspas: dict[int, frozenset[int]] = {}
    for number, each in enumerate(entries):
        try:
            customer = _asn(each["customer_asid"] if "customer_asid" in each else each["customer"])
            providers = frozenset(map(_asn, each["providers"]))
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError) as error:
            raise BadInput(f"aspas[{number}] is no ASPA: {ascii(each)[:100]}", _ASPAS) from error
        if not all(0 <= asn < 2**32 for asn in (customer, *providers)):
            raise BadInput(f"aspas[{number}] cannot be: {ascii(each)[:100]}", _ASPAS)
        aspas[customer] = aspas.get(customer, frozenset()) | providers
    return aspas


_ASPAS = 'as rpki-client or Routinator write them: {"aspas": [{"customer_asid", "providers"}]}'
_EXPECTED = 'the export of rpki-client, Routinator or StayRTR: {"roas": [{"prefix", "maxLength", "asn"}]}'


def _vrp(entry: Any, number: int, wanted: set[Key] | None) -> Vrp | None:
    """None: not wanted. Prefixes become objects only where they are: of 700,000 that takes most of the time."""
    try:
        key = _key(entry["prefix"])
        longest = int(entry.get("maxLength", key[1]))
        asn = _asn(entry["asn"])
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, OSError) as error:
        raise BadInput(f"roas[{number}] is no ROA: {ascii(entry)[:100]}", _EXPECTED) from error
    if not key[1] <= longest <= (32 if key[0] == 4 else 128) or not 0 <= asn < 2**32:
        raise BadInput(f"roas[{number}] cannot be: {ascii(entry)[:100]}", _EXPECTED)
    if wanted is not None and key not in wanted:
        return None
    return Vrp(ip_network(entry["prefix"]), longest, asn)


def _key(text: str) -> Key:
    """Raises ValueError and OSError for what is no prefix, host bits included."""
    address, _, length = text.partition("/")
    version = 6 if ":" in address else 4
    raw = socket.inet_pton(socket.AF_INET6 if version == 6 else socket.AF_INET, address)
    if not (length.isascii() and length.isdecimal()):
        raise ValueError("no length")
    network, bits = int.from_bytes(raw, "big"), int(length)
    if not 0 <= bits <= len(raw) * 8 or network & ((1 << (len(raw) * 8 - bits)) - 1):
        raise ValueError("no prefix")
    return version, bits, network


def _asn(value: Any) -> int:
    if isinstance(value, bool):
        raise ValueError("no AS number")
    return int(value.upper().removeprefix("AS")) if isinstance(value, str) else int(value)


def _made(metadata: Any) -> float | None:
    for key in _MADE if isinstance(metadata, dict) else ():
        value = metadata.get(key)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return float(value)
        try:
            found = datetime.fromisoformat(str(value)) if value else None
        except ValueError:
            continue
        if found is not None:
            return found.replace(tzinfo=found.tzinfo or UTC).timestamp()
    return None


def as_json(vrps: Sequence[Vrp], aspas: Sequence[Mapping[str, Any]] = ()) -> str:
    """As `read_roas` and StayRTR read it."""
    entries = [{"prefix": str(v.prefix), "maxLength": v.longest, "asn": v.asn, "ta": "local"} for v in vrps]
    told = {
        "metadata": {"counts": len(entries)},
        "roas": entries,
        **({"aspas": list(aspas)} if aspas else {}),
    }
    return json.dumps(told, indent=1) + "\n"
