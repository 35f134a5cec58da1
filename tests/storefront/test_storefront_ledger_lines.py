"""The ledger without idempotency keys: each POST is a line, the same id again another one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from pathlib import Path

import pytest

from trimtab.storefront.etcd import Cluster
from trimtab.storefront.ledger import Ledger
from trimtab.storefront.orders import OrderBook
from trimtab.storefront.server import Request, Response
from trimtab.storefront.shop import Shop


def answer(shop: Shop, method: str, path: str) -> int:
    async def ask() -> Response:
        found = shop.handle(Request(method, path, {}, b""))
        return await found if isinstance(found, Awaitable) else found

    return asyncio.run(ask()).status


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "ledger"


@pytest.fixture
def shop(file: Path) -> Shop:
    return Shop("hk", "hk-backend-1", OrderBook(Cluster([])), Ledger(str(file)))


def test_what_comes_twice_is_done_twice(shop: Shop, file: Path) -> None:
    assert [answer(shop, "POST", f"/ledger/{entry}") for entry in ("a-1", "a-2", "a-1")] == [201] * 3
    assert file.read_text() == "a-1\na-2\na-1\n"


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/ledger/a"), ("POST", "/ledger/"), ("POST", "/ledger/a/b")]
)
def test_nothing_else_is_a_line(shop: Shop, file: Path, method: str, path: str) -> None:
    assert answer(shop, method, path) == 404
    assert not file.exists()
