"""What etcd says, recorded from 3.4.23, and what nobody should say: judged without a socket, then over a false server."""

from __future__ import annotations

import asyncio
import itertools
import json
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.registry.registry_kit import access, answer, first, run, serving

from trimtab.drivers.http import Limits, NotDone
from trimtab.errors import Compacted, Conflict, DriverError, InvalidResponse, LeaseGone, Refused, Unreachable
from trimtab.registry.base import Batch, Write
from trimtab.registry.etcd import wire
from trimtab.registry.etcd.client import Etcd
from trimtab.registry.etcd.faults import CODES, TEXTS, Unauthenticated, fault_in, fault_of
from trimtab.registry.etcd.watch import Pulse

SPACE = wire.Space("/trimtab/test")
LIMITS = Limits(connect_s=0.5, answer_s=0.3, whole_s=1, max_body=100_000)
HEADER = {
    "cluster_id": "324952591200643719",
    "member_id": "3319814642761637952",
    "revision": "7",
    "raft_term": "2",
}
CREATED = {"result": {"header": HEADER, "created": True}}
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def b64(text: str | bytes) -> str:
    return b64encode(text.encode() if isinstance(text, str) else text).decode()


def pair(name: str, revision: int, value: str = "v", prefix: str = "/trimtab/test/") -> dict[str, Any]:
    return {"key": b64(prefix + name), "value": b64(value), "mod_revision": str(revision)}


def line(found: Any) -> bytes:
    raw = json.dumps(found).encode() + b"\n"
    return b"%x\r\n%s\r\n" % (len(raw), raw)


# ---- the error map


def test_every_grpc_code_has_its_error() -> None:
    assert sorted(CODES) == list(range(1, 17))
    for code, kind in CODES.items():
        found = fault_in("etcd", {"message": "etcdserver: something", "code": code})
        assert type(found) is kind and "something" in found.message


def test_every_error_of_the_tree_can_come_from_etcd_but_those_that_its_answers_are() -> None:
    """Conflict is a transaction that did not succeed: an answer, no error."""
    possible = {*CODES.values(), *(kind for _, kind in TEXTS)}
    known = {kind for kind in DriverError.__subclasses__() if kind.__module__ == "trimtab.errors"}
    assert {kind for kind in known if not any(issubclass(each, kind) for each in possible)} == {Conflict}


def told(text: str, code: int) -> str:
    """As the gateway writes it."""
    return json.dumps({"error": f"etcdserver: {text}", "message": f"etcdserver: {text}", "code": code})


RECORDED = [
    (404, told("requested lease not found", 5), LeaseGone),
    (400, told("mvcc: required revision is a future revision", 11), Compacted),
    (400, told("mvcc: required revision has been compacted", 11), Compacted),
    (400, told("duplicate key given in txn request", 3), Refused),
    (412, told("authentication is not enabled", 9), Refused),
    (400, told("authentication failed, invalid user ID or password", 3), Refused),
    (403, told("permission denied", 7), Refused),
    (401, told("invalid auth token", 16), Unauthenticated),
    (400, told("user name is empty", 3), Unauthenticated),
    (400, told("revision of auth store is old", 3), Unauthenticated),
    (503, told("no leader", 14), NotDone),
    (503, told("request timed out", 14), Unreachable),
    (500, told("leader changed", 14), Unreachable),
    (429, told("mvcc: database space exceeded", 8), Refused),
    (429, told("too many requests", 8), NotDone),
    (404, "Not Found", Refused),
    (400, "CommonName of client sending a request against gateway will be ignored and not used as expected\n", Refused),
    (502, "<html>Bad Gateway</html>", Unreachable),
    (302, "", InvalidResponse),
    (400, "[" * 5000, InvalidResponse),
    (400, '{"code":99}', InvalidResponse),
    (400, '{"code":"7"}', InvalidResponse),
    (400, '{"message":"\\u001b[2Jx","code":3}', Refused),
]  # fmt: skip


@pytest.mark.parametrize(("status", "body", "kind"), RECORDED)
def test_what_etcd_says_when_it_says_no(status: int, body: str, kind: type[DriverError]) -> None:
    found = fault_of("http://10.0.0.1:2379", status, body.encode())
    assert type(found) is kind
    assert "http://10.0.0.1:2379" in found.message and len(found.message) < 400


def test_an_error_within_a_stream_has_its_code_under_another_name() -> None:
    said = {
        "grpc_code": 14,
        "http_code": 503,
        "message": "etcdserver: no leader",
        "http_status": "Service Unavailable",
    }
    assert isinstance(fault_in("etcd", said), NotDone)


# ---- replies


def test_a_page_and_the_next_one() -> None:
    reply = {"header": HEADER, "kvs": [pair("a", 3), pair("b", 6), pair("c", 5)], "more": True, "count": "4"}
    page = wire.page_of(SPACE, b"", reply)
    assert page.records == {"a": b"v", "b": b"v", "c": b"v"}
    assert page.rest == b"/trimtab/test/c\0"
    assert page.newest == wire.Mark("b", 6, b"v")
    assert wire.range_request(SPACE, page.rest, 2, 7) == {
        "key": b64("/trimtab/test/c\0"),
        "range_end": b64("/trimtab/test0"),
        "limit": "2",
        "revision": "7",
    }


def test_an_empty_value_and_a_key_that_is_no_text() -> None:
    odd = {"key": b64(b"/trimtab/test/\xff\xfe"), "mod_revision": "3"}
    assert wire.page_of(SPACE, b"", {"header": HEADER, "kvs": [odd]}).records == {"\\xff\\xfe": b""}


@pytest.mark.parametrize(
    "reply",
    [
        {},
        {"header": []},
        {"header": {**HEADER, "revision": "x"}},
        {"header": {**HEADER, "revision": 1.5}},
        {"header": {**HEADER, "revision": True}},
        {"header": {**HEADER, "revision": "9" * 30}},
        {"header": {**HEADER, "revision": "٧"}},
        {"header": HEADER, "kvs": {}},
        {"header": HEADER, "kvs": [1]},
        {"header": HEADER, "kvs": [{"key": "%"}]},
        {"header": HEADER, "kvs": [{"key": 7}]},
        {"header": HEADER, "kvs": [{"key": None}]},
        {"header": HEADER, "kvs": [pair("a", 3, prefix="/other/")]},
        {"header": HEADER, "kvs": [pair("b", 3), pair("a", 3)]},
        {"header": HEADER, "kvs": [pair("a", 3), pair("a", 3)]},
        {"header": HEADER, "kvs": [], "more": True},
    ],
)
def test_a_page_that_is_none(reply: dict[str, Any]) -> None:
    with pytest.raises(InvalidResponse):
        wire.page_of(SPACE, b"", reply)


def test_events_in_their_order() -> None:
    events = [
        {"kv": pair("a", 8)},
        {"type": "DELETE", "kv": {"key": b64("/trimtab/test/b"), "mod_revision": "9"}},
    ]
    found = wire.event_of(SPACE, 7, json.dumps({"result": {"header": HEADER, "events": events}}).encode())
    assert found == Batch(9, (("a", b"v"), ("b", None)))


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"[]",
        b"{}",
        b"\xff",
        b"[" * 5000,
        json.dumps({"result": []}).encode(),
        json.dumps({"result": {"events": [{}]}}).encode(),
        json.dumps({"result": {"events": [{"kv": pair("a", 7)}]}}).encode(),  # of the past
        json.dumps({"result": {"events": [{"kv": pair("a", 9)}, {"kv": pair("a", 8)}]}}).encode(),
        json.dumps({"result": {"events": [{"type": "MOVE", "kv": pair("a", 8)}]}}).encode(),
        json.dumps({"result": {"events": [{"kv": pair("a", 8, prefix="/other/")}]}}).encode(),
        json.dumps({"error": "x"}).encode(),
    ],
)
def test_a_line_of_a_watch_that_is_none(raw: bytes) -> None:
    with pytest.raises(InvalidResponse):
        wire.event_of(SPACE, 7, raw)


# ---- over a false server


@asynccontextmanager
async def etcd_that(**said: Any) -> AsyncIterator[tuple[Etcd, list[tuple[str, Any]]]]:
    """said: by the last word of the path what is answered, or a list of answers in turn. Raw bytes stay as they are."""
    asked: list[tuple[str, Any]] = []
    said = {"range": {"header": HEADER}, **said}

    def handler(path: str, body: bytes) -> bytes | None:
        asked.append((path, json.loads(body)))
        found = said[path.rpartition("/")[2]]
        if isinstance(found, list):
            found = found.pop(0) if len(found) > 1 else found[0]
        if isinstance(found, tuple):
            return answer(found[1], found[0])
        return found if isinstance(found, bytes) or found is None else answer(json.dumps(found))

    async with serving(handler) as url:
        client = Etcd(access(url, prefix="/trimtab/test"), limits=LIMITS, pulse=Pulse(0.1, 0.2))
        yield client, asked
        await client.close()


def test_a_server_without_an_end_of_pages_is_left() -> None:
    """More and more, always the same."""

    async def test() -> None:
        async with etcd_that(range={"header": HEADER, "kvs": [pair("a", 3)], "more": True}) as (
            client,
            asked,
        ):
            with pytest.raises(InvalidResponse, match="out of order"):
                await client.read()
            assert len(asked) == 2

    run(test())


def test_pages_of_two_clusters_are_nonsense() -> None:
    pages = [
        {"header": HEADER, "kvs": [pair("a", 3)], "more": True},
        {"header": {**HEADER, "cluster_id": "1"}, "kvs": [pair("b", 3)]},
    ]

    async def test() -> None:
        async with etcd_that(range=pages) as (client, _):
            with pytest.raises(InvalidResponse, match="two clusters"):
                await client.read()

    run(test())


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (b"not http\r\n\r\n", InvalidResponse),
        (answer("not json"), InvalidResponse),
        (answer("{" * 50_000), InvalidResponse),
        (answer("x" * 100_001), InvalidResponse),
        ((503, '{"message":"etcdserver: no leader","code":14}'), Unreachable),
        (None, Unreachable),
    ],
)
def test_what_a_read_makes_of_it(reply: Any, kind: type[DriverError]) -> None:
    async def test() -> None:
        async with etcd_that(range=reply) as (client, _):
            with pytest.raises(kind):
                await client.read()

    run(test())


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ([], Unreachable),  # silence
        ([b"0\r\n\r\n"], Unreachable),
        ([line(CREATED), b"0\r\n\r\n"], Unreachable),
        ([line({"error": {"grpc_code": 14, "message": "etcdserver: no leader"}})], Unreachable),
        ([line(CREATED), line({"error": {"grpc_code": 14, "message": "etcdserver: no leader"}})], Unreachable),
        ([line(CREATED), line({"result": {"header": HEADER, "canceled": True, "compact_revision": "9"}})], Compacted),
        ([line({"result": {"header": HEADER, "canceled": True, "compact_revision": "9"}})], Compacted),
        ([line(CREATED), line({"result": {"canceled": True, "cancel_reason": "etcdserver: no leader"}})], Unreachable),
        ([line(CREATED), line({"result": {"canceled": True}})], Unreachable),
        ([line({"result": {"canceled": True, "cancel_reason": "etcdserver: permission denied"}})], Refused),
        ([line(CREATED), b"5\r\nnono\n\r\n"], InvalidResponse),
        ([line(CREATED), line({"result": {"events": [{"kv": pair("a", 3)}]}})], InvalidResponse),
        ([line({"result": {"header": HEADER, "events": [{"kv": pair("a", 8)}]}})], InvalidResponse),
        ([line(CREATED), b"ffff\r\n" + b"x" * 0xFFFF + b"\r\n", b"ffff\r\n" + b"x" * 0xFFFF + b"\r\n"], InvalidResponse),
    ],
)  # fmt: skip
def test_how_a_watch_ends(said: list[bytes], kind: type[DriverError]) -> None:
    async def test() -> None:
        async with etcd_that(watch=CHUNKED + b"".join(said)) as (client, _):
            with pytest.raises(kind):
                await first(client.watch(7))

    run(test())


def test_a_watch_asks_for_what_comes_after_and_a_sign_of_life_is_no_change() -> None:
    alive = {"result": {"header": HEADER}}
    change = {"result": {"header": HEADER, "events": [{"kv": pair("a", 8)}]}}

    async def test() -> None:
        async with etcd_that(watch=CHUNKED + line(CREATED) + line(alive) + line(change)) as (client, asked):
            assert (await first(client.watch(7))).changes == (("a", b"v"),)
            request = next(body for path, body in asked if path == "/v3/watch")["create_request"]
            assert request == {
                "key": b64("/trimtab/test/"),
                "range_end": b64("/trimtab/test0"),
                "start_revision": "8",
                "progress_notify": True,
            }

    run(test())


def test_a_member_that_no_longer_answers_beside_its_watch_is_given_up() -> None:
    async def test() -> None:
        async with etcd_that(range=[{"header": HEADER}, None], watch=CHUNKED + line(CREATED)) as (client, _):
            with pytest.raises(Unreachable, match="the watch was given up"):
                await first(client.watch(7))

    run(test())


@pytest.mark.parametrize(
    ("header", "mark"),
    [
        ({"revision": "6"}, "v"),
        ({"cluster_id": "1"}, "v"),
        ({"raft_term": "1"}, "v"),
        ({"revision": "70"}, "another"),
        ({"revision": "70"}, None),
    ],
)
def test_a_registry_that_was_made_anew_is_known_by_one_of_four_signs(
    header: dict[str, str], mark: str | None
) -> None:
    before = {"header": HEADER, "kvs": [pair("a", 5)]}
    after = {"header": {**HEADER, **header}, "kvs": [pair("a", 5, mark)] if mark else []}

    async def test() -> None:
        async with etcd_that(range=[before, after], watch=CHUNKED + line(CREATED)) as (client, _):
            start = await client.read()
            with pytest.raises(Compacted):
                await first(client.watch(start.revision))

    run(test())


def test_a_condition_is_not_asked_twice_after_a_silence_and_a_plain_put_is() -> None:
    async def test() -> None:
        count = itertools.count()
        done = json.dumps({"header": HEADER, "succeeded": True})
        async with (
            serving(lambda path, body: None) as mute,
            serving(lambda path, body: answer(done) if next(count) >= 0 else None) as good,
        ):
            client = Etcd(access(mute, good), limits=LIMITS)
            with pytest.raises(Unreachable, match="no answer"):
                await client.write(Write(put={"a": b"1"}, absent=("a",)))
            client = Etcd(access(mute, good), limits=LIMITS)
            assert await client.write(Write(put={"a": b"1"})) == 7
        assert next(count) == 1

    run(test())


@pytest.mark.parametrize("reply", [{}, {"ID": "0"}, {"ID": "x"}, {"ID": "-3"}])
def test_a_lease_that_is_none(reply: dict[str, str]) -> None:
    async def test() -> None:
        async with etcd_that(grant=reply, keepalive={"error": {"grpc_code": 5}}) as (client, _):
            with pytest.raises(InvalidResponse):
                await client.grant(10)
            with pytest.raises(InvalidResponse):
                await client.keep(7)

    run(test())


# ---- tokens


EXPIRED = (401, '{"message":"etcdserver: invalid auth token","code":16}')
EMPTY = {"header": HEADER}


@asynccontextmanager
async def with_a_user(tmp_path: Path, **said: Any) -> AsyncIterator[tuple[Etcd, list[str]]]:
    (tmp_path / "password").write_text("secret")
    asked: list[str] = []

    def handler(path: str, body: bytes) -> bytes | None:
        word = path.rpartition("/")[2]
        asked.append(word)
        found = said[word].pop(0) if len(said[word]) > 1 else said[word][0]
        if isinstance(found, bytes):
            return found
        return answer(found[1], found[0]) if isinstance(found, tuple) else answer(json.dumps(found))

    async with serving(handler) as url:
        client = Etcd(access(url, user="agent", password=str(tmp_path / "password")), limits=LIMITS)
        yield client, asked
        await client.close()


def test_one_token_serves_until_it_has_expired_and_is_replaced_once(tmp_path: Path) -> None:
    async def test() -> None:
        said = {"authenticate": [{"token": "a.1"}, {"token": "b.2"}], "range": [EMPTY, EMPTY, EXPIRED, EMPTY]}
        async with with_a_user(tmp_path, **said) as (client, asked):
            for _ in range(3):
                await client.read()
            assert asked == ["authenticate", "range", "range", "range", "authenticate", "range"]
        async with with_a_user(tmp_path, authenticate=[{"token": "a.1"}], range=[EXPIRED]) as (client, asked):
            with pytest.raises(Refused, match="invalid auth token"):
                await client.read()
            assert asked == ["authenticate", "range"] * 2

    run(test())


def test_many_at_once_authenticate_once(tmp_path: Path) -> None:
    async def test() -> None:
        async with with_a_user(tmp_path, authenticate=[{"token": "a.1"}], range=[EMPTY]) as (client, asked):
            await asyncio.gather(*(client.read() for _ in range(5)))
            assert asked.count("authenticate") == 1

    run(test())


def test_a_watch_that_is_denied_its_permission_begins_again_with_a_new_token(tmp_path: Path) -> None:
    """etcd says so where a token has expired between two questions."""
    denied = {"result": {"canceled": True, "cancel_reason": "etcdserver: permission denied"}}
    change = {"result": {"header": HEADER, "events": [{"kv": pair("a", 8)}]}}
    said = {
        "authenticate": [{"token": "a.1"}, {"token": "b.2"}],
        "range": [EMPTY],
        "watch": [CHUNKED + line(denied), CHUNKED + line(CREATED) + line(change)],
    }

    async def test() -> None:
        async with with_a_user(tmp_path, **said) as (client, asked):
            assert (await first(client.watch(7))).revision == 8
            assert asked == ["authenticate", "range", "watch", "authenticate", "watch"]

    run(test())


@pytest.mark.parametrize("token", [None, 7, "", "a\r\nX-Evil: 1", "é", "x" * 9000])
def test_a_token_that_is_none(tmp_path: Path, token: Any) -> None:
    async def test() -> None:
        async with with_a_user(tmp_path, authenticate=[{"token": token}], range=[EMPTY]) as (client, _):
            with pytest.raises(InvalidResponse, match="no token"):
                await client.read()

    run(test())
