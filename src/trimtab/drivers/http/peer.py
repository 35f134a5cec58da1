"""One endpoint: its kept connections, whole answers and streamed ones."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from types import TracebackType

from trimtab.drivers.http.address import Address
from trimtab.drivers.http.connection import Answer, Connection, Limits, open_to
from trimtab.drivers.http.tls import TlsFiles
from trimtab.errors import InvalidResponse, Unreachable

MAX_IDLE = 4


class Stream:
    """An answer that comes in lines, without an end that anybody knows. Close it, or use it as a context."""

    def __init__(self, connection: Connection, answer: Answer, max_line: int) -> None:
        self.answer = answer
        self._connection, self._max, self._rest = connection, max_line, bytearray()
        self._seen = 0  # so far of the rest no line ends: a long line is not searched again with every piece

    async def line(self, within: float | None = None) -> bytes:
        """The next line that is not empty. within: seconds. Raises Unreachable at the end, InvalidResponse if too long."""
        while True:
            end = self._rest.find(b"\n", self._seen)
            if end >= 0:
                found, self._seen = bytes(self._rest[:end]).strip(), 0
                del self._rest[: end + 1]
                if found:
                    return found
                continue
            self._seen = len(self._rest)
            if self._seen > self._max:
                self.close()
                raise InvalidResponse(f"{self._connection.who}: a line of more than {self._max} bytes")
            piece = await self._connection.piece(within)
            if not piece:
                raise Unreachable(f"{self._connection.who} ended its answer")
            self._rest += piece

    def close(self, why: str = "") -> None:
        """why: what a pending `line` raises as Unreachable."""
        self._connection.close(why)

    async def __aenter__(self) -> Stream:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Peer:
    """Raises, in all it does: NotDone, Unreachable, Untrusted, Refused, InvalidResponse."""

    def __init__(self, address: Address, tls: TlsFiles, limits: Limits) -> None:
        self.address, self.limits = address, limits
        self._tls = tls
        self._idle: list[Connection] = []

    async def ask(
        self,
        method: str,
        target: str,
        fields: Mapping[str, str] | None = None,
        body: bytes = b"",
        answer_s: float | None = None,
    ) -> Answer:
        """The whole answer. answer_s: how long it may be silent, if not `limits.answer_s`; the whole may take as much
        longer than `limits.whole_s`.
        """
        silence = self.limits.answer_s if answer_s is None else answer_s
        whole = self.limits.whole_s + max(0.0, silence - self.limits.answer_s)
        connection = await self._connection()
        try:
            async with asyncio.timeout(whole):
                await connection.send(method, target, fields or {}, body, silence)
                answer = await self._whole(connection, await connection.head(silence))
        except TimeoutError as error:
            connection.close()
            raise Unreachable(f"{self.address}: no whole answer within {whole:g} s") from error
        except BaseException:
            connection.close()
            raise
        self._keep(connection)
        return answer

    async def stream(self, method: str, target: str, fields: Mapping[str, str], body: bytes) -> Stream:
        """An answer read line by line, once its head is there. It has a connection of its own."""
        connection = await open_to(self.address, self._tls, self.limits)
        try:
            await connection.send(method, target, fields, body, self.limits.answer_s)
            head = await connection.head(self.limits.answer_s)
            if head.status != 200:
                head = await self._whole(connection, head)
        except BaseException:
            connection.close()
            raise
        return Stream(connection, head, self.limits.max_body)

    async def _whole(self, connection: Connection, head: Answer) -> Answer:
        pieces, size = [], 0
        while piece := await connection.piece(self.limits.answer_s):
            size += len(piece)
            if size > self.limits.max_body:
                raise InvalidResponse(f"{self.address}: an answer of more than {self.limits.max_body} bytes")
            pieces.append(piece)
        return Answer(head.status, head.fields, b"".join(pieces))

    async def _connection(self) -> Connection:
        while self._idle:
            connection = self._idle.pop()
            if connection.fresh():
                return connection
            connection.close()
        return await open_to(self.address, self._tls, self.limits)

    def _keep(self, connection: Connection) -> None:
        if connection.reuse() and len(self._idle) < MAX_IDLE:
            self._idle.append(connection)
        else:
            connection.close()

    def close(self) -> None:
        """The kept connections; what is under way goes on."""
        while self._idle:
            self._idle.pop().close()
