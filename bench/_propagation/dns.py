"""A small DNS server that answers A from memory, for the peer that finds its members by name. A process of its own.

Standard input changes the table, one `NAME ADDRESS...` a line; each is answered by `ok` once it holds.
"""

from __future__ import annotations

import asyncio
import ipaddress
import struct
import sys
from collections.abc import Mapping, Sequence
from typing import cast

A, IN = 1, 1
TTL_S = 1
HEAD = struct.Struct("!6H")  # id, flags, questions, answers, authorities, additionals
RESPONSE, AUTHORITATIVE, RECURSION_DESIRED, NO_SUCH_NAME = 0x8000, 0x0400, 0x0100, 3

Table = Mapping[str, Sequence[bytes]]  # name in lower case → packed addresses


def answer(query: bytes, table: Table) -> bytes | None:
    """The answer to one question (RFC 1035); None for what is no question. Other types than A have no records."""
    if len(query) < HEAD.size + 5:
        return None
    number, flags, questions, *_ = HEAD.unpack_from(query)
    if flags & RESPONSE or questions != 1:
        return None
    found = _question(query)
    if found is None:
        return None
    name, kind, end = found
    records = table.get(name) if kind == A else ()
    code = NO_SUCH_NAME if name not in table else 0
    said = RESPONSE | AUTHORITATIVE | (flags & RECURSION_DESIRED) | code
    head = HEAD.pack(number, said, 1, len(records or ()), 0, 0)
    body = b"".join(struct.pack("!HHHIH", 0xC00C, A, IN, TTL_S, 4) + each for each in records or ())
    return head + query[HEAD.size : end] + body


def _question(query: bytes) -> tuple[str, int, int] | None:
    """(name, type, where it ends)."""
    labels, at = [], HEAD.size
    while at < len(query) and query[at]:
        if query[at] > 63:  # a question has nothing to point to
            return None
        labels.append(query[at + 1 : at + 1 + query[at]].decode("latin-1").lower())
        at += 1 + query[at]
    if at + 5 > len(query):
        return None
    return ".".join(labels), int.from_bytes(query[at + 1 : at + 3], "big"), at + 5


def packed(addresses: Sequence[str]) -> list[bytes]:
    return [ipaddress.IPv4Address(address).packed for address in addresses]


class Responder(asyncio.DatagramProtocol):
    """asked: how many questions came."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self.asked = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, address: tuple[str, int]) -> None:
        self.asked += 1
        if (said := answer(data, self._table)) is not None:
            self._transport.sendto(said, address)


async def child(port: int) -> dict[str, int]:
    """Until standard input ends."""
    table: dict[str, Sequence[bytes]] = {}
    loop = asyncio.get_running_loop()
    transport, responder = await loop.create_datagram_endpoint(
        lambda: Responder(table), local_addr=("127.0.0.1", port)
    )
    reader = asyncio.StreamReader(limit=2**20)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        name, *addresses = line.decode().split()
        table[name] = packed(addresses)
        print("ok", flush=True)
    transport.close()
    return {"asked": responder.asked}
