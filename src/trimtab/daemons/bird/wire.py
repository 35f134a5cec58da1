"""The language of BIRD's control socket: a command as one line, and what a reply to it means. Pure.

Sources: `doc/reply_codes`, `nest/cli.c` and `nest/rt-show.c` of BIRD 2, and the replies of 2.0.12 that the tests have.

A reply is lines of `NNNN-text` and a last one of `NNNN text`. A line that begins with a blank has the code of the line
before it. `+text` comes unasked and belongs to no reply. Codes: 0xxx done, 1xxx a table's lines, 2xxx a table's head,
8xxx it could not be done, 9xxx it was not understood.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Literal

from trimtab.errors import BadInput, Conflict, InvalidResponse, Refused

MAX_COMMAND = 1000  # BIRD takes 4096 bytes, and ends the connection for more
MAX_TEXT = 8192  # bytes of a line; BIRD's are of 512 and fewer
MAX_REPLY = 4 * 2**20

WELCOME, RECONFIGURED, IN_PROGRESS, QUEUED, SHUTTING_DOWN, CONFIG_OK, EVALUATED = 1, 3, 4, 5, 6, 20, 23
PROTOCOL, PROTOCOL_DETAIL, ROUTE, ROUTE_ATTRIBUTE = 1002, 1006, 1007, 1012
BFD = 1020
ASPA = "aspa"  # the channel of an RPKI protocol that is not about ROAs
NO_ROUTE, NO_PROTOCOL, INTERRUPTED = 8001, 8003, 8004

Prefix = IPv4Network | IPv6Network
Community = tuple[int, int]
Adverts = Mapping[
    Prefix, frozenset[Community]
]  # what a peer is told, with the communities that each prefix carries
GRACEFUL_SHUTDOWN: Community = (65535, 0)  # RFC 8326
Configured = Literal["done", "in progress", "queued"]

_SYMBOL = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
_LINE = re.compile(r"(\d{4})([- ])(.*)", re.ASCII | re.DOTALL)
_NET = re.compile(r"(\S*) +(\w+) \[(\S+) [^\]]*\]( [*!])?", re.ASCII)
_COMMUNITIES = re.compile(r"(\(\d{1,5},\d{1,5}\) ?)*", re.ASCII)
_NAME = "\tBGP.community:"
_NEIGHBOUR = re.compile(r" *Neighbor address: ([0-9a-fA-F.:]+(?:%\S+)?)", re.ASCII)
_CHANNEL = re.compile(r" *Channel (\w+)", re.ASCII)
_COUNTS = re.compile(r" *Routes: +(\d+) imported, (?:(\d+) filtered, )?(\d+) exported", re.ASCII)


@dataclass(frozen=True, slots=True)
class Line:
    code: int
    text: str


@dataclass(frozen=True, slots=True)
class Reply:
    """code: of its last line, which says how it went.  lines: all of them, the last as well."""

    code: int
    lines: tuple[Line, ...]

    @property
    def text(self) -> str:
        return self.lines[-1].text


@dataclass(frozen=True, slots=True)
class ProtocolState:
    """A line of `show protocols`. state: up, down, start, stop or flush; a BGP session is established when it is up.
    since: as BIRD's `timeformat protocol` has it, reckoned from two clocks at each question, so that it is not the same to
    the millisecond from one to the next.
    """

    name: str
    kind: str
    table: str
    state: str
    since: str
    info: str


@dataclass(frozen=True, slots=True)
class Channel:
    """Of a protocol, in routes. name: `ipv4`, `roa6`.  filtered: refused and kept aside, 0 where none are kept."""

    name: str
    imported: int
    filtered: int
    exported: int


@dataclass(frozen=True, slots=True)
class BfdState:
    """since: as that of a protocol."""

    up: bool
    since: str


@dataclass(frozen=True, slots=True)
class Route:
    """kind: unicast, unreachable, blackhole, prohibit.  protocol: whose it is.  best: the table's choice. Communities are
    there where `all` was asked for.
    """

    prefix: Prefix
    kind: str
    protocol: str
    table: str
    best: bool
    communities: frozenset[Community] = frozenset()


# ---- commands


def encode(command: str) -> bytes:
    """One line of printable ASCII. Raises BadInput: what is more than one line is more than one command."""
    if not 0 < len(command) <= MAX_COMMAND or not command.isascii() or not command.isprintable():
        raise BadInput(
            f"a command for BIRD: {ascii(command)[:100]}", f"one line of at most {MAX_COMMAND} bytes"
        )
    return command.encode() + b"\n"


def symbol(name: str) -> str:
    """The name of a protocol, a table or a constant. Raises BadInput."""
    if not _SYMBOL.fullmatch(name):
        raise BadInput(f"a name in BIRD: {ascii(name)[:100]}", "letters, digits and _, at most 64")
    return name


# ---- replies


class Replies:
    """Bytes in as they come, whole replies out."""

    def __init__(self) -> None:
        self._rest, self._size = b"", 0
        self._lines: list[Line] = []

    def feed(self, data: bytes) -> list[Reply]:
        """The replies that are complete now. Raises InvalidResponse for what no BIRD says and for more than MAX_REPLY bytes."""
        *whole, self._rest = (self._rest + data).split(b"\n")
        found = [reply for raw in whole if (reply := self._add(raw)) is not None]
        if len(self._rest) > MAX_TEXT:
            raise InvalidResponse(f"a line of more than {MAX_TEXT} bytes: {self._rest[:80]!r}")
        return found

    def _add(self, raw: bytes) -> Reply | None:
        self._size += len(raw) + 1
        if len(raw) > MAX_TEXT or self._size > MAX_REPLY:
            raise InvalidResponse(
                f"a reply of more than {MAX_REPLY} bytes, or a line of more than {MAX_TEXT}"
            )
        if raw.startswith(b"+"):
            return None
        line, last = self._read(raw.decode("utf-8", "replace"))
        self._lines.append(line)
        if not last:
            return None
        reply = Reply(line.code, tuple(self._lines))
        self._lines, self._size = [], 0
        return reply

    def _read(self, text: str) -> tuple[Line, bool]:
        if text.startswith(" ") and self._lines:
            return Line(self._lines[-1].code, text[1:]), False
        found = _LINE.fullmatch(text)
        if found is None:
            raise InvalidResponse(f"not a line of BIRD: {ascii(text)[:100]}")
        return Line(int(found[1]), found[3]), found[2] == " "


def accepted(reply: Reply) -> Reply:
    """The same. Raises Refused with BIRD's words, Conflict where a reconfiguration broke off the answer."""
    if reply.code == INTERRUPTED:
        raise Conflict(f"BIRD: {reply.text[:300]}", "ask again")
    if reply.code >= 8000:
        raise Refused(f"BIRD: {reply.text[:300]}")
    return reply


def greeted(reply: Reply) -> None:
    """Raises InvalidResponse where something else than BIRD listens."""
    if reply.code != WELCOME or not reply.text.startswith("BIRD "):
        raise InvalidResponse(f"not BIRD's greeting: {ascii(reply.text)[:100]}")


def configured(reply: Reply) -> Configured:
    """What `configure` came to. Raises Refused: the configuration has a fault, or BIRD is about to end."""
    words: dict[int, Configured] = {RECONFIGURED: "done", IN_PROGRESS: "in progress", QUEUED: "queued"}
    if accepted(reply).code == SHUTTING_DOWN:
        raise Refused(f"BIRD: {reply.text[:300]}")
    if reply.code not in words:
        raise _unexpected(reply)
    return words[reply.code]


def checked(reply: Reply) -> None:
    """Raises Refused with the place and the fault."""
    if accepted(reply).code != CONFIG_OK:
        raise _unexpected(reply)


def truth(reply: Reply) -> bool:
    """What `eval` found of a condition."""
    if accepted(reply).code != EVALUATED or reply.text not in ("TRUE", "FALSE"):
        raise _unexpected(reply)
    return reply.text == "TRUE"


def protocols(reply: Reply) -> dict[str, ProtocolState]:
    """By name. None that matches is an answer."""
    if reply.code != NO_PROTOCOL and accepted(reply).code != 0:
        raise _unexpected(reply)
    found = [_protocol(line.text) for line in reply.lines if line.code == PROTOCOL]
    return {each.name: each for each in found}


def _protocol(text: str) -> ProtocolState:
    words = text.split(None, 4)
    if len(words) < 4:
        raise InvalidResponse(f"not a line of BIRD's protocols: {ascii(text)[:100]}")
    since, _, info = (words[4] if len(words) == 5 else "").partition("  ")  # a time may have one blank
    return ProtocolState(words[0], words[1], words[2], words[3], since.strip(), info.strip())


def channels(reply: Reply) -> dict[str, tuple[Channel, ...]]:
    """By protocol, of `show protocols all`. One that is down has no counts, and is left out."""
    if reply.code != NO_PROTOCOL and accepted(reply).code != 0:
        raise _unexpected(reply)
    found: dict[str, tuple[Channel, ...]] = {}
    protocol = channel = ""
    for line in reply.lines:
        if line.code == PROTOCOL:
            protocol, channel = _protocol(line.text).name, ""
        elif line.code == PROTOCOL_DETAIL and (named := _CHANNEL.fullmatch(line.text)):
            channel = named[1]
        elif line.code == PROTOCOL_DETAIL and channel and (told := _COUNTS.match(line.text)):
            counts = Channel(channel, int(told[1]), int(told[2] or 0), int(told[3]))
            found[protocol] = (*found.get(protocol, ()), counts)
    return found


def neighbours(reply: Reply) -> dict[str, str]:
    """Address by protocol, of `show protocols all`; a link-local one with its interface, `fe80::1%up0`."""
    found: dict[str, str] = {}
    protocol = ""
    for line in accepted(reply).lines:
        if line.code == PROTOCOL:
            protocol = _protocol(line.text).name
        elif line.code == PROTOCOL_DETAIL and (told := _NEIGHBOUR.match(line.text)):
            found[protocol] = told[1]
    return found


def bfd(reply: Reply) -> dict[str, BfdState]:
    """By neighbour's address, as `neighbours` has it. Of `show bfd sessions`."""
    rows = [line.text.split() for line in accepted(reply).lines if line.code == BFD]
    found = [row for row in rows if len(row) >= 6 and row[0][:1] in "0123456789abcdef"]
    return {zoned(row[0], row[1]): BfdState(row[2] == "Up", row[3]) for row in found}


def zoned(address: str, interface: str) -> str:
    """A link-local address is one only together with its interface: two links may have the same."""
    return f"{address}%{interface}" if address.startswith("fe80:") else address


def routes(reply: Reply) -> tuple[Route, ...]:
    """In BIRD's order. None is an answer. Raises InvalidResponse, Refused, Conflict."""
    if reply.code == NO_ROUTE:
        return ()
    if accepted(reply).code != 0:
        raise _unexpected(reply)
    found: list[Route] = []
    table, carried, inside = "", list[set[Community]](), False
    for line in reply.lines:
        inside = line.code == ROUTE_ATTRIBUTE and (
            line.text.startswith(_NAME) or (inside and line.text.startswith("\t\t"))
        )
        if line.code == ROUTE and line.text.startswith("Table "):
            table = line.text[6:].rstrip(":")
        elif line.code == ROUTE and line.text.strip() and not line.text.startswith("\t"):
            found.append(_route(line.text, table, found))
            carried.append(set())
        elif inside and carried:
            carried[-1] |= _communities(line.text.removeprefix(_NAME).strip())
    return tuple(_with(route, each) for route, each in zip(found, carried, strict=True))


def _route(text: str, table: str, before: list[Route]) -> Route:
    """A further route of a prefix leaves the prefix out."""
    found = _NET.match(text)
    if found is None or not (found[1] or before):
        raise InvalidResponse(f"not a route of BIRD's: {ascii(text)[:100]}")
    try:
        prefix = ip_network(found[1]) if found[1] else before[-1].prefix
    except ValueError as error:
        raise InvalidResponse(f"not a prefix: {ascii(found[1])[:100]}") from error
    return Route(prefix, found[2], found[3], table, found[4] == " *")


def _with(route: Route, communities: set[Community]) -> Route:
    return Route(route.prefix, route.kind, route.protocol, route.table, route.best, frozenset(communities))


def _communities(text: str) -> set[Community]:
    if not _COMMUNITIES.fullmatch(text):
        raise InvalidResponse(f"not communities: {ascii(text)[:100]}")
    return {(int(high), int(low)) for high, low in re.findall(r"\((\d+),(\d+)\)", text)}


def _unexpected(reply: Reply) -> InvalidResponse:
    return InvalidResponse(f"BIRD answers {reply.code:04} {ascii(reply.text)[:100]} to another question")
