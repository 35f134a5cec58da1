"""A small client of etcd's v3 JSON gateway: which store to ask next, how long to wait, when to give up."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from binascii import a2b_base64, b2a_base64
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from trimtab.storefront.connection import Connection, Peer, connect
from trimtab.storefront.pace import RoundTrip, attempt_timeout, backoff
from trimtab.storefront.wire import Malformed

AVOID_SECONDS = 2.0
MAX_IDLE = 8
MAX_UNDER_WAY = 256
Reply = Mapping[str, Any]


# A member without a leader says so at once instead of holding the request until its own time-out (etcd 3.4,
# clientv3.WithRequireLeader; the gateway hands on what begins with Grpc-Metadata-).
FIELDS = {"Content-Type": "application/json", "Grpc-Metadata-hasleader": "true"}
LEADERLESS_SECONDS = 0.1  # a member that says so is asked again soon: it answers at once
REFUSE_SECONDS = (
    0.35  # nobody leads: an answer now is worth more than one after an election that may not come
)
LAST_SECONDS = (
    0.15  # a request that is under way by then is worth its answer: without it nobody knows what was stored
)


class StoreUnavailable(Exception):
    """No store acknowledged within the deadline. The write may or may not have happened."""


class NotStored(StoreUnavailable):
    """The same, and certainly nothing was written: no member took the request, or each said that nobody leads."""


class NoLeader(ConnectionError):
    """A member of a minority, or of a cluster that is electing: it has refused, so nothing was written."""


def encode(text: str) -> str:
    """Keys and values travel in base64."""
    return b2a_base64(text.encode(), newline=False).decode()


def decode(text: str) -> str:
    return a2b_base64(text).decode()


def peer_of(url: str) -> Peer:
    """`http://ADDRESS:PORT` as a Peer. Raises ValueError for a name: no dead resolver may stop an order."""
    parts = urlsplit(url)
    if parts.scheme != "http" or not parts.hostname or parts.path not in ("", "/"):
        raise ValueError(f"store {url!r}: expected http://ADDRESS:PORT")
    try:
        socket.inet_pton(socket.AF_INET6 if ":" in parts.hostname else socket.AF_INET, parts.hostname)
    except OSError as error:
        raise ValueError(f"store {url!r}: {parts.hostname!r} is not an IP address") from error
    return Peer(parts.hostname, parts.port or 2379, parts.hostname)


class Trace:
    """What became of the attempts of one call. sent: a request may have reached a member that did not refuse it."""

    __slots__ = ("leaderless", "sent")

    def __init__(self) -> None:
        self.sent = self.leaderless = False


class Store:
    """One member: its idle connections, its measured round trip, and until when it is rather not asked."""

    def __init__(self, peer: Peer) -> None:
        self.peer = peer
        self.network, self.answer = RoundTrip(), RoundTrip()
        self.avoid_until = 0.0
        self._idle: list[Connection] = []

    async def call(self, path: str, body: bytes, failures: int, trace: Trace) -> Reply:
        """One request. Raises OSError (NoLeader), TimeoutError, Malformed, ValueError."""
        connection = await self._connection()
        before, trace.sent = trace.sent, True
        try:
            started = time.monotonic()
            async with asyncio.timeout(attempt_timeout(self.answer, failures, floor=0.8, ceiling=3.0)):
                reply = await connection.request("POST", path, FIELDS, body)
        except asyncio.CancelledError:
            connection.close()
            self.close()  # no answer in time: its other connections lead to the same silence
            raise
        except BaseException:
            connection.close()
            raise
        self.answer.measured(time.monotonic() - started)
        self._put_back(connection)
        if reply.status != 200 and b"no leader" in reply.body:
            trace.sent, trace.leaderless = before, True
            raise NoLeader(f"{self.peer.authority} has no leader")
        if reply.status != 200:
            raise ConnectionError(f"{self.peer.authority} answered {reply.status}: {reply.body[:120]!r}")
        content: Reply = json.loads(reply.body)
        return content

    async def _connection(self) -> Connection:
        while self._idle:
            connection = self._idle.pop()
            if not connection.closed_by_peer():
                return connection
            connection.close()
        opened = await connect(self.peer, 0.25 + self.network.seconds, 1.0)
        self.network.measured(opened.connect_seconds)
        return opened

    def _put_back(self, connection: Connection) -> None:
        if connection.reusable and len(self._idle) < MAX_IDLE:
            self._idle.append(connection)
        else:
            connection.close()

    def failed(self) -> None:
        """Ask others for a while, and trust none of its open connections."""
        self.avoid_until = time.monotonic() + AVOID_SECONDS
        self.close()

    def close(self) -> None:
        while self._idle:
            self._idle.pop().close()


def next_store(stores: Sequence[Store], now: float) -> Store:
    """The first that is not avoided (they stand in order of preference); else the longest avoided."""
    willing = [store for store in stores if store.avoid_until <= now]
    return willing[0] if willing else min(stores, key=lambda store: store.avoid_until)


class Cluster:
    """All members of the order book."""

    def __init__(self, urls: Sequence[str]) -> None:
        self._stores = [Store(peer_of(url)) for url in urls]
        self._under_way = 0
        self._leaderless_until = 0.0

    async def call(self, path: str, content: Mapping[str, Any], deadline: float = 4.0) -> Reply:
        """Ask until one member answers, `deadline` seconds in all. Raises StoreUnavailable.

        A request may be sent twice: only reads, and transactions that create a key if it is absent.
        """
        if not self._stores:
            raise NotStored("this shop has no store (--stores)")
        if self._under_way >= MAX_UNDER_WAY:
            raise NotStored(f"{MAX_UNDER_WAY} orders are waiting already")
        self._under_way += 1
        try:
            return await self._until_answered(path, json.dumps(content).encode(), deadline)
        finally:
            self._under_way -= 1

    async def _until_answered(self, path: str, body: bytes, deadline: float) -> Reply:
        reason, trace = "no store answered", Trace()
        loop = asyncio.get_running_loop()
        begin = loop.time()
        asks_until = begin + self._patience(deadline)
        try:
            async with asyncio.timeout_at(min(asks_until + LAST_SECONDS, begin + deadline)) as limit:
                for failures in range(1000):
                    if loop.time() >= asks_until:
                        raise TimeoutError
                    store = next_store(self._stores, time.monotonic())
                    try:
                        reply = await store.call(path, body, failures // len(self._stores), trace)
                        self._leaderless_until = 0.0
                        return reply
                    except NoLeader as error:
                        store.avoid_until = time.monotonic() + LEADERLESS_SECONDS
                        self._leaderless_until = time.monotonic() + AVOID_SECONDS
                        reason = str(error)
                    except (OSError, Malformed, ValueError) as error:  # TimeoutError is an OSError
                        store.failed()
                        reason = f"{store.peer.authority}: {error or type(error).__name__}"
                    if trace.leaderless and not trace.sent:
                        asks_until = begin + min(deadline, REFUSE_SECONDS)
                        limit.reschedule(min(asks_until + LAST_SECONDS, begin + deadline))
                    await asyncio.sleep(backoff(failures // len(self._stores), base=0.02, ceiling=0.3))
        except TimeoutError as end:
            kind = StoreUnavailable if trace.sent else NotStored
            raise kind(f"{reason}, given up after {loop.time() - begin:.1f} s") from end
        raise StoreUnavailable(reason)

    def _patience(self, deadline: float) -> float:
        """While nobody leads, a short one from the start: what asks next may be a member that is out of reach."""
        return min(deadline, REFUSE_SECONDS) if time.monotonic() < self._leaderless_until else deadline

    def close(self) -> None:
        for store in self._stores:
            store.close()
