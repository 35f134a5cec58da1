"""Whether a daemon works: how it is asked, and what the answer means, apart.

That its process runs is the supervisor's to say; a process that is stopped or wedged runs too, and only an answer tells.
"""

from __future__ import annotations

import asyncio
import shlex
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Literal, Protocol
from urllib.parse import SplitResult, urlsplit

from trimtab.drivers.command import Ran, run
from trimtab.errors import BadInput

ASK_S = 1.0
MAX_HEAD = 4096  # bytes of a reply that are looked at


class Probe(Protocol):
    """See `agent_config.Probe`."""

    @property
    def kind(self) -> Literal["http", "command", "process"]: ...
    @property
    def target(self) -> str: ...
    @property
    def expect(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Answer:
    """came: something was answered (`text`; `code` is the exit status of a command); silent: nothing within the deadline;
    nobody: the connection was refused; cut: it was taken and closed without a word; unable:
    the question could not be put, which says nothing about the daemon.
    """

    how: Literal["came", "silent", "nobody", "cut", "unable"]
    text: str = ""
    code: int | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """works: None is unknown. reason: in words, "" where it works."""

    works: bool | None
    reason: str = ""


async def works(probe: Probe, limit: float = ASK_S) -> Verdict:
    """Ask and judge. Raises BadInput for a probe that cannot be put."""
    return judge(probe, await ask(probe, limit))


async def ask(probe: Probe, limit: float = ASK_S) -> Answer:
    """limit: seconds for the whole. Raises BadInput."""
    if probe.kind == "http":
        return await _ask_http(_loopback(probe.target), limit)
    if probe.kind == "command":
        return _of_command(await run(_words(probe.target), limit))
    return Answer("came")


def judge(probe: Probe, answer: Answer) -> Verdict:
    if answer.how == "unable":
        return Verdict(None, answer.text)
    if answer.how != "came":
        return Verdict(False, answer.text)
    if probe.kind == "http":
        return _judge_http(answer.text)
    return Verdict(True) if probe.kind == "process" else _judge_command(probe.expect, answer)


def _judge_http(head: str) -> Verdict:
    line = head.partition("\n")[0].strip()
    words = line.split(" ", 2)
    if len(words) > 1 and words[0].startswith("HTTP/1.") and words[1] == "200":
        return Verdict(True)
    return Verdict(False, f"answered {line[:80]!a}")


def _judge_command(expect: str, answer: Answer) -> Verdict:
    """A program killed by somebody else has not asked; without anything to expect, its exit status tells."""
    if answer.code is not None and answer.code < 0:
        return Verdict(None, f"killed by signal {-answer.code}")
    if expect in answer.text and (expect or answer.code == 0):
        return Verdict(True)
    return Verdict(False, f"exit status {answer.code}: {answer.text.strip()[-200:]!a}")


def _loopback(url: str) -> SplitResult:
    """Only this host: an agent asks its own daemons."""
    found = urlsplit(url)
    try:
        here = found.hostname == "localhost" or ip_address(found.hostname or "").is_loopback
        port = found.port or 80
    except ValueError as error:
        raise BadInput(f"probe {ascii(url)[:100]}", "http://127.0.0.1:PORT/PATH") from error
    target = f"{found.path}?{found.query}"
    if (
        found.scheme != "http"
        or not here
        or not target.isascii()
        or not target.isprintable()
        or " " in target
    ):
        raise BadInput(f"probe {ascii(url)[:100]}", "http://127.0.0.1:PORT/PATH")
    return found._replace(netloc=f"{found.hostname}:{port}")


def _words(line: str) -> list[str]:
    try:
        words = shlex.split(line)
    except ValueError as error:
        raise BadInput(f"probe {ascii(line)[:100]}: {error}") from error
    if not words:
        raise BadInput("a probe without a command")
    return words


async def _ask_http(url: SplitResult, limit: float) -> Answer:
    host, _, port = url.netloc.rpartition(":")
    path = (url.path or "/") + (f"?{url.query}" if url.query else "")
    name = f"[{host}]" if ":" in host else host
    asked = f"GET {path} HTTP/1.1\r\nHost: {name}:{port}\r\nConnection: close\r\n\r\n"
    try:
        async with asyncio.timeout(limit):
            return await _first_line(host, int(port), asked.encode())
    except TimeoutError:
        return Answer("silent", f"no answer within {limit} s")
    except (ConnectionResetError, BrokenPipeError, asyncio.IncompleteReadError) as error:
        return Answer("cut", getattr(error, "strerror", None) or "closed without an answer")
    except ConnectionError as error:
        return Answer("nobody", error.strerror or "refused")
    except OSError as error:  # no descriptors, no memory: ours, not the daemon's
        return Answer("unable", error.strerror or str(error))


async def _first_line(host: str, port: int, asked: bytes) -> Answer:
    reader, writer = await asyncio.open_connection(host, port, limit=MAX_HEAD)
    try:
        writer.write(asked)
        line = await reader.readuntil(b"\n")
    except asyncio.LimitOverrunError:
        line = await reader.read(MAX_HEAD)
    finally:
        writer.transport.abort()
    return Answer("came", line.decode("latin-1"))


def _of_command(ran: Ran) -> Answer:
    if ran.code is None:
        return Answer("silent" if ran.late else "unable", ran.fault)
    return Answer("came", ran.output, ran.code)
