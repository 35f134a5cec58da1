"""A program run to be asked something: it ends within the deadline, and its output is bounded."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

MAX_OUTPUT = 256 * 1024  # bytes
REAP_S = 1.0  # a killed process is gone at once, unless the kernel holds it


@dataclass(frozen=True, slots=True)
class Ran:
    """code: the exit status, negative for a signal. None: it could not be run (`fault` says why), or it was `late` and has
    been killed with all that it started. output: both streams.
    """

    code: int | None
    output: str = ""
    fault: str = ""
    late: bool = False


class _Output(asyncio.SubprocessProtocol):
    """ended: the program has ended and nobody can write any more. Who writes too much is not listened to any longer, and
    runs into the deadline.
    """

    def __init__(self) -> None:
        self.data = bytearray()
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._transport: asyncio.SubprocessTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.SubprocessTransport, transport)

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        self.data += data[: MAX_OUTPUT - len(self.data)]
        if len(self.data) == MAX_OUTPUT and self._transport:
            pipe = self._transport.get_pipe_transport(fd)
            cast(asyncio.ReadTransport, pipe).pause_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.ended.done():
            self.ended.set_result(None)


async def run(argv: Sequence[str], limit: float) -> Ran:
    """Run a program without a shell, in the language C. limit: seconds. Raises nothing."""
    try:
        transport, output = await asyncio.get_running_loop().subprocess_exec(
            _Output,
            *argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**os.environ, "LC_ALL": "C"},
            start_new_session=True,
        )
    except (OSError, ValueError) as error:  # ValueError: a NUL in a word
        return Ran(None, fault=f"{argv[0]} cannot be run: {getattr(error, 'strerror', None) or error}")
    try:
        async with asyncio.timeout(limit):
            await asyncio.shield(output.ended)
        return Ran(transport.get_returncode(), output.data.decode(errors="replace"))
    except TimeoutError:
        return Ran(None, fault=f"{argv[0]} did not end within {limit} s", late=True)
    finally:
        await _end(transport, output)


async def _end(transport: asyncio.SubprocessTransport, output: _Output) -> None:
    """Nothing of it stays. Closing kills only the program itself, so its session goes first."""
    if not output.ended.done():
        with contextlib.suppress(ProcessLookupError):
            os.killpg(transport.get_pid(), signal.SIGKILL)
    transport.close()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(REAP_S):
            await asyncio.shield(output.ended)
