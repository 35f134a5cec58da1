"""The RPKI-to-Router protocol (RTR), as far as a whole list is asked for: queries, PDUs, what they mean. Pure.

Source: RFC 8210 (version 1). A PDU is a header of eight bytes, version, type, a session or an error code, the length of the
whole, and what the type says.
"""

from __future__ import annotations

import struct
from collections.abc import Collection
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network

from trimtab.errors import InvalidResponse, Refused
from trimtab.estate.roa import MOST, Key, Vrp

VERSION = 1
RESET_QUERY, CACHE_RESPONSE, IPV4, IPV6, END_OF_DATA, CACHE_RESET, ROUTER_KEY, ERROR = 2, 3, 4, 6, 7, 8, 9, 10
SERIAL_NOTIFY = 0
HEADER = struct.Struct("!BBHI")
LONGEST = 64 * 1024  # of one PDU; a prefix has 32 bytes, an error report some hundred
ANNOUNCE = 1
NO_DATA = 2
ERRORS = {
    0: "its data are corrupt", 1: "it has failed inside", 2: "it has no data yet", 3: "it takes the query for invalid",
    4: "it speaks another version of the protocol", 5: "it does not know the query",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Pdu:
    """code: the session, or what an error is."""

    version: int
    kind: int
    code: int
    body: bytes


def reset_query() -> bytes:
    """The whole list, please."""
    return HEADER.pack(VERSION, RESET_QUERY, 0, HEADER.size)


class Pdus:
    """Bytes in as they come, whole PDUs out."""

    def __init__(self) -> None:
        self._rest = bytearray()

    def feed(self, data: bytes) -> list[Pdu]:
        """Raises InvalidResponse for a length that no PDU has."""
        self._rest += data
        found, at = [], 0
        while len(self._rest) - at >= HEADER.size:
            version, kind, code, length = HEADER.unpack_from(self._rest, at)
            if not HEADER.size <= length <= LONGEST:
                raise InvalidResponse(f"a PDU of {length} bytes: that is no RTR", "is it the port of RTR?")
            if len(self._rest) - at < length:
                break
            found.append(Pdu(version, kind, code, bytes(self._rest[at + HEADER.size : at + length])))
            at += length
        del self._rest[:at]
        return found


class Answer:
    """What a cache says after a reset query, PDU by PDU. wanted: keep only payloads whose prefix is one of these.

    total: how many there were.
    """

    def __init__(self, wanted: Collection[Key] | None = None) -> None:
        self._wanted, self._kept, self._session = wanted, dict[Vrp, None](), -1
        self.total = 0

    @property
    def vrps(self) -> tuple[Vrp, ...]:
        return tuple(self._kept)

    def take(self, pdu: Pdu) -> bool:
        """Is that all? Raises Refused with the cache's words, InvalidResponse for what no cache may say."""
        if pdu.kind == ERROR:
            raise Refused(f"the validator refuses: {_error(pdu)}")
        if pdu.version != VERSION:
            raise InvalidResponse(f"it answers in version {pdu.version} of RTR, asked was {VERSION}")
        if pdu.kind == SERIAL_NOTIFY:
            return False
        if self._session < 0:
            if pdu.kind != CACHE_RESPONSE:
                raise InvalidResponse(f"a PDU of type {pdu.kind} in the place of a cache response")
            self._session = pdu.code
            return False
        if pdu.kind == END_OF_DATA:
            if pdu.code != self._session:
                raise InvalidResponse(f"session {self._session} ends as session {pdu.code}")
            return True
        if pdu.kind in (IPV4, IPV6):
            self._add(pdu)
        elif pdu.kind != ROUTER_KEY:
            raise InvalidResponse(f"a PDU of type {pdu.kind} in the middle of a list")
        return False

    def _add(self, pdu: Pdu) -> None:
        size = 4 if pdu.kind == IPV4 else 16
        if len(pdu.body) != 8 + size:
            raise InvalidResponse(f"a prefix PDU of {len(pdu.body)} bytes")
        flags, length, longest = pdu.body[0], pdu.body[1], pdu.body[2]
        network, asn = (
            int.from_bytes(pdu.body[4 : 4 + size], "big"),
            int.from_bytes(pdu.body[4 + size :], "big"),
        )
        if not length <= longest <= size * 8 or network & ((1 << (size * 8 - length)) - 1):
            raise InvalidResponse(f"a prefix that cannot be: length {length}, maxLength {longest}")
        if not flags & ANNOUNCE:
            raise InvalidResponse("a withdrawal in an answer to a reset query (RFC 8210, 5.6)")
        self.total += 1
        if self.total > MOST:
            raise InvalidResponse(f"more than {MOST} payloads, and the Internet has a fraction of that")
        if self._wanted is None or (4 if size == 4 else 6, length, network) in self._wanted:
            net = IPv4Network((network, length)) if size == 4 else IPv6Network((network, length))
            self._kept[Vrp(net, longest, asn)] = None


def _error(pdu: Pdu) -> str:
    known = ERRORS.get(pdu.code, f"error {pdu.code}")
    if len(pdu.body) < 8:
        return known
    inner = int.from_bytes(pdu.body[:4], "big")
    size = int.from_bytes(pdu.body[4 + inner : 8 + inner], "big")
    text = pdu.body[8 + inner : 8 + inner + min(size, 200)].decode("utf-8", "replace")
    return f"{known} ({ascii(text)[1:-1]})" if text else known
