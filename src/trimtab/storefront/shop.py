"""The routes of the shop: a request in, a response out. Only orders wait for etcd, the rest is in memory."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator, Awaitable
from contextlib import aclosing
from typing import Any

from trimtab.storefront import pages
from trimtab.storefront.etcd import NotStored, StoreUnavailable
from trimtab.storefront.ledger import ROUTE, Ledger
from trimtab.storefront.orders import VALID_KEY, OrderBook, Outcome
from trimtab.storefront.server import Handler, Request, Response

HTML = {"Content-Type": "text/html; charset=utf-8", "Cache-Control": "no-cache"}
JSON = {"Content-Type": "application/json", "Cache-Control": "no-store"}
LINES = {"Content-Type": "application/x-ndjson", "Cache-Control": "no-store"}
NOT_STORED = "X-Order-Stored"  # `no` beside a 503: the client may be told that it certainly failed
STATUS: dict[Outcome, int] = {"created": 201, "repeated": 200, "conflict": 409}


def _json(status: int, content: dict[str, Any]) -> Response:
    return Response(status, json.dumps(content).encode() + b"\n", JSON)


def _refused(status: int, reason: str, **fields: str) -> Response:
    answer = _json(status, {"error": reason})
    return Response(status, answer.body, {**JSON, **fields})


class Shop:
    """One backend of the shop. site, name: shown on pages and to clients. ledger: None where there is none."""

    def __init__(self, site: str, name: str, orders: OrderBook, ledger: Ledger | None = None) -> None:
        self._orders, self._ledger = orders, ledger
        self._home = Response(200, pages.home(site, name), HTML)
        self._login = Response(200, pages.login(site, name), HTML)
        self._well = Response(200, b"ok\n", {"Cache-Control": "no-store"})
        self._exact: dict[str, Handler] = {
            "/": self._page, "/login": self._sign_in, "/health": self._health, "/api/health": self._health,
            "/orders": self._order_list,
        }  # fmt: skip

    def handle(self, request: Request) -> Response | Awaitable[Response]:
        """Answer one request of the main port."""
        if route := self._exact.get(request.path):
            return route(request)
        if request.path.startswith("/orders/"):
            return self._order(request)
        if self._ledger and request.path.startswith(ROUTE):
            return self._ledger.execute(request)
        return self.handle_static(request)

    def handle_static(self, request: Request) -> Response:
        """Answer one request of the static port."""
        found = pages.static(request.path)
        if found is None:
            return Response(404, b"not found\n")
        if request.method not in ("GET", "HEAD"):
            return Response(405, b"only GET and HEAD\n", {"Allow": "GET, HEAD"})
        caching = "no-cache" if request.path == "/health.txt" else "public, max-age=3600"
        return Response(200, found[1], {"Content-Type": found[0], "Cache-Control": caching})

    def _page(self, request: Request) -> Response:
        if request.method not in ("GET", "HEAD"):
            return Response(405, b"only GET and HEAD\n", {"Allow": "GET, HEAD"})
        return self._home

    def _sign_in(self, request: Request) -> Response:
        if request.method != "POST":
            return self._login
        cookie = f"session={os.urandom(16).hex()}; Path=/; Secure; HttpOnly; SameSite=Lax"
        return Response(303, b"", {"Location": "/", "Set-Cookie": cookie, "Cache-Control": "no-store"})

    def _health(self, request: Request) -> Response:
        # etcd is left out on purpose: a shop that cannot take orders still serves its readers
        return self._well

    def _order_list(self, request: Request) -> Response | Awaitable[Response]:
        if request.method == "POST":
            return self._place(request)
        if request.method != "GET":
            return _refused(405, "GET lists the orders, POST places one", Allow="GET, POST")
        return Response(200, self._listing(), LINES)

    async def _listing(self) -> AsyncIterator[bytes]:
        """A line an order; the last one says that it is complete: no part is taken for the whole."""
        number = 0
        async with aclosing(self._orders.pages()) as found:
            async for page in found:
                number += len(page)
                lines = [json.dumps({"key": order.key, "count": order.times}) + "\n" for order in page]
                yield "".join(lines).encode()
        yield json.dumps({"complete": True, "orders": number}).encode() + b"\n"

    async def _order(self, request: Request) -> Response:
        key = request.path.removeprefix("/orders/")
        if request.method != "GET" or not VALID_KEY.match(key):
            return _refused(404, "GET /orders/KEY")
        try:
            found = await self._orders.read(key)
        except StoreUnavailable as error:
            return _refused(503, str(error))
        if found is None:
            return _refused(404, "no such order")
        return _json(200, {"key": key, "order": found[0], "count": found[1]})

    async def _place(self, request: Request) -> Response:
        try:
            key, order = read_order(request)
        except ValueError as error:
            return _refused(400, str(error))
        try:
            outcome = await self._orders.create(key, order)
        except NotStored as error:
            return _refused(503, str(error), **{"Retry-After": "1", NOT_STORED: "no"})
        except StoreUnavailable as error:
            # nobody knows whether the write happened: the client may repeat it, the key makes that harmless
            return _refused(503, str(error), **{"Retry-After": "1"})
        if outcome == "conflict":
            return _refused(409, "another order has this key")
        return _json(STATUS[outcome], {"key": key, "status": outcome})


def read_order(request: Request) -> tuple[str, str]:
    """Key and text of a posted order: header Idempotency-Key, or `id` of a JSON object. Raises ValueError."""
    try:
        text = request.body.decode()
    except UnicodeDecodeError as error:
        raise ValueError("the order is not UTF-8") from error
    key = request.fields.get("idempotency-key", "").strip('"')
    if not key:
        content = json.loads(text) if text.lstrip().startswith("{") else {}
        key = str(content.get("id", "")) if isinstance(content, dict) else ""
    if not VALID_KEY.match(key):
        raise ValueError("an order needs Idempotency-Key (or a JSON id): 1 to 128 of A-Z a-z 0-9 . _ : -")
    if not text:
        raise ValueError("the order is empty")
    return key, text
