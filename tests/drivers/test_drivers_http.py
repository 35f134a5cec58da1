"""The HTTP client against servers that answer late, wrongly, too much or not at all."""

from __future__ import annotations

import asyncio
import itertools
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from tests.registry.registry_kit import Handler, answer, free_port, run, serving

from trimtab.drivers.http import Address, Limits, NotDone, Peer, Peers, TlsFiles, Untrusted
from trimtab.errors import BadInput, InvalidResponse, Refused, Unreachable

LIMITS = Limits(connect_s=0.5, answer_s=0.2, whole_s=0.6, max_body=1000)
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@asynccontextmanager
async def peer_of(handler: Handler, limits: Limits = LIMITS) -> AsyncIterator[Peer]:
    async with serving(handler) as url:
        peer = Peer(Address.parse(url), TlsFiles(), limits)
        yield peer
        peer.close()


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def test_one_connection_serves_many_questions() -> None:
    async def test() -> None:
        async with peer_of(lambda path, body: answer(body + path.encode())) as peer:
            for _ in range(3):
                found = await peer.ask("POST", "/x", {"X-Name": "1"}, b"hello ")
                assert (found.status, found.body) == (200, b"hello /x")
            assert len(peer._idle) == 1

    run(test())


def test_a_chunked_answer_with_a_trailer_and_one_before_it() -> None:
    raw = (
        b"HTTP/1.1 100 Continue\r\n\r\n" + CHUNKED + chunk(b"a") + chunk(b"bc") + b"0\r\nX-Trailer: 1\r\n\r\n"
    )

    async def test() -> None:
        async with peer_of(lambda path, body: raw) as peer:
            assert (await peer.ask("GET", "/")).body == b"abc"
            assert (await peer.ask("GET", "/")).body == b"abc"
            assert len(peer._idle) == 1

    run(test())


def test_a_kept_connection_that_the_server_closed_is_replaced() -> None:
    closing = answer("x", fields="Connection: close\r\n")

    async def test() -> None:
        async with peer_of(lambda path, body: closing) as peer:
            assert (await peer.ask("GET", "/")).body == b"x"
            assert peer._idle == []
            assert (await peer.ask("GET", "/")).body == b"x"

    run(test())


@pytest.mark.parametrize(
    ("raw", "kind", "reason"),
    [
        (None, Unreachable, "no answer within 0.2 s"),
        (b"SSH-2.0-OpenSSH\r\n\r\n", InvalidResponse, "does not speak HTTP"),
        (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 9000, InvalidResponse, "does not speak HTTP"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", InvalidResponse, "does not speak HTTP"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", InvalidResponse, "does not speak HTTP"),
        (answer("x" * 1001), InvalidResponse, "more than 1000 bytes"),
        (CHUNKED + chunk(b"x" * 400) * 3, InvalidResponse, "more than 1000 bytes"),
        (CHUNKED + b"zz\r\n", InvalidResponse, "does not speak HTTP"),
        (CHUNKED + chunk(b"x"), Unreachable, "no answer within"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", Unreachable, "no answer within"),
    ],
)  # fmt: skip
def test_a_server_that_answers_wrongly(raw: bytes | None, kind: type[Exception], reason: str) -> None:
    async def test() -> None:
        async with peer_of(lambda path, body: raw) as peer:
            with pytest.raises(kind, match=reason):
                await peer.ask("GET", "/")
            assert peer._idle == []

    run(test())


def test_a_server_that_closes_in_the_middle() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(replies.pop())
        writer.close()

    replies = [
        b"",
        b"HTTP/1.1 200",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf",
        CHUNKED + chunk(b"x"),
    ]

    async def test() -> None:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        peer = Peer(Address("127.0.0.1", server.sockets[0].getsockname()[1]), TlsFiles(), LIMITS)
        while replies:
            with pytest.raises(Unreachable, match="closed"):
                await peer.ask("GET", "/")
        server.close()

    run(test())


def test_an_answer_that_drips_is_given_up() -> None:
    """Each byte comes in time, the whole never does."""

    async def test() -> None:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n")
            try:
                while not reader.at_eof():
                    writer.write(b"x")
                    await asyncio.sleep(0.05)
            finally:
                writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        patient = Limits(connect_s=10, answer_s=10, whole_s=0.6, max_body=1000)  # silence is not what ends it
        peer = Peer(Address("127.0.0.1", server.sockets[0].getsockname()[1]), TlsFiles(), patient)
        with pytest.raises(Unreachable, match=r"no whole answer within 0\.6 s"):
            await peer.ask("GET", "/")
        server.close()

    run(test())


# ---- streams


def test_lines_come_whole_however_they_are_cut() -> None:
    raw = (
        CHUNKED
        + b"".join(chunk(bytes([byte])) for byte in b'{"a":1}\n\n{"b":"x"}\r\n{"c"')
        + chunk(b":2}\n{}\n")
    )

    async def test() -> None:
        async with (
            peer_of(lambda path, body: raw) as peer,
            await peer.stream("POST", "/", {}, b"") as stream,
        ):
            assert [await stream.line() for _ in range(4)] == [b'{"a":1}', b'{"b":"x"}', b'{"c":2}', b"{}"]
            with pytest.raises(Unreachable, match=r"within 0.1 s"):
                await stream.line(0.1)

    run(test())


def test_a_stream_that_ends_is_unreachable_and_a_long_line_is_nonsense() -> None:
    async def test() -> None:
        async with peer_of(lambda path, body: CHUNKED + chunk(b"x\n") + b"0\r\n\r\n") as peer:
            stream = await peer.stream("POST", "/", {}, b"")
            assert await stream.line() == b"x"
            with pytest.raises(Unreachable, match="ended its answer"):
                await stream.line()
        async with peer_of(lambda path, body: CHUNKED + chunk(b"x" * 600) * 2) as peer:
            stream = await peer.stream("POST", "/", {}, b"")
            with pytest.raises(InvalidResponse, match="a line of more than 1000 bytes"):
                await stream.line()

    run(test())


def test_who_waits_on_a_stream_is_told_why_it_was_closed() -> None:
    async def test() -> None:
        async with peer_of(lambda path, body: CHUNKED) as peer:
            stream = await peer.stream("POST", "/", {}, b"")
            task = asyncio.create_task(stream.line())
            await asyncio.sleep(0)
            stream.close("it hangs")
            with pytest.raises(Unreachable, match="it hangs"):
                await task

    run(test())


# ---- several


def test_whoever_failed_is_asked_last_and_all_reasons_are_told() -> None:
    async def test() -> None:
        asked = list[str]()

        def said(name: str) -> Handler:
            return lambda path, body: asked.append(name) or answer(name)  # type: ignore[func-returns-value]

        async with serving(said("a")) as a, serving(said("b")) as b:
            dead = [f"http://127.0.0.1:{free_port()}" for _ in range(2)]
            peers = Peers((dead[0], a, b), TlsFiles(), LIMITS)
            for _ in range(2):
                assert (await peers.any(lambda peer: peer.ask("GET", "/"))).body == b"a"
            assert [str(peer.address) for peer in peers._order] == [a, b, dead[0]]
            peers = Peers(dead, TlsFiles(), LIMITS)
            with pytest.raises(NotDone) as caught:
                await peers.any(lambda peer: peer.ask("GET", "/"))
            assert all(url in str(caught.value) for url in dead)

    run(test())


@pytest.mark.parametrize(("again", "reached"), [(True, True), (False, False)])
def test_what_may_have_happened_is_only_repeated_where_that_is_allowed(again: bool, reached: bool) -> None:
    async def test() -> None:
        count = itertools.count()
        async with (
            serving(lambda path, body: None) as mute,
            serving(lambda path, body: answer(str(next(count)))) as good,
        ):
            peers = Peers((f"http://127.0.0.1:{free_port()}", mute, good), TlsFiles(), LIMITS)
            ask = peers.any(lambda peer: peer.ask("POST", "/"), again)
            if reached:
                assert (await ask).body == b"0"
            else:
                with pytest.raises(Unreachable):
                    await ask
        assert next(count) == int(reached)

    run(test())


def test_of_failures_the_kind_is_the_one_that_all_have() -> None:
    from trimtab.drivers.http.peers import _all_of

    assert type(_all_of([Untrusted("a", "look"), Untrusted("b")])) is Untrusted
    assert type(_all_of([NotDone("a"), Untrusted("b")])) is Unreachable
    assert _all_of([Untrusted("a", "look"), NotDone("b")]).hint == "look"
    assert issubclass(Untrusted, Refused)


# ---- addresses


@pytest.mark.parametrize(
    ("url", "authority"),
    [
        ("http://10.0.0.1:2379", "10.0.0.1:2379"),
        ("https://[2001:db8::1]:2379", "[2001:db8::1]:2379"),
        ("http://registry-1.example:8500/", "registry-1.example:8500"),
    ],
)
def test_an_address(url: str, authority: str) -> None:
    found = Address.parse(url)
    assert found.authority == authority
    assert found.tls is url.startswith("https")
    assert str(found) == url.rstrip("/")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "http://",
        "http://a",
        "http://a:0",
        "http://a:70000",
        "http://a:x",
        "http://a b:1",
        "http://a:1/path",
        "http://a:1?x",
        "http://u:p@a:1",
        "http://[::1:1",
        "unix:///run/x",
        "http://a\r\nX:1",
        "http://-a:1",
        "http://" + "a" * 300 + ":1",
    ],
)
def test_no_address(url: str) -> None:
    with pytest.raises(BadInput, match="expected http"):
        Address.parse(url)


def test_an_agent_that_uses_it_loads_nothing_heavy() -> None:
    code = """
import sys
from trimtab.registry.engines import connect
from trimtab.agent_config import RegistryAccess
connect(RegistryAccess("etcd", ("http://127.0.0.1:1",), "/trimtab/test"))
heavy = {"pydantic", "aiohttp", "httpx", "yaml", "jinja2", "cryptography", "requests", "typer", "rich"}
print(sorted((heavy | {"trimtab.registry.consul.client"}) & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30)
    assert done.stdout == "[]\n", done.stderr
