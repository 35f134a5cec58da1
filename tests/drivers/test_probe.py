"""Whether a daemon works: real ones that answer, hang, refuse and talk nonsense, and programs that do."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from tests.drivers.process_kit import await_end

from trimtab.agent_config import Probe
from trimtab.drivers.probe import Answer, Verdict, judge, works
from trimtab.errors import BadInput

LIMIT_S = 0.4
HTTP = Probe("http", "http://127.0.0.1:1/ready")
COMMAND = Probe("command", "birdc show status", "Daemon is up")


def asked(probe: Probe, limit: float = LIMIT_S) -> Verdict:
    """The verdict, in time."""
    return asyncio.run(asyncio.wait_for(works(probe, limit), limit + 30))


# ---- judging


@pytest.mark.parametrize(
    ("probe", "answer", "works"),
    [
        (HTTP, Answer("came", "HTTP/1.1 200 OK\r\n"), True),
        (HTTP, Answer("came", "HTTP/1.0 200\r\n"), True),
        (HTTP, Answer("came", "HTTP/1.1 503 Service Unavailable\r\n"), False),
        (HTTP, Answer("came", "HTTP/1.1 2000 OK\r\n"), False),
        (HTTP, Answer("came", "SSH-2.0-OpenSSH 200\r\n"), False),
        (HTTP, Answer("came", "\r\n"), False),
        (HTTP, Answer("silent", "no answer"), False),
        (HTTP, Answer("nobody", "refused"), False),
        (HTTP, Answer("cut", "closed without an answer"), False),
        (HTTP, Answer("unable", "Too many open files"), None),
        (COMMAND, Answer("came", "BIRD 2.0\nDaemon is up and running\n", 0), True),
        (COMMAND, Answer("came", "Unable to connect to server control socket\n", 1), False),
        (COMMAND, Answer("came", "", 0), False),
        (COMMAND, Answer("silent", "did not end"), False),
        (COMMAND, Answer("unable", "birdc cannot be run"), None),
        (COMMAND, Answer("came", "Daemon is up", -9), None),
        (Probe("command", "true"), Answer("came", "", 0), True),
        (Probe("command", "true"), Answer("came", "", 3), False),
        (Probe("process"), Answer("came"), True),
    ],
)
def test_verdicts(probe: Probe, answer: Answer, works: bool | None) -> None:
    verdict = judge(probe, answer)
    assert verdict.works is works and bool(verdict.reason) is (works is not True)


# ---- http


def served(
    talk: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]], path: str = "/ready"
) -> Verdict:
    """The verdict about a server that talks like this."""

    async def ask() -> Verdict:
        server = await asyncio.start_server(talk, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with server:
            return await works(Probe("http", f"http://127.0.0.1:{port}{path}"), LIMIT_S)

    return asyncio.run(asyncio.wait_for(ask(), LIMIT_S + 30))


def saying(text: bytes) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(text)
            await writer.drain()
        writer.close()

    return talk


async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        await reader.read()
        await reader.read()
    writer.close()


def test_http_that_works_is_asked_for_its_path() -> None:
    heard: list[bytes] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
        writer.close()

    assert served(talk, "/health?full=1") == Verdict(True)
    assert heard[0].startswith(b"GET /health?full=1 HTTP/1.1\r\nHost: 127.0.0.1:")


@pytest.mark.parametrize(
    "text", [b"HTTP/1.1 500 No\r\n\r\n", b"", b"HTTP/1.1 200", b"x" * 100_000, b"\xff\xfe\n", b"220 mail\r\n"]
)
def test_http_that_does_not(text: bytes) -> None:
    verdict = served(saying(text))
    assert verdict.works is False and verdict.reason


def test_http_that_hangs() -> None:
    assert served(silent) == Verdict(False, f"no answer within {LIMIT_S} s")


def test_http_where_nobody_listens() -> None:
    assert asked(HTTP).works is False


@pytest.mark.parametrize(
    "target",
    ["https://127.0.0.1/", "http://192.0.2.1/", "http://example.net/", "127.0.0.1:80", "", "http://127.0.0.1:99999/",
     "http://127.0.0.1/a b", "http://127.0.0.1/a\x7f", "http:///x"],
)  # fmt: skip
def test_only_this_host_is_asked(target: str) -> None:
    with pytest.raises(BadInput):
        asked(Probe("http", target))


# ---- commands


def test_a_command_that_says_what_is_expected() -> None:
    assert asked(Probe("command", "echo 'Daemon is up'", "Daemon is up"), 5) == Verdict(True)
    assert asked(Probe("command", "true"), 5) == Verdict(True)
    assert asked(Probe("command", "false"), 5).works is False


def test_there_is_no_shell() -> None:
    assert asked(Probe("command", "echo a; echo up", "a; echo up"), 5) == Verdict(True)


def test_a_command_that_says_something_else() -> None:
    assert asked(Probe("command", "echo down", "up"), 5) == Verdict(False, "exit status 0: 'down'")


def test_a_command_that_hangs_is_ended_with_its_children(tmp_path: Path) -> None:
    script = tmp_path / "hangs"
    script.write_text(f"#!/bin/sh\nsleep 100 &\necho $! > {tmp_path}/child\nwait\n")
    script.chmod(0o755)
    assert asked(Probe("command", str(script), "up"), 1).works is False
    await_end((tmp_path / "child").read_text().strip())


def test_a_command_that_floods() -> None:
    assert asked(Probe("command", "yes", "up"), 1).works is False


def test_a_program_that_is_not_there_says_nothing_about_the_daemon(tmp_path: Path) -> None:
    verdict = asked(Probe("command", f"{tmp_path}/none", "up"))
    assert verdict.works is None and "cannot be run" in verdict.reason
    (tmp_path / "closed").write_text("")
    assert asked(Probe("command", f"{tmp_path}/closed", "up")).works is None


@pytest.mark.parametrize("target", ["", "   ", "echo 'open"])
def test_no_command(target: str) -> None:
    with pytest.raises(BadInput):
        asked(Probe("command", target))


def test_a_process_is_all_there_is() -> None:
    assert asked(Probe("process")) == Verdict(True)
