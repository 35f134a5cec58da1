"""Processes of the bench: how they begin, how long they may take to answer, and that they end."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

from trimtab.errors import DriverError

STOP_S = 5.0
CONSUL = "BENCH_CONSUL"  # the path of the program, for a sitting that needs it
ENV = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8", "HOME": "/"}
PROGRAM = Path(__file__).resolve().parent.parent / "propagation"


class BenchFailed(Exception):
    """Something that the bench needs did not happen in time; nothing is measured."""


class Daemon:
    """A process with its output in a file. Ended with the context: asked, then killed."""

    def __init__(self, argv: Sequence[str], log: Path) -> None:
        self.argv, self.log = list(argv), log
        with log.open("wb") as out:
            self._process = subprocess.Popen(
                self.argv, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, env=ENV
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    def signal(self, number: int) -> None:
        self._process.send_signal(number)

    def ended(self) -> str:
        """ "" while it runs; otherwise how it ended, with its last words."""
        if (code := self._process.poll()) is None:
            return ""
        return f"{self.argv[0]} ended with {code}: {self.log.read_text(errors='replace')[-600:].strip()}"

    def stop(self) -> None:
        self._process.terminate()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(STOP_S)
        self._process.kill()
        self._process.wait()

    def __enter__(self) -> Daemon:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


class Child:
    """A part of this program in a process of its own: lines in, lines out, a JSON object at its end."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @staticmethod
    async def start(role: str, *arguments: object) -> Child:
        words = [str(each) for each in arguments]
        return Child(await asyncio.create_subprocess_exec(
            sys.executable, str(PROGRAM), "--child", role, *words,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=2**24, env=ENV,
        ))  # fmt: skip

    async def tell(self, text: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(text.encode())
        await self._process.stdin.drain()

    async def line(self, within: float) -> str:
        """Raises BenchFailed at its end and after `within` seconds."""
        assert self._process.stdout is not None
        try:
            async with asyncio.timeout(within):
                line = await self._process.stdout.readline()
        except TimeoutError as error:
            raise BenchFailed(f"a child said nothing within {within:g} s") from error
        if not line:
            raise BenchFailed("a child ended before it was asked to")
        return line.decode().strip()

    async def end(self, within: float = 10.0) -> Any:
        """Close its input; what it found."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        found = json.loads(await self.line(within))
        await asyncio.wait_for(self._process.wait(), STOP_S)
        return found

    async def __aenter__(self) -> Child:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process.returncode is None:
            with suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()


async def until(
    holds: Callable[[], Awaitable[bool]],
    what: str,
    within: float,
    daemons: Sequence[Daemon] = (),
    every: float = 0.05,
) -> float:
    """Seconds until it held. Errors on the way are of somebody who is only beginning. Raises BenchFailed."""
    began = time.monotonic()
    while time.monotonic() - began < within:
        for daemon in daemons:
            if said := daemon.ended():
                raise BenchFailed(said)
        with suppress(OSError, DriverError):
            if await holds():
                return time.monotonic() - began
        await asyncio.sleep(every)
    raise BenchFailed(f"not within {within:g} s: {what}")
