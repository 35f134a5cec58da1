"""A store without a leader, and a shop that says no: who is told what, and what stays certain."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
from storefront_kit import Shop, ask, wait_until

from trimtab.storefront import etcd, put
from trimtab.storefront.etcd import Cluster, NotStored, StoreUnavailable
from trimtab.storefront.put import Orders, judge
from trimtab.storefront.target import Target

StartShop = Callable[..., Shop]
Storefront = Callable[..., tuple[int, list[str], str]]

# What etcd 3.4's gateway answers to `Grpc-Metadata-hasleader: true`.
NO_LEADER = (503, b'{"error":"etcdserver: no leader","message":"etcdserver: no leader","code":14}', "")
STORED = (200, b'{"header":{"revision":"7"},"succeeded":true}', "")
BROKEN = (500, b'{"error":"etcdserver: request timed out"}', "")
MUTE: None = None
Answer = tuple[int, bytes, str] | None


class Server:
    """Answers requests with `answer`: (status, body, more fields); None: holds them without a word."""

    def __init__(self, answer: Answer) -> None:
        self.answer, self.heads, self.holds = answer, list[str](), 0.0

    def serve(self, sock: socket.socket) -> None:
        with sock, sock.makefile("rb") as lines:
            while head := _head(lines):
                self.heads.append(head)
                lines.read(int(head.partition("content-length: ")[2].partition("\r\n")[0] or 0))
                while self.answer is None:
                    if not sock.recv(1):
                        return
                time.sleep(self.holds)
                status, body, fields = self.answer
                sock.sendall(
                    f"HTTP/1.1 {status} x\r\n{fields}Content-Length: {len(body)}\r\n\r\n".encode() + body
                )


def _head(lines: Any) -> str:
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        if not (line := lines.readline()):
            return ""
        head += line
    return str(head.decode().lower())


@contextmanager
def serving(answer: Answer) -> Iterator[tuple[str, Server]]:
    """(URL, server) for the length of the block."""
    server = Server(answer)
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def accept() -> None:
            while True:
                try:
                    sock, _ = listener.accept()
                except OSError:
                    return
                threading.Thread(target=_quietly, args=(server, sock), daemon=True).start()

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", server
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(timeout=5)


def _quietly(server: Server, sock: socket.socket) -> None:
    try:
        server.serve(sock)
    except OSError:
        return


def cluster(*answers: Answer) -> tuple[ExitStack, Cluster, list[Server]]:
    stack = ExitStack()
    found = [stack.enter_context(serving(answer)) for answer in answers]
    return stack, Cluster([url for url, _ in found]), [server for _, server in found]


def run(call: Coroutine[Any, Any, Any]) -> Any:
    async def main() -> Any:
        return await asyncio.wait_for(call, 20)

    return asyncio.run(main())


# The shop's side.


def test_every_request_asks_for_a_leader() -> None:
    stack, found, (server,) = cluster(STORED)
    with stack:
        assert run(found.call("/v3/kv/txn", {}))["succeeded"] is True
    assert "grpc-metadata-hasleader: true" in server.heads[0]


def test_a_member_without_a_leader_is_left_for_one_that_has_it() -> None:
    stack, found, _ = cluster(NO_LEADER, STORED)
    with stack:
        assert run(found.call("/v3/kv/txn", {}))["succeeded"] is True


def test_where_each_member_says_that_nobody_leads_nothing_was_stored() -> None:
    stack, found, _ = cluster(NO_LEADER, NO_LEADER)
    with stack, pytest.raises(NotStored, match="has no leader"):
        run(found.call("/v3/kv/txn", {}, deadline=15.0))


def test_a_request_under_way_when_patience_ends_is_heard_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cut off there nobody would know whether it was stored, and the member was about to refuse."""
    monkeypatch.setattr(etcd, "LAST_SECONDS", 5.0)
    stack, found, (server,) = cluster(NO_LEADER)
    server.holds = 0.6 * etcd.REFUSE_SECONDS  # the second one begins before it ends, and ends after it
    with stack, pytest.raises(NotStored, match="has no leader"):
        run(found.call("/v3/kv/txn", {}, deadline=15.0))
    assert len(server.heads) == 2, "and none begins afterwards"


def test_a_member_of_a_minority_refuses_long_before_the_deadline() -> None:
    """The others are out of reach: nobody listens there."""
    with socket.create_server(("127.0.0.1", 0)) as gone:
        unreachable = f"http://127.0.0.1:{gone.getsockname()[1]}"
    with serving(NO_LEADER) as (url, _), pytest.raises(NotStored, match="given up"):
        run(
            Cluster([url, unreachable]).call("/v3/kv/txn", {}, deadline=600.0)
        )  # `run` does not wait for that


@pytest.mark.parametrize("other", [BROKEN, MUTE], ids=["broken", "mute"])
def test_what_may_have_reached_somebody_is_not_called_certain(other: Answer) -> None:
    stack, found, _ = cluster(other, NO_LEADER)
    with stack, pytest.raises(StoreUnavailable) as refused:
        run(found.call("/v3/kv/txn", {}, deadline=1.5))
    assert not isinstance(refused.value, NotStored)


def test_who_is_out_of_reach_has_stored_nothing() -> None:
    with pytest.raises(NotStored):
        run(Cluster(["http://127.0.0.1:1"]).call("/v3/kv/txn", {}, deadline=0.3))
    with pytest.raises(NotStored, match="no store"):
        run(Cluster([]).call("/v3/kv/txn", {}))


def test_while_nobody_leads_patience_is_short_from_the_start_and_long_again_afterwards() -> None:
    stack, found, servers = cluster(NO_LEADER)

    async def all_of_it() -> list[float]:
        patience = [found._patience(4.0)]
        with pytest.raises(NotStored):
            await found.call("/v3/kv/txn", {})
        patience.append(found._patience(4.0))
        servers[0].answer = STORED
        for store in found._stores:
            store.avoid_until = 0.0
        await found.call("/v3/kv/txn", {})
        return [*patience, found._patience(4.0)]

    with stack:
        assert run(all_of_it()) == [4.0, etcd.REFUSE_SECONDS, 4.0]


def test_the_shop_says_503_and_that_it_is_not_stored(start_shop: StartShop) -> None:
    with serving(NO_LEADER) as (url, _):
        shop = start_shop(url)
        status, fields, body = ask(shop.port, "POST", "/orders", "x", Idempotency_Key="k")
        assert (status, fields["x-order-stored"], fields["retry-after"]) == (503, "no", "1")
        assert "no leader" in json.loads(body)["error"]
        assert ask(shop.port, "GET", "/")[0] == 200, "readers do not need the store"


def test_the_shop_does_not_say_so_where_it_cannot_know(start_shop: StartShop) -> None:
    with serving(BROKEN) as (url, _):
        status, fields, _ = ask(start_shop(url).port, "POST", "/orders", "x", Idempotency_Key="k")
        assert status == 503
        assert "x-order-stored" not in fields


def test_orders_are_taken_as_soon_as_somebody_leads(start_shop: StartShop) -> None:
    with serving(NO_LEADER) as (url, server):
        shop = start_shop(url)
        assert ask(shop.port, "POST", "/orders", "x", Idempotency_Key="k")[0] == 503
        server.answer = STORED
        wait_until(lambda: ask(shop.port, "POST", "/orders", "x", Idempotency_Key="k")[0] == 201, "an order")


# The client's side.

REFUSING = (503, b"", "X-Order-Stored: no\r\n")
UNSURE = (503, b"", "")
FULL = (429, b"", "")


def test_only_the_shops_own_word_makes_a_503_certain() -> None:
    assert judge(503, {"x-order-stored": "no"}) == "not-stored"
    assert judge(503, {"x-order-stored": "yes"}) == judge(503) == "unknown"


@pytest.mark.parametrize(
    ("answer", "outcome", "status"),
    [(REFUSING, "failed", 503), (UNSURE, "unknown", 503), (FULL, "failed", 429)],
)
def test_an_order_that_is_refused_to_the_end(answer: Answer, outcome: str, status: int) -> None:
    later: list[tuple[str, int]] = []
    with serving(answer) as (url, server):
        orders = Orders(Target(url), lambda key, told: later.append((key, told)))
        assert run(orders.place("k", "v", total=0.6)) == outcome
    assert set(later) == {("k", status)}
    assert len(later) == len(server.heads) > 1


def test_one_unsure_answer_among_refusals_leaves_it_unknown() -> None:
    with serving(UNSURE) as (url, server):

        async def place() -> str:
            orders = Orders(Target(url), lambda key, status: setattr(server, "answer", REFUSING))
            return await orders.place("k", "v", total=1.5)

        assert run(place()) == "unknown"


def test_an_order_that_waits_is_told_once_and_then_its_end(storefront: Storefront) -> None:
    with serving(REFUSING) as (url, server):

        def heal() -> None:
            wait_until(lambda: len(server.heads) >= 4, "repeated attempts")
            server.answer = (201, b"", "")

        thread = threading.Thread(target=heal, daemon=True)
        thread.start()
        code, lines, errors = storefront("order", "--url", url, text="k v\n")
        thread.join(timeout=20)
    assert (code, errors) == (0, "")
    assert lines == ["k later 503", "k ok"]


def test_an_order_that_is_taken_at_once_is_not_told_to_wait(storefront: Storefront) -> None:
    with serving((201, b"", "")) as (url, _):
        assert storefront("order", "--url", url, text="k v\n")[1] == ["k ok"]


def test_put_answers_within_the_time_that_a_drill_leaves_it() -> None:
    from trimtab.drills.ledger import FINISH_SECONDS

    assert put.TOTAL_SECONDS < FINISH_SECONDS
