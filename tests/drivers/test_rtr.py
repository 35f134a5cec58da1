"""RTR: PDUs as RFC 8210 has them, and a client that ends whatever the other side does."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Awaitable, Callable
from ipaddress import ip_network

import pytest

from trimtab.drivers.rtr import wire
from trimtab.drivers.rtr.client import fetch
from trimtab.errors import InvalidResponse, Refused, Unreachable
from trimtab.estate.roa import Roas, Vrp

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
NET = ip_network("203.0.113.0/24")


def pdu(kind: int, code: int = 7, body: bytes = b"", version: int = 1) -> bytes:
    return wire.HEADER.pack(version, kind, code, wire.HEADER.size + len(body)) + body


def prefix(net: str, longest: int, asn: int, flags: int = 1) -> bytes:
    found = ip_network(net)
    body = bytes([flags, found.prefixlen, longest, 0]) + found.network_address.packed + struct.pack("!I", asn)
    return pdu(wire.IPV4 if found.version == 4 else wire.IPV6, 0, body)


BEGIN = pdu(wire.CACHE_RESPONSE)
END = pdu(wire.END_OF_DATA, 7, struct.pack("!IIII", 1, 3600, 600, 7200))
LIST = BEGIN + prefix("203.0.113.0/24", 24, 65010) + prefix("2001:db8::/32", 48, 65020) + END


def read(data: bytes, step: int = 2**20) -> wire.Answer:
    pdus, answer = wire.Pdus(), wire.Answer()
    for at in range(0, len(data), step):
        for each in pdus.feed(data[at : at + step]):
            if answer.take(each):
                return answer
    raise AssertionError("no end")


@pytest.mark.parametrize("step", [1, 3, 20, 10_000])
def test_a_list_is_read_however_it_is_cut(step: int) -> None:
    answer = read(LIST, step)
    assert answer.vrps == (Vrp(NET, 24, 65010), Vrp(ip_network("2001:db8::/32"), 48, 65020))
    assert answer.total == 2


def test_a_query_is_the_eight_bytes_of_the_rfc() -> None:
    assert wire.reset_query() == bytes([1, 2, 0, 0, 0, 0, 0, 8])


ERROR_TEXT = b"\x00\x00\x00\x08" + wire.reset_query() + b"\x00\x00\x00\x04busy"


@pytest.mark.parametrize(
    ("data", "kind", "words"),
    [
        (pdu(wire.ERROR, 2), Refused, "no data yet"),
        (pdu(wire.ERROR, 4, ERROR_TEXT, version=0), Refused, r"another version of the protocol \(busy\)"),
        (pdu(wire.ERROR, 4, b"\xff\xff\xff\xff" * 2), Refused, "another version"),
        (pdu(wire.CACHE_RESPONSE, version=0), InvalidResponse, "version 0"),
        (prefix("203.0.113.0/24", 24, 1), InvalidResponse, "in the place of a cache response"),
        (BEGIN + BEGIN, InvalidResponse, "type 3 in the middle"),
        (BEGIN + prefix("203.0.113.0/24", 33, 1), InvalidResponse, "maxLength 33"),
        (BEGIN + prefix("203.0.113.0/24", 23, 1), InvalidResponse, "maxLength 23"),
        (BEGIN + prefix("203.0.113.0/24", 24, 1, flags=0), InvalidResponse, "withdrawal"),
        (BEGIN + pdu(wire.IPV4, 0, b"\x01\x18\x18\x00"), InvalidResponse, "prefix PDU of 4 bytes"),
        (BEGIN + pdu(wire.END_OF_DATA, 8, bytes(16)), InvalidResponse, "session 7 ends as session 8"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", InvalidResponse, "no RTR"),
        (bytes([1, 3, 0, 0, 0, 0, 0, 7]), InvalidResponse, "7 bytes"),
    ],
)
def test_what_no_cache_may_say_is_said(data: bytes, kind: type[Exception], words: str) -> None:
    with pytest.raises(kind, match=words):
        read(data)


def test_a_notify_between_and_router_keys_do_not_matter() -> None:
    keys = pdu(wire.ROUTER_KEY, 0x0100, bytes(60))
    assert read(pdu(wire.SERIAL_NOTIFY, 7, bytes(4)) + BEGIN + keys + END).total == 0


def asked(serve: Serve, limit: float = 5.0) -> Roas:
    async def both() -> Roas:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        async with server:
            port = server.sockets[0].getsockname()[1]
            return await fetch("127.0.0.1", port, [NET], limit)

    return asyncio.run(both())


def saying(data: bytes, stay: bool = False) -> Serve:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(8)
        writer.write(data)
        await writer.drain()
        if stay:
            await reader.read()
        writer.close()

    return serve


def test_only_what_speaks_of_the_prefixes_is_kept_and_all_is_counted() -> None:
    found = asked(saying(LIST))
    assert found.total == 2 and found.covering(NET) == [Vrp(NET, 24, 65010)]
    assert found.judge(NET, 65010) == "valid" and found.judge(NET, 1) == "invalid"
    assert found.judge(ip_network("198.51.100.0/24"), 1) == "unknown"


def test_half_a_list_is_none() -> None:
    with pytest.raises(Unreachable, match="went away after 1 payloads"):
        asked(saying(BEGIN + prefix("203.0.113.0/24", 24, 65010)))


def test_a_cache_that_says_nothing_more_is_left_in_time() -> None:
    with pytest.raises(Unreachable, match=r"no whole answer within 0\.3 s, after 1 payloads"):
        asked(saying(BEGIN + prefix("203.0.113.0/24", 24, 65010), stay=True), 0.3)


def test_a_list_without_an_end_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "MOST", 1000)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(BEGIN)
        for n in range(2000):
            writer.write(prefix(f"198.18.{n % 256}.0/24", 24, n))
        await reader.read()
        writer.close()

    with pytest.raises(InvalidResponse, match="more than 1000"):
        asked(serve)


def test_nobody_there_is_said() -> None:
    with pytest.raises(Unreachable, match="nobody answers"):
        asyncio.run(fetch("127.0.0.1", 1, None, 2.0))
