"""Programs run by the owner: in a node, with an end that the event loop hears of at once (pidfd)."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
from collections.abc import Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from trimtab.daemons.reply import Reply


def enter(node_pid: int, argv: Sequence[str]) -> list[str]:
    """The command that runs `argv` in the namespaces of the node whose PID 1 we see as `node_pid`."""
    return ["nsenter", "-t", str(node_pid), "-m", "-n", "-p", "-u", "--", *argv]


class Child:
    """A started process. `await wait()` gives its exit status as subprocess does: negative for a signal."""

    def __init__(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        output: int | IO[bytes] = subprocess.DEVNULL,
    ) -> None:
        self._process = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=env,
            start_new_session=True,
        )
        self.pid = self._process.pid
        loop = asyncio.get_running_loop()
        self._ended: asyncio.Future[int] = loop.create_future()
        self._pidfd = os.pidfd_open(self.pid)
        loop.add_reader(self._pidfd, self._end)

    def _end(self) -> None:
        asyncio.get_running_loop().remove_reader(self._pidfd)
        os.close(self._pidfd)
        self._ended.set_result(self._process.wait())

    @property
    def code(self) -> int | None:
        """The exit status, None while it runs."""
        return self._ended.result() if self._ended.done() else None

    async def wait(self) -> int:
        return await asyncio.shield(self._ended)

    def kill(self) -> None:
        if not self._ended.done():
            self._process.kill()


async def ask(node_pid: int, argv: Sequence[str], limit: float = 3) -> Reply:
    """Run a command of at most `limit` seconds in a node; its output, both streams in one."""
    reader, writer = os.pipe2(os.O_CLOEXEC)
    try:
        child = Child(enter(node_pid, ["setpriv", "--pdeathsig", "KILL", "--", *argv]), output=writer)
    finally:
        os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        try:
            text = await asyncio.wait_for(read_all(pipe), limit)
            return Reply(await asyncio.wait_for(child.wait(), limit), text.decode(errors="replace"))
        except TimeoutError:
            child.kill()
            return Reply(None, f"no answer in {limit} s")


async def read_all(pipe: IO[bytes], end: bytes = b"") -> bytes:
    """What comes out of a pipe until its last writer is gone, or it ends in `end`."""
    loop = asyncio.get_running_loop()
    os.set_blocking(pipe.fileno(), False)
    ended: asyncio.Future[None] = loop.create_future()
    chunks: list[bytes] = []

    def readable() -> None:
        data = os.read(pipe.fileno(), 65536)
        chunks.append(data)
        if (not data or (end and b"".join(chunks).endswith(end))) and not ended.done():
            ended.set_result(None)

    loop.add_reader(pipe.fileno(), readable)
    try:
        await ended
    finally:
        loop.remove_reader(pipe.fileno())
    return b"".join(chunks)


@dataclass(frozen=True, slots=True)
class Stat:
    """What we need of /proc/<pid>/stat, in the reader's numbers."""

    state: str
    session: int


def stat(pid: int) -> Stat | None:
    """None if there is no such process."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return Stat(fields[0], int(fields[3]))


def leads_session(pid: int) -> bool:
    """Whether it has begun a session of its own, or is gone."""
    found = stat(pid)
    return found is None or found.session == pid


def children(pid: int) -> list[int]:
    """The children of a process, in our numbers; of all its threads."""
    found: list[int] = []
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            found += map(int, path.read_text().split())
    return found


def descendants(pid: int) -> list[int]:
    """All processes below `pid`, parents first."""
    found = children(pid)
    for child in found:  # grows while we walk
        found += children(child)
    return found


def inner_pid(pid: int) -> int:
    """The number of our process `pid` in its own pid namespace. Raises ProcessLookupError."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError as error:
        raise ProcessLookupError(pid) from error
    return next(int(line.split()[-1]) for line in status.splitlines() if line.startswith("NSpid:"))


def send(pids: Iterable[int], number: signal.Signals) -> None:
    """Signal each; those already gone are no error."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


async def gone(pids: Iterable[int], limit: float | None) -> bool:
    """Wait until all of these processes have ended.

    False after `limit` seconds; None waits as long as it takes.
    """
    try:
        async with asyncio.timeout(limit):
            for pid in pids:
                await _ended(pid)
    except TimeoutError:
        return False
    return True


async def first(*waits: Coroutine[Any, Any, object], limit: float | None = None) -> None:
    """Wait until one of `waits` is over, at most `limit` seconds; the others are cancelled."""
    tasks = [asyncio.ensure_future(each) for each in waits]
    try:
        await asyncio.wait(tasks, timeout=limit, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()


async def _ended(pid: int) -> None:
    loop = asyncio.get_running_loop()
    try:
        fd = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    ended: asyncio.Future[None] = loop.create_future()

    def end() -> None:
        loop.remove_reader(fd)
        ended.set_result(None)

    loop.add_reader(fd, end)
    try:
        await ended
    finally:
        loop.remove_reader(fd)
        os.close(fd)
