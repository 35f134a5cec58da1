"""`order` and `orders` against a real shop with a real etcd, and against shops that misbehave."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from storefront_kit import Etcd, Shop

from trimtab.storefront.get import Incomplete, run_get
from trimtab.storefront.put import Orders
from trimtab.storefront.target import Target

StartShop = Callable[..., Shop]
Storefront = Callable[..., tuple[int, list[str], str]]


@pytest.mark.daemon
def test_what_is_put_is_got(start_shop: StartShop, etcd: Etcd, storefront: Storefront) -> None:
    shop = start_shop(etcd.url)
    keys = [f"key-{number}" for number in range(700)]  # more than one page
    code, lines, _ = storefront("order", "--url", shop.url, text="".join(f"{key} pay load\n" for key in keys))
    assert code == 0
    assert sorted(lines) == sorted(f"{key} ok" for key in keys)
    code, lines, _ = storefront("orders", "--url", shop.url)
    assert code == 0
    assert sorted(lines) == sorted(f"{key} 1" for key in keys)


@pytest.mark.daemon
def test_a_key_with_another_order_fails(start_shop: StartShop, etcd: Etcd, storefront: Storefront) -> None:
    shop = start_shop(etcd.url)
    assert storefront("order", "--url", shop.url, text="k one\n")[1] == ["k ok"]
    assert storefront("order", "--url", shop.url, text="k two\nempty\n")[1] == ["empty failed", "k failed"]


def place(url: str) -> str:
    return asyncio.run(Orders(Target(url)).place("k", "v", total=1.0))


def test_no_shop_at_all_is_a_certain_failure() -> None:
    assert place("http://127.0.0.1:1") == "failed"


def test_an_order_that_nobody_answered_is_unknown() -> None:
    with answering(b"") as url:
        assert place(url) == "unknown"


def test_a_full_shop_stored_nothing() -> None:
    with answering(b"HTTP/1.1 429 Too Many Requests\r\nContent-Length: 0\r\n\r\n") as url:
        assert place(url) == "failed"


def test_a_listing_that_breaks_off_is_not_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    line = b'{"key": "a", "count": 1}\n'
    part = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n" % (len(line), line)
    with answering(part) as url, pytest.raises(Incomplete, match="middle of an answer"):
        asyncio.run(run_get(url, total=1.0))


@contextmanager
def answering(reply: bytes) -> Iterator[str]:
    """A server that reads a request, sends `reply` and closes."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    sock, _ = server.accept()
                except OSError:
                    return
                with sock:
                    sock.recv(65536)
                    sock.sendall(reply)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        server.shutdown(socket.SHUT_RDWR)
        thread.join(timeout=5)
