"""HAProxy's admin socket: whatever is asked ends within the deadline, in an answer or in an error.

Each batch of commands has a connection of its own: a reload gives the socket to another process, and a connection kept
would go on talking to the old one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Container, Mapping, Sequence
from pathlib import Path

from trimtab.daemons.haproxy import dumps, wire, words
from trimtab.daemons.haproxy.dumps import Info, ServerState
from trimtab.daemons.haproxy.wire import PROMPT, Command, Outcome
from trimtab.errors import InvalidResponse, Refused, Unreachable

MAX_REPLY = 32 * 2**20  # bytes; 20,000 servers are 2 MB


class Runtime:
    """timeout: seconds that one batch may take, from connecting to its last reply.

    Every method raises Unreachable (nobody answers, or not in time: what was sent may have been done) and InvalidResponse.
    """

    def __init__(self, path: str | Path, timeout: float = 1.0) -> None:
        self._path, self._timeout = str(path), timeout

    async def info(self) -> Info:
        """The process that listens now."""
        return dumps.read_info(*await self._ask([wire.show_info()]))

    async def servers(self, *pools: str | None) -> list[ServerState]:
        """The servers of these backends; without any, or with None, of all. Raises Refused for one that is not there."""
        asked = [wire.show_servers(pool) for pool in (pools or (None,))]
        return [server for text in await self._ask(asked) for server in dumps.read_servers(text)]

    async def sessions(self, *pools: str) -> dict[tuple[str, int], int]:
        """(backend, server's id) → its sessions now, those that wait for it included. Raises Refused for a backend that is
        not there.
        """
        texts = await self._ask([wire.show_sessions(pool) for pool in pools])
        return {key: count for text in texts for key, count in dumps.read_sessions(text).items()}

    async def check_words(self, *servers: tuple[str, int]) -> dict[tuple[str, int], str]:
        """Of these servers, each a backend and an id: what the last check came to, such as `L4CON` or `L7STS 503`. Those that
        are not there or not checked are left out. Raises Refused for a backend that is not there.
        """
        texts = await self._ask([wire.show_server(backend, number) for backend, number in servers])
        return {key: word for text in texts for key, word in dumps.read_check_words(text).items()}

    async def usable(self, pools: Container[str]) -> dict[str, int]:
        """Of these pools how many servers could be sent requests now."""
        (text,) = await self._ask([wire.show_backends()])
        return dumps.read_usable(text, pools)

    async def run(self, commands: Sequence[Command]) -> tuple[Outcome, ...]:
        """Send them in order; one outcome each. A refused `add` holds back every later `remove` of its backend: what
        serves is not taken out as long as what should replace it cannot come.
        """
        outcomes: list[Outcome] = []
        closed: set[str] = set()
        for batch in wire.batches(commands):
            going = [
                command for command in batch if command.step != "remove" or command.backend not in closed
            ]
            replies = iter(await self._ask(going) if going else [])
            for command in batch:
                held = command.step == "remove" and command.backend in closed
                outcomes.append(Outcome(command, "held") if held else wire.judge(command, next(replies)))
                if command.step == "add" and outcomes[-1].verdict == "refused":
                    closed.add(command.backend)
        return tuple(outcomes)

    async def map(self, path: str) -> dict[str, str]:
        """Key → value. Raises Refused where HAProxy has no such map."""
        return dumps.read_map(*await self._ask([wire.show_map(path)]))

    async def replace_map(self, path: str, entries: Mapping[str, str]) -> bool:
        """Have exactly `entries` in a map, all at once for whoever looks something up. False: it was so already.

        Raises Refused, BadInput (a key or a value that is not one harmless word); then the map is as it was.
        """
        if await self.map(path) == dict(entries):
            return False
        for key, value in entries.items():  # before anything has begun
            words.word(key, "key")
            words.word(value, "value")
        version = dumps.read_version(*await self._ask([wire.prepare_map(path)]))
        adding = [wire.add_map(path, key, value, version) for key, value in entries.items()]
        outcomes = await self.run(adding)
        refused = [each for each in outcomes if each.verdict == "refused"]
        if not refused:
            refused = [
                each for each in await self.run([wire.commit_map(path, version)]) if each.verdict != "done"
            ]
        if refused:
            await self.run([wire.clear_map(path, version)])
            raise Refused(f"{refused[0].command.line}: {refused[0].reason}", "the map is as it was")
        return True

    async def _ask(self, commands: Sequence[Command]) -> list[str]:
        """One connection; one reply a command."""
        asked = "".join(f"{line}\n" for line in ("prompt", *(command.line for command in commands), "quit"))
        try:
            async with asyncio.timeout(self._timeout):
                data = await self._talk(asked.encode("ascii"), len(commands) + 1)
        except TimeoutError as error:
            raise Unreachable(
                f"HAProxy at {self._path} has not answered {len(commands)} commands within {self._timeout} s",
                "it hangs, or the machine is overloaded",
            ) from error
        except OSError as error:
            raise Unreachable(
                f"HAProxy at {self._path}: {error.strerror or error}", "is it running?"
            ) from error
        return data.decode("utf-8", "replace").split(PROMPT.decode())[1:-1]

    async def _talk(self, asked: bytes, prompts: int) -> bytes:
        reader, writer = await asyncio.open_unix_connection(self._path)
        try:
            writer.write(asked)
            return await self._replies(reader, prompts)
        finally:
            writer.transport.abort()  # closing may wait for a peer that does not read

    async def _replies(self, reader: asyncio.StreamReader, prompts: int) -> bytes:
        """Everything up to the last prompt. Ends as soon as it cannot become right any more."""
        data, count = bytearray(), 0
        while count < prompts:
            chunk = await reader.read(2**18)
            if not chunk:
                raise Unreachable(
                    f"HAProxy at {self._path} went away after {max(0, count - 1)} of {prompts - 1} replies"
                )
            before = max(0, len(data) - len(PROMPT) + 1)
            data += chunk
            count += data.count(PROMPT, before)
            if not data.startswith(PROMPT[: len(data)]) or len(data) > MAX_REPLY:
                raise InvalidResponse(f"what listens at {self._path} is no HAProxy: {bytes(data[:80])!r}")
        if count > prompts or not data.endswith(PROMPT):
            raise InvalidResponse(f"HAProxy at {self._path} gave {count} replies to {prompts} commands")
        return bytes(data)
