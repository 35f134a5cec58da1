"""A watch: one stream of one member, and somebody who asks that member meanwhile whether it still lives.

etcd's own sign of life in a stream comes every ten minutes, and a process that hangs keeps its sockets open.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass

from trimtab.drivers.http import Peer, Stream
from trimtab.errors import Compacted, DriverError, InvalidResponse, Unreachable
from trimtab.registry.base import Batch
from trimtab.registry.etcd import wire
from trimtab.registry.etcd.faults import Unauthenticated, fault_in
from trimtab.registry.etcd.gateway import Gateway

RANGE = "/v3/kv/range"


@dataclass(frozen=True, slots=True)
class Pulse:
    """A member that hangs is noticed after every_s + answer_s seconds at the latest."""

    every_s: float = 2.0
    answer_s: float = 1.5


@dataclass(slots=True)
class Identity:
    """What we know of a registry's past, to know it again: its header, and the record that we saw change last."""

    header: wire.Header | None = None
    mark: wire.Mark | None = None

    def heard(self, batch: Batch) -> None:
        if self.mark and batch.revision <= self.mark.revision:  # a second watch, further behind
            return
        if self.mark and any(name == self.mark.name for name, _ in batch.changes):
            self.mark = None
        name, value = batch.changes[-1]
        if value is not None and (mark := wire.Mark(name, batch.revision, value)).askable:
            self.mark = mark


@dataclass(frozen=True, slots=True)
class Watch:
    """past: of whoever watches; it is kept up to date here."""

    gateway: Gateway
    space: wire.Space
    past: Identity
    pulse: Pulse

    async def batches(self, after: int) -> AsyncIterator[Batch]:
        """Ends by raising only."""
        peer, stream = await self.gateway.peers.any(lambda peer: self._begin(peer, after))
        guard = asyncio.create_task(self._guard(peer, stream))
        try:
            while True:
                found = self._judged(peer, wire.event_of(self.space, after, await stream.line()))
                if isinstance(found, Batch):
                    after = found.revision
                    self.past.heard(found)
                    yield found
        except (Unreachable, InvalidResponse):
            self.gateway.peers.failed(peer)
            raise
        finally:
            guard.cancel()
            stream.close()
            with suppress(asyncio.CancelledError):
                await guard

    async def _begin(self, peer: Peer, after: int) -> tuple[Peer, Stream]:
        """Once more with a new token: etcd calls an old one a lack of permission when a watch begins."""
        await self._same_registry(peer, after)
        try:
            return peer, await self._open(peer, after)
        except Unauthenticated:
            self.gateway.forget()
            return peer, await self._open(peer, after)

    async def _same_registry(self, peer: Peer, after: int) -> None:
        """Whether `after` is of this registry's past. etcd itself waits in silence for a revision of the future, and a
        registry that was made anew, or set back, would be followed for ever without a word. Raises Compacted.
        """
        mark = self.past.mark if self.past.mark and self.past.mark.revision <= after else wire.Mark("", 0)
        reply = await self.gateway.call_on(peer, RANGE, wire.past_request(self.space, mark.name, after))
        now, then = wire.header_of(reply), self.past.header
        if now.revision < after:
            raise Compacted(
                f"{peer.address} is at revision {now.revision}, and not yet at {after}: it was set back"
            )
        if then and (now.cluster != then.cluster or now.term < then.term):
            raise Compacted(f"{peer.address} is not the registry that was read: it was made anew")
        if mark.revision and not wire.holds(reply, mark):
            raise Compacted(
                f"{peer.address} never had {mark.name} at revision {mark.revision}: it was made anew"
            )

    async def _open(self, peer: Peer, after: int) -> Stream:
        stream = await self.gateway.stream_on(peer, "/v3/watch", wire.watch_request(self.space, after))
        try:
            line = await stream.line(peer.limits.answer_s)
            if not isinstance(self._judged(peer, wire.event_of(self.space, after, line)), wire.Header):
                raise InvalidResponse(f"{peer.address} begins a watch with something else")
        except BaseException:
            stream.close()
            raise
        return stream

    def _judged(
        self, peer: Peer, found: Batch | wire.Canceled | wire.Header | wire.Json
    ) -> Batch | wire.Header:
        if isinstance(found, Batch | wire.Header):
            return found
        if not isinstance(found, wire.Canceled):
            raise fault_in(str(peer.address), found)
        if found.compacted:
            raise Compacted(f"{peer.address} no longer has that revision")
        if "permission denied" in found.reason:
            raise Unauthenticated(f"{peer.address}: {found.reason}")
        raise fault_in(str(peer.address), {"message": found.reason or "the watch was cancelled", "code": 14})

    async def _guard(self, peer: Peer, stream: Stream) -> None:
        """Serializable: whether the process answers is asked, not whether there is a leader; that ends the stream."""
        glance = wire.glance_request(self.space)
        while True:
            await asyncio.sleep(self.pulse.every_s)
            try:
                await self.gateway.call_on(peer, RANGE, glance, self.pulse.answer_s)
            except DriverError as error:
                stream.close(f"the watch was given up: {error.message}")
                return
