"""The shop as a process: pages without any store, orders in a real etcd, and bad clients."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable

import pytest
from storefront_kit import Etcd, Shop, ask, wait_until

StartShop = Callable[..., Shop]
DEAD_STORE = "http://127.0.0.1:1"


@pytest.mark.parametrize(
    ("path", "kind"),
    [("/", "text/html"), ("/login", "text/html"), ("/health", "text/plain"), ("/api/health", "text/plain"),
     ("/style.css", "text/css"), ("/a/b.js", "text/javascript"), ("/logo.png", "image/png"),
     ("/x.jpg", "image/jpeg")],
)  # fmt: skip
def test_pages_say_who_served_them(start_shop: StartShop, path: str, kind: str) -> None:
    status, fields, body = ask_binary(start_shop().port, path)
    assert status == 200
    assert body
    assert fields["content-type"].startswith(kind)
    assert (fields["x-site"], fields["x-backend"]) == ("hk", "hk-backend-1")


def ask_binary(port: int, path: str) -> tuple[int, dict[str, str], bytes]:
    raw = exchange(port, f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    head, _, body = raw.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    fields = {line.partition(":")[0].lower(): line.partition(":")[2].strip() for line in lines[1:]}
    return int(lines[0].split()[1]), fields, body


def exchange(port: int, raw: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=5) as sock:
        sock.sendall(raw)
        got = b""
        while data := sock.recv(65536):
            got += data
    return got


def test_head_has_a_length_and_no_body(start_shop: StartShop) -> None:
    raw = exchange(start_shop().port, b"HEAD /health.txt HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert b"Content-Length: 3\r\n" in raw
    assert raw.endswith(b"\r\n\r\n")


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"nonsense\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost : x\r\n\r\n", 400),
        (b"GET / HTTP/9\r\n\r\n", 505),
        (b"GET / HTTP/1.1\r\nA: " + b"a" * 20_000 + b"\r\n\r\n", 431),
        (b"POST /orders HTTP/1.1\r\nContent-Length: 9999999\r\n\r\n", 413),
        (b"POST /orders HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", 411),
    ],
)
def test_bad_requests_are_refused_and_the_shop_lives_on(
    start_shop: StartShop, raw: bytes, status: int
) -> None:
    shop = start_shop()
    with socket.create_connection(("127.0.0.1", shop.port), timeout=5) as sock:
        sock.sendall(raw)
        assert sock.recv(100).startswith(f"HTTP/1.1 {status} ".encode())
    assert ask(shop.port, "GET", "/health")[0] == 200


def test_a_dead_store_stops_orders_and_nothing_else(start_shop: StartShop) -> None:
    shop = start_shop(DEAD_STORE)
    with socket.create_connection(("127.0.0.1", shop.port), timeout=10) as sock:
        sock.sendall(b"POST /orders HTTP/1.1\r\nIdempotency-Key: k\r\nContent-Length: 1\r\n\r\nx")
        for _ in range(20):
            assert ask(shop.port, "GET", "/")[0] == 200
        answer = sock.recv(4096)
    assert b" 503 " in answer.split(b"\r\n")[0]
    assert b"127.0.0.1:1" in answer


@pytest.mark.daemon
def test_an_order_is_written_once(start_shop: StartShop, etcd: Etcd) -> None:
    shop = start_shop(DEAD_STORE, etcd.url)  # the first store is dead: the next one is asked
    first, again, other = (
        ask(shop.port, "POST", "/orders", text, Idempotency_Key="k1") for text in ("one", "one", "two")
    )
    assert (first[0], again[0], other[0]) == (201, 200, 409)
    assert json.loads(ask(shop.port, "GET", "/orders/k1")[2]) == {"key": "k1", "order": "one", "count": 1}
    assert ask(shop.port, "GET", "/orders/absent")[0] == 404
    listing = [json.loads(line) for line in ask(shop.port, "GET", "/orders")[2].splitlines()]
    assert listing == [{"key": "k1", "count": 1}, {"complete": True, "orders": 1}]


@pytest.mark.daemon
def test_a_store_that_hangs_is_left_for_the_next(start_shop: StartShop, etcd: Etcd) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:  # accepts by its backlog, never answers
        shop = start_shop(f"http://127.0.0.1:{mute.getsockname()[1]}", etcd.url)
        assert ask(shop.port, "POST", "/orders", "x", Idempotency_Key="k")[0] == 201
        mute.settimeout(10)
        mute.accept()[0].close()
        assert ask(shop.port, "POST", "/orders", "x", Idempotency_Key="k2")[0] == 201
        mute.setblocking(False)
        with pytest.raises(BlockingIOError):  # the store that works is remembered
            mute.accept()


@pytest.mark.daemon
def test_orders_survive_a_frozen_store(start_shop: StartShop, etcd: Etcd) -> None:
    shop = start_shop(etcd.url)
    assert ask(shop.port, "POST", "/orders", "x", Idempotency_Key="before")[0] == 201
    os.kill(etcd.process.pid, signal.SIGSTOP)
    try:
        status, _, body = ask(shop.port, "POST", "/orders", "x", Idempotency_Key="frozen")
    finally:
        os.kill(etcd.process.pid, signal.SIGCONT)
    assert status == 503
    assert "given up" in body
    wait_until(
        lambda: ask(shop.port, "POST", "/orders", "x", Idempotency_Key="frozen")[0] in (200, 201),
        "orders again",
    )


def test_it_stops_when_told(start_shop: StartShop) -> None:
    shop = start_shop()
    with socket.create_connection(("127.0.0.1", shop.port), timeout=5) as idle:
        idle.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert idle.recv(4096)
        shop.process.terminate()
        assert shop.process.wait(timeout=5) == 0


def test_bad_arguments_are_named(storefront: Callable[..., tuple[int, list[str], str]]) -> None:
    for words, says in [
        (["serve", "--port", "1"], "--name"),
        (["serve", "--name", "a", "--site", "b", "--port", "70000"], "70000"),
        (["serve", "--name", "a", "--site", "b", "--stores", "http://x:1"], "not an IP address"),
        (["sell"], "unknown command"),
        (["orders", "--url", "ftp://x"], "expected https://"),
    ]:
        code, _, errors = storefront(*words)
        assert code == 2
        assert says in errors


def test_it_starts_light_and_knows_nothing_of_trimtab() -> None:
    """Three dozen start at once on two cores: what makes a start slow is not imported."""
    look = (
        "import sys; from trimtab.storefront import commands, etcd, orders, server, shop;"
        "found = {name for name in sys.modules if name.startswith('trimtab.')};"
        "assert all(name.startswith('trimtab.storefront') for name in found), found;"
        "assert not {'pydantic', 'yaml', 'rich', 'argparse'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", look], check=True)
