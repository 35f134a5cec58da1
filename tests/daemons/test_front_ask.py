"""A site endpoint on loopback that serves, fails, hangs, drips, lies, or is somebody else's."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.registry.registry_kit import free_port, run
from trimtab.daemons.front.ask import MAX_HEAD, https, tcp
from trimtab.daemons.front.judge import Answer, judge
from trimtab.delivery.throwaway import ThrowawayCa

NAME = "www.shop.example"
LONG_S, SHORT_S = 15.0, 0.3  # for what has to come, for what must not
Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Front:
    """A server with a certificate. heard: requests and names (SNI) of clients."""

    port: int
    heard: list[bytes] = field(default_factory=list)
    names: list[str | None] = field(default_factory=list)


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """ca.pem, and certificates of it: good, of another name, expired; and one of another CA."""
    folder = tmp_path_factory.mktemp("pki")
    ca = ThrowawayCa("test")
    (folder / "ca.pem").write_text(ca.pem)
    old = ThrowawayCa("old", datetime.now(UTC) - timedelta(days=30))
    (folder / "old-ca.pem").write_text(old.pem)
    for name, authority, served in (
        ("good", ca, NAME),
        ("other", ca, "api.shop.example"),
        ("expired", old, NAME),
        ("foreign", ThrowawayCa("foreign"), NAME),
    ):
        certificate, key = authority.issue((served,))
        (folder / f"{name}.pem").write_text(certificate + key)
    (folder / "empty.pem").write_text("")
    (folder / "odd.pem").write_text("-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n")
    return folder


@asynccontextmanager
async def front(
    pki: Path, talk: Talk, certificate: str = "good", host: str = "127.0.0.1"
) -> AsyncIterator[Front]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pki / f"{certificate}.pem")
    found = Front(0)
    context.sni_callback = lambda _, name, __: found.names.append(name)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            found.heard.append(await reader.readuntil(b"\r\n\r\n"))
            await talk(reader, writer)
        writer.transport.abort()

    server = await asyncio.start_server(serve, host, 0, ssl=context)
    found.port = server.sockets[0].getsockname()[1]
    try:
        yield found
    finally:
        server.close()


def saying(*pieces: bytes, then: float = 0.0) -> Talk:
    """The pieces; and then silence until the client goes, unless it closes."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
        if then:
            await reader.read()
        else:
            writer.close()
            await writer.wait_closed()

    return talk


OK = saying(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")


def asked(
    pki: Path,
    talk: Talk = OK,
    limit_s: float = LONG_S,
    certificate: str = "good",
    ca: str = "ca.pem",
    **more: Any,
) -> Answer:
    async def test() -> Answer:
        async with front(pki, talk, certificate) as found:
            question = {"name": NAME, "path": "/", "ca": str(pki / ca) if ca else "", **more}
            return await https("127.0.0.1", found.port, limit_s=limit_s, **question)

    return run(test())


# ---- what serves, and what does not


def test_the_name_and_the_path_are_asked_for(pki: Path) -> None:
    async def test() -> None:
        async with front(pki, OK) as found:
            answer = await https("127.0.0.1", found.port, NAME, "/health?full=1", str(pki / "ca.pem"), LONG_S)
            assert judge(answer) == (True, "")
            (request,) = found.heard
            head = request.decode().split("\r\n")
            assert head[0] == "GET /health?full=1 HTTP/1.1"
            assert f"Host: {NAME}" in head and "Connection: close" in head
            assert found.names == [NAME]

    run(test())


def test_ipv6(pki: Path) -> None:
    if not _has_ipv6():
        pytest.skip("no IPv6 on loopback")

    async def test() -> None:
        async with front(pki, OK, host="::1") as found:
            assert judge(await https("::1", found.port, NAME, "/", str(pki / "ca.pem"), LONG_S)) == (True, "")
            assert judge(await tcp("::1", found.port, LONG_S)) == (True, "")

    run(test())


def _has_ipv6() -> bool:
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET6) as sock:
        sock.bind(("::1", 0))
        return True
    return False


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        ((b"HTTP/1.1 204 No Content\r\n\r\n",), (True, "")),
        ((b"HTTP/1.1 404 Not Found\r\n\r\n" + b"x" * 100_000,), (True, "")),
        ((b"HTTP/1.1 503 Service Unavailable\r\n\r\n",), (False, "https 503")),
        ((b"HT", b"TP/1.1 20", b"0 OK\r", b"\n"), (True, "")),
        ((b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 502 Bad Gateway\r\n\r\n"), (False, "https 502")),
        ((b"HTTP/1.1 200 OK",), (False, "https: answered 'HTTP/1.1 200 OK'")),
        ((b"SSH-2.0-OpenSSH\r\n",), (False, "https: answered 'SSH-2.0-OpenSSH'")),
        ((b"\xff" * 100_000,), (False, f"https: answered '{chr(92)}xff{(chr(92) + 'xff') * 79}'")),
        ((), (False, "https: closed without an answer")),
    ],
)
def test_replies(pki: Path, reply: tuple[bytes, ...], expected: tuple[bool, str]) -> None:
    assert judge(asked(pki, saying(*reply))) == expected


def test_no_more_than_a_head_is_taken(pki: Path) -> None:
    endless = saying(b"HTTP/1.1 103 x\r\n" + b"A: b\r\n" * 20_000, then=1.0)
    answer = asked(pki, endless)
    assert answer.how == "came" and len(answer.text) == MAX_HEAD
    assert judge(answer)[0] is False


def test_the_end_of_the_reply_is_not_waited_for(pki: Path) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"
    assert judge(asked(pki, saying(head, then=1.0))) == (True, "")


# ---- the limit holds whatever happens


async def _drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    for byte in b"HTTP/1.1 103 x\r\n" + b"A" * 2000:
        writer.write(bytes([byte]))
        await writer.drain()
        await asyncio.sleep(0.01)


@pytest.mark.parametrize("talk", [saying(then=1.0), saying(b"HTTP/1.1 200", then=1.0), _drip])
def test_a_front_that_hangs_or_drips_is_silent(pki: Path, talk: Talk) -> None:
    assert asked(pki, talk, SHORT_S) == Answer("https", "silent", f"no answer within {SHORT_S} s")


def test_a_listener_that_nobody_serves_takes_connections_and_no_request(pki: Path) -> None:
    """What a stopped process looks like: its kernel answers TCP, nobody TLS."""

    async def test() -> None:
        with socket.create_server(("127.0.0.1", 0)) as sock:
            port = sock.getsockname()[1]
            assert await tcp("127.0.0.1", port, LONG_S) == Answer("tcp", "came")
            answer = await https("127.0.0.1", port, NAME, "/", str(pki / "ca.pem"), SHORT_S)
            assert answer.how == "silent"

    run(test())


def test_a_listener_that_takes_no_connection_any_more_is_silent() -> None:
    """Its queue is full: the kernel drops what comes, as a path that swallows packets would."""

    async def test() -> None:
        with socket.socket() as sock, contextlib.ExitStack() as held:
            sock.bind(("127.0.0.1", 0))
            sock.listen(0)
            for _ in range(4):
                client = held.enter_context(socket.socket())
                client.setblocking(False)
                client.connect_ex(sock.getsockname())
            assert (await tcp("127.0.0.1", sock.getsockname()[1], SHORT_S)).how == "silent"

    run(test())


# ---- trust


@pytest.mark.parametrize(
    ("certificate", "ca", "why"),
    [
        ("other", "ca.pem", "Hostname mismatch"),
        ("foreign", "ca.pem", "unable to get local issuer certificate"),
        ("expired", "old-ca.pem", "expired"),
        ("good", "old-ca.pem", "unable to get local issuer certificate"),
        ("good", "", "unable to get local issuer certificate"),  # the system does not know it
    ],
)
def test_a_certificate_that_clients_would_refuse(pki: Path, certificate: str, ca: str, why: str) -> None:
    works, said = judge(asked(pki, certificate=certificate, ca=ca))
    assert works is False
    assert said.startswith("https: the certificate does not verify: ") and why in said


def test_what_does_not_speak_tls(pki: Path) -> None:
    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    async def test() -> None:
        server = await asyncio.start_server(plain, "127.0.0.1", 0)
        async with server:
            port = server.sockets[0].getsockname()[1]
            works, why = judge(await https("127.0.0.1", port, NAME, "/", str(pki / "ca.pem"), LONG_S))
            assert works is False and why.startswith("https: TLS: ")

    run(test())


def test_who_cuts_the_handshake(pki: Path) -> None:
    async def cut(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.close()

    async def test() -> None:
        server = await asyncio.start_server(cut, "127.0.0.1", 0)
        async with server:
            port = server.sockets[0].getsockname()[1]
            answer = await https("127.0.0.1", port, NAME, "/", str(pki / "ca.pem"), LONG_S)
            assert answer.how == "nobody" and answer.text

    run(test())


@pytest.mark.parametrize("ca", ["none.pem", "empty.pem", "odd.pem", ".", "ca.pem\0"])
def test_a_ca_file_that_cannot_be_used_says_nothing_about_the_front(pki: Path, ca: str) -> None:
    works, why = judge(asked(pki, ca=ca))
    assert works is None and why.startswith("https: ")


def test_a_ca_file_that_is_replaced_is_read_again(pki: Path, tmp_path: Path) -> None:
    ca = tmp_path / "ca.pem"
    ca.write_text((pki / "old-ca.pem").read_text())
    assert judge(asked(pki, ca=str(ca)))[0] is False
    (tmp_path / "new").write_text((pki / "ca.pem").read_text())
    (tmp_path / "new").rename(ca)
    assert judge(asked(pki, ca=str(ca)))[0] is True


# ---- nobody, and our own trouble


def test_where_nobody_listens() -> None:
    port = free_port()
    assert judge(run(tcp("127.0.0.1", port, LONG_S))) == (False, "tcp: Connection refused")
    assert judge(run(https("127.0.0.1", port, NAME, "/", "", LONG_S))) == (False, "https: Connection refused")


@pytest.mark.parametrize(
    ("number", "address", "works"),
    [
        (errno.ECONNREFUSED, "127.0.0.1", False),
        (errno.ECONNRESET, "127.0.0.1", False),
        (errno.ETIMEDOUT, "127.0.0.1", False),
        (errno.EHOSTUNREACH, "127.0.0.1", False),
        (errno.ENETUNREACH, "127.0.0.1", False),  # we have a route: it was a router's word
        (errno.EMFILE, "127.0.0.1", None),
        (errno.ENFILE, "127.0.0.1", None),
        (errno.ENOBUFS, "127.0.0.1", None),
        (errno.ENOMEM, "127.0.0.1", None),
        (errno.EADDRNOTAVAIL, "127.0.0.1", None),  # no port of ours is free
        (errno.EAFNOSUPPORT, "::1", None),
        (errno.EPERM, "127.0.0.1", None),  # our own firewall
        (errno.EACCES, "127.0.0.1", None),
    ],
)
def test_whose_error_it_is(
    monkeypatch: pytest.MonkeyPatch, number: int, address: str, works: bool | None
) -> None:
    async def fails(*_: Any, **__: Any) -> None:
        raise OSError(number, "Connect call failed")

    monkeypatch.setattr(asyncio, "open_connection", fails)
    for answer in (tcp(address, 443, LONG_S), https(address, 443, NAME, "/", "", LONG_S)):
        assert judge(run(answer))[0] is works


def test_no_descriptors_left_is_our_own_trouble(pki: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    async def test() -> Answer:
        with socket.create_server(("127.0.0.1", 0)) as sock:
            port = sock.getsockname()[1]
            monkeypatch.setattr(socket, "socket", full)
            return await tcp("127.0.0.1", port, LONG_S)

    assert judge(run(test())) == (None, "tcp: Too many open files")


@pytest.mark.parametrize(
    ("address", "port", "name", "path"),
    [
        ("www.shop.example", 443, NAME, "/"),  # names are not looked up
        ("", 443, NAME, "/"),
        ("127.0.0.1/8", 443, NAME, "/"),
        ("127.0.0.1", 65536, NAME, "/"),
        ("127.0.0.1", -1, NAME, "/"),
        ("127.0.0.1", 1, "", "/"),
        ("127.0.0.1", 1, "a b", "/"),
        ("127.0.0.1", 1, "a\r\nX: y", "/"),
        ("127.0.0.1", 1, NAME + "\n", "/"),
        ("127.0.0.1", 1, "x" * 64 + ".example", "/"),
        ("127.0.0.1", 1, ".example", "/"),
        ("127.0.0.1", 1, "a..example", "/"),
        ("127.0.0.1", 1, NAME, ""),
        ("127.0.0.1", 1, NAME, "http://other/"),
        ("127.0.0.1", 1, NAME, "/ HTTP/1.1\r\nX: y"),
        ("127.0.0.1", 1, NAME, "/\r\n"),
        ("127.0.0.1", 1, NAME, "/ä"),
    ],
)
def test_a_question_that_is_none_is_not_put(address: str, port: int, name: str, path: str) -> None:
    works, why = judge(run(https(address, port, name, path, "", LONG_S)))
    assert works is None and why.isprintable()


def test_many_at_once_have_a_limit_of_their_own(pki: Path) -> None:
    """One that hangs delays none of the others."""

    async def test() -> None:
        async with front(pki, OK) as good, front(pki, saying(then=1.0)) as bad:
            ca = str(pki / "ca.pem")
            asking = [https("127.0.0.1", bad.port, NAME, "/", ca, SHORT_S) for _ in range(5)]
            asking += [https("127.0.0.1", good.port, NAME, "/", ca, LONG_S) for _ in range(5)]
            found = await asyncio.gather(*asking)
            assert [judge(each)[0] for each in found] == [False] * 5 + [True] * 5

    run(test())


def test_whoever_is_cancelled_ends(pki: Path) -> None:
    async def test() -> None:
        async with front(pki, saying(then=1.0)) as found:
            asking = asyncio.create_task(
                https("127.0.0.1", found.port, NAME, "/", str(pki / "ca.pem"), LONG_S)
            )
            while not found.heard:  # noqa: ASYNC110  the deadline is `run`'s
                await asyncio.sleep(0.01)
            asking.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asking

    run(test())
