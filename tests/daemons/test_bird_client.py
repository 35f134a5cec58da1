"""The socket: one that is late, wrong, endless or gone gives an error within its deadline; one that answers is understood."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from ipaddress import ip_network
from pathlib import Path
from typing import Any, TypeVar

import pytest

from trimtab.daemons.bird.client import Bird
from trimtab.daemons.bird.wire import GRACEFUL_SHUTDOWN
from trimtab.errors import BadInput, DriverError, InvalidResponse, Refused, Unreachable

T = TypeVar("T")
Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
A, B = ip_network("198.18.1.0/24"), ip_network("198.18.2.0/24")
HELLO = b"0001 BIRD 2.0.12 ready.\n"
NO_TABLE = "9001 No export table in channel up_x4.ipv4\n"
NOT_FOUND = "8001 Network not found\n"
MARKED = "1007-Table t:\n {} unicast [origin4 10:00] * (200)\n1012-\tBGP.community: (65535,0)\n0000 \n"
PLAIN = "1007-Table t:\n {} unicast [origin4 10:00] * (200)\n0000 \n"


def against(
    folder: Path, serve: Serve, work: Callable[[Bird], Coroutine[Any, Any, T]], limit_s: float = 5.0
) -> T:
    async def main() -> T:
        path = folder / "bird.ctl"
        async with await asyncio.start_unix_server(serve, path):
            return await work(Bird(path, limit_s))

    return asyncio.run(main())


def answers(said: Mapping[str, str], heard: list[str]) -> Serve:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(HELLO)
        while line := (await reader.readline()).decode().rstrip("\n"):
            heard.append(line)
            writer.write(said[line].encode())
        writer.close()

    return serve


def sends(*chunks: bytes, then_close: bool = True) -> Serve:
    """Whatever it is asked."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for chunk in chunks:
            writer.write(chunk)
        if not then_close:
            await reader.read()  # until the other one goes
        writer.close()

    return serve


@pytest.mark.parametrize(
    "serve",
    [
        sends(then_close=False),
        sends(HELLO, then_close=False),
        sends(HELLO, b"0002-Reading configuration\n", then_close=False),
    ],
)
def test_one_that_is_silent_is_not_waited_for_longer_than_was_said(tmp_path: Path, serve: Serve) -> None:
    with pytest.raises(Unreachable, match=r"within 0\.2 s"):
        against(tmp_path, serve, lambda bird: bird.configure(), limit_s=0.2)


@pytest.mark.parametrize(
    ("serve", "error"),
    [
        (sends(), Unreachable),
        (sends(HELLO), Unreachable),
        (sends(HELLO, b"0002-Reading"), Unreachable),
        (sends(b"HTTP/1.1 400 Bad Request\r\n\r\n"), InvalidResponse),
        (sends(b"0001 Something else\n"), InvalidResponse),
        (sends(HELLO + b"0003 Reconfigured\n", then_close=False), InvalidResponse),  # before it was asked
        (sends(HELLO, *[b"1007-" + b"x" * 4000 + b"\n"] * 1100), InvalidResponse),
    ],
)
def test_who_is_no_bird_or_goes_away(tmp_path: Path, serve: Serve, error: type[DriverError]) -> None:
    with pytest.raises(error):
        against(tmp_path, serve, lambda bird: bird.configure(), limit_s=30.0)


@pytest.mark.parametrize("path", ["nowhere/bird.ctl", "x" * 200, "plain"])
def test_where_nobody_listens(tmp_path: Path, path: str) -> None:
    (tmp_path / "plain").touch()
    with pytest.raises(Unreachable):
        asyncio.run(Bird(tmp_path / path).check())


def test_nothing_is_sent_for_a_name_that_is_none(tmp_path: Path) -> None:
    heard: list[str] = []
    asked: list[Callable[[Bird], Coroutine[Any, Any, Any]]] = [
        lambda bird: bird.members([(A, "X"), (A, "X\ndown")]),
        lambda bird: bird.reload_out("all; down"),
        lambda bird: bird.exported("x y", [A]),
        lambda bird: bird.filtered(""),
        lambda bird: bird.routes(A, "a\tb"),
    ]
    for each in asked:
        with pytest.raises(BadInput):
            against(tmp_path, answers({}, heard), each)
    assert heard == []


def test_what_is_asked_is_one_line_each(tmp_path: Path) -> None:
    heard: list[str] = []
    said = {
        "configure": "0002-Reading\n0003 Reconfigured\n",
        "configure check": "0002-Reading\n0020 Configuration OK\n",
        "show protocols": "2002-Name\n1002-up_x4 BGP --- up 10:00  Established\n0000 \n",
        f"eval {A} ~ SET": "0023 TRUE\n",
        f"eval {B} ~ SET": "0023 FALSE\n",
        "reload out up_x4": "0015-up_x4: reloading\n0000 \n",
        f"show route {A} all table wan4": MARKED.format(A),
        f"show route {B} all": NOT_FOUND,
    }

    async def work(bird: Bird) -> None:
        assert await bird.configure() == "done"
        await bird.check()
        assert (await bird.protocols())["up_x4"].state == "up"
        assert await bird.members([(A, "SET"), (B, "SET")]) == (True, False)
        await bird.reload_out("up_x4")
        (route,) = await bird.routes(A, "wan4")
        assert route.prefix == A and route.communities == {GRACEFUL_SHUTDOWN}
        assert await bird.routes(B) == ()

    against(tmp_path, answers(said, heard), work)
    assert heard == list(said)


def test_what_the_export_table_has_is_what_was_told(tmp_path: Path) -> None:
    said = {
        f"show route {A} all export table up_x4.ipv4": MARKED.format(A),
        f"show route {B} all export table up_x4.ipv4": NOT_FOUND,
    }
    heard: list[str] = []
    told = against(tmp_path, answers(said, heard), lambda bird: bird.exported("up_x4", [A, B]))
    assert told == {A: {GRACEFUL_SHUTDOWN}}
    assert heard == list(said), "the filter of now was not asked"


@pytest.mark.parametrize(
    ("was_told", "filter_says", "told"),
    [
        (MARKED, MARKED, {A: {GRACEFUL_SHUTDOWN}}),
        (PLAIN, MARKED, {A: {GRACEFUL_SHUTDOWN}}),
        (PLAIN, NOT_FOUND, {A: set()}),  # not fed yet: it still stands with the peer
        (NOT_FOUND, MARKED, {}),
    ],
)
def test_without_an_export_table_two_answers_are_joined(
    tmp_path: Path, was_told: str, filter_says: str, told: dict[Any, Any]
) -> None:
    said = {
        f"show route {A} all export table up_x4.ipv4": NO_TABLE,
        f"show route {A} exported up_x4": was_told.format(A),
        f"show route {A} all export up_x4": filter_says.format(A),
    }
    assert against(tmp_path, answers(said, []), lambda bird: bird.exported("up_x4", [A])) == told


def test_all_that_is_exported(tmp_path: Path) -> None:
    two = PLAIN.format(A).replace("0000 \n", "") + MARKED.format(B).replace("1007-Table t:\n ", "1007-")
    said = {"show route exported up_x4": two, "show route all export up_x4": two}
    told = against(tmp_path, answers(said, []), lambda bird: bird.exported("up_x4"))
    assert dict(told) == {A: frozenset(), B: frozenset({GRACEFUL_SHUTDOWN})}


def test_a_session_that_is_down_tells_nothing_and_that_is_no_empty_answer(tmp_path: Path) -> None:
    said = {
        f"show route {A} all export table up_x4.ipv4": NO_TABLE,
        f"show route {A} exported up_x4": "9001 No valid tables\n",
    }
    with pytest.raises(Refused, match="No valid tables"):
        against(tmp_path, answers(said, []), lambda bird: bird.exported("up_x4", [A]))
