"""Consul as a registry: the five verbs of `base`, over its HTTP API. Tested on three servers of Consul 1.8.7.

Consul has neither one revision over services and keys nor a log of changes. A snapshot is therefore read as services,
keys, services, until the services stood still meanwhile; and a watch waits for either to move, reads a snapshot and
gives the difference. The revision is the higher of the two indices, and only this object knows what it stood for.

A token that may not see something is no error for Consul: a registry that is hidden looks like an empty one. So what is
gone is believed only once the leader has said that it is (`rights`), and what is read first once the token may see it all.
"""

from __future__ import annotations

import asyncio
import json
import math
import secrets
from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any
from uuid import UUID

from trimtab.drivers.http import Answer, Limits, Peer, Peers, TlsFiles, text_of
from trimtab.errors import Compacted, InvalidResponse, Refused, Unreachable
from trimtab.registry.base import AccessLike, Batch, Snapshot, Write
from trimtab.registry.consul import rights, wire
from trimtab.registry.consul.steps import difference, steps_of
from trimtab.registry.consul.wire import MEMBERS, Half

WAIT_S = 3.0  # of a blocking query: Consul adds a sixteenth, and a server that hangs is noticed 1 s later
PACE_S = (
    0.2  # between two steps of a watch ("Blocking Queries": limit the rate); shorter changes come together
)
# Of a read while others write: the pause before each further try doubles, so a burst of some 2 s is waited for.
TRIES, PAUSE_S = 8, 0.02
REMEMBERED = 8


@dataclass(frozen=True, slots=True)
class State:
    """A snapshot and the indices that it was read at."""

    revision: int
    services: Half
    keys: Half

    @property
    def records(self) -> dict[str, bytes]:
        return {**self.services.records, **self.keys.records}


class Consul:
    """A `Registry`. access.password: the file of the ACL token; access.user means nothing here.

    Raises BadInput when it is made: no endpoint, files that are not there.
    """

    def __init__(self, access: AccessLike, *, limits: Limits | None = None, wait_s: float = WAIT_S) -> None:
        tls = TlsFiles(access.ca, access.certificate, access.key)
        self._peers = Peers(access.endpoints, tls, limits or Limits())
        self._space, self._password, self._wait_s = wire.Space(access.prefix), access.password, wait_s
        self._states: dict[int, State] = {}

    async def read(self) -> Snapshot:
        """Raises Unreachable, Refused, InvalidResponse."""
        state = await self._peers.any(self._seen)
        self._remember(state)
        return Snapshot(state.revision, state.records)

    async def watch(self, after: int) -> AsyncIterator[Batch]:
        """after: of this object's last `read` or batch; Compacted for anything else. An index that goes backwards
        ("Blocking Queries": reset it) costs a read, and nothing is lost: the difference is between states.
        """
        if after not in self._states:
            raise Compacted(f"Consul keeps no history: {after} is not what was read last")
        state = self._states[after]
        while True:
            begun = asyncio.get_running_loop().time()
            found = await self._peers.any(partial(self._next, state=state))
            changes = difference(state.records, found.records)
            gone = [name for name, value in changes if value is None]
            if await self._peers.any(partial(self._some_there, names=gone)):
                await _pace(begun)
                continue  # it is back already: everything is looked at again
            state = found if changes else replace(found, revision=state.revision)
            self._remember(state)
            if changes:
                yield Batch(state.revision, changes)
            await _pace(begun)

    async def write(self, change: Write) -> int:
        """Raises as `base.Writer.write`; Refused also for what Consul cannot do, see `steps`."""
        session = str(UUID(int=change.lease)) if change.lease else ""
        read = await self._expected(change)
        steps = steps_of(self._space, change, session, read, secrets.token_hex(8))
        again = not (change.absent or change.equal)
        return wire.written_of(self._space, await self._put("/v1/txn", steps, again))

    async def grant(self, ttl_s: float) -> int:
        """Consul's shortest session is 10 s, and it may end it as late as twice its time."""
        ttl = min(max(math.ceil(ttl_s), wire.MIN_TTL_S), wire.MAX_TTL_S)
        await self._put("/v1/txn", [wire.register_node(self._space)])
        reply = await self._put("/v1/session/create", wire.new_session(self._space, ttl))
        try:
            return UUID(reply["ID"]).int
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise InvalidResponse(f"Consul made the session {str(reply)[:80]!r}") from error

    async def keep(self, lease: int) -> float:
        """Raises LeaseGone, and as `read`."""
        return wire.seconds_of(await self._put(f"/v1/session/renew/{UUID(int=lease)}", None))

    async def close(self) -> None:
        self._peers.close()

    # ---- reading

    async def _whole(self, peer: Peer) -> State:
        for tried in range(TRIES):
            await asyncio.sleep(PAUSE_S * 2 ** (tried - 1) if tried else 0)
            services, keys = await self._services(peer), await self._keys(peer)
            again = await self._services(peer)
            if (services.records, services.stamps) == (again.records, again.stamps):
                return State(max(again.index, keys.index), again, keys)
        raise Unreachable(f"{peer.address}: the services changed {TRIES} times while the keys were read")

    async def _seen(self, peer: Peer) -> State:
        """A whole of which nothing is hidden, as far as can be told: see `rights`."""
        last = next(reversed(self._states.values())).records if self._states else {}
        for _ in range(TRIES):
            state = await self._whole(peer)
            if not await self._some_there(peer, last.keys() - state.records.keys()):
                await self._may_read(peer)
                return state
        raise Unreachable(f"{peer.address}: what was gone was back {TRIES} times")

    async def _some_there(self, peer: Peer, names: Collection[str]) -> bool:
        """Of names that are in no list: whether Consul has some of them all the same. Raises Refused for hidden ones."""
        asked = rights.samples(names)
        for begin in range(0, len(asked), wire.MAX_OPS):
            if await self._there(peer, asked[begin : begin + wire.MAX_OPS]) - {rights.NODE}:
                return True
        return False

    async def _there(self, peer: Peer, names: Sequence[str]) -> frozenset[str]:
        """Those that there are, by the leader's word. Raises Refused for what is there and may not be seen."""
        while names:
            body = json.dumps(rights.gets(self._space, names)).encode()
            answer = await peer.ask("PUT", rights.GETS, self._fields(), body)
            if answer.status == 200:
                return rights.seen(self._space, names, wire.reply_of(answer.body))
            gone = rights.absent(names, wire.reply_of(answer.body)) if answer.status == 409 else ()
            if not gone:
                raise wire.fault_of(str(peer.address), answer.status, answer.body)
            names = [name for name in names if name not in gone]
        return frozenset()

    async def _may_read(self, peer: Peer) -> None:
        """By this one's word, and by the leader's. Raises Refused."""
        await self._sees_all(peer)
        await self._there(peer, rights.ALWAYS)

    async def _sees_all(self, peer: Peer) -> None:
        """Raises Refused for a token that may see only a part. A Consul without ACLs hides nothing, and later ones say so
        with each answer (`wire.index_of`)."""
        body = json.dumps(rights.rights(self._space)).encode()
        answer = await peer.ask("POST", rights.AUTHORIZE, self._fields(), body)
        if answer.status == 200:
            if missing := rights.missing_rights(wire.reply_of(answer.body)):
                raise Refused(f"{peer.address}: the token may not read {', '.join(missing)}", wire.GRANT)
        elif not rights.no_such_question(answer.status, answer.body):
            raise wire.fault_of(str(peer.address), answer.status, answer.body)

    async def _next(self, peer: Peer, state: State) -> State:
        """The first snapshot after either index has moved."""
        indices = {"services": state.services.index, "keys": state.keys.index}
        tasks = [asyncio.create_task(self._blocking(peer, half, index)) for half, index in indices.items()]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        found = await self._whole(peer)
        return replace(found, revision=max(found.revision, state.revision + 1))

    async def _blocking(self, peer: Peer, half: str, index: int) -> None:
        """Until its index is another one. A reply is no promise that something changed."""
        path = self._space.services() + "?" if half == "services" else self._space.keys()
        while True:
            begun = asyncio.get_running_loop().time()
            target = f"{path}index={index}&wait={self._wait_s:g}s"
            answer = await self._get(peer, target, self._wait_s * 17 / 16 + 1)
            if wire.index_of(answer.fields) != index:
                return
            if half == "keys":  # rights that were lost move no index
                await self._may_read(peer)
            await _pace(begun)

    async def _services(self, peer: Peer) -> Half:
        answer = await self._get(peer, self._space.services() + "?consistent=")
        return wire.services_of(self._space, wire.index_of(answer.fields), wire.reply_of(answer.body))

    async def _keys(self, peer: Peer) -> Half:
        answer = await self._get(peer, self._space.keys() + "consistent=")
        reply = [] if answer.status == 404 else wire.reply_of(answer.body)
        return wire.keys_of(self._space, wire.index_of(answer.fields), reply)

    async def _expected(self, change: Write) -> Half:
        """What stands at the keys that have to be equal."""
        if not change.equal:
            return Half(0, {}, {})
        members = any(name.startswith(MEMBERS) for name in change.equal)
        services = await self._peers.any(self._services) if members else Half(0, {}, {})
        keys = await self._peers.any(self._keys) if len(change.equal) > members else Half(0, {}, {})
        return Half(0, {**services.records, **keys.records}, {**services.stamps, **keys.stamps})

    def _remember(self, state: State) -> None:
        self._states.pop(state.revision, None)
        self._states[state.revision] = state
        while len(self._states) > REMEMBERED:
            del self._states[next(iter(self._states))]

    # ---- asking

    async def _get(self, peer: Peer, target: str, answer_s: float | None = None) -> Answer:
        answer = await peer.ask("GET", target, self._fields(), b"", answer_s)
        if answer.status == 200 or (answer.status == 404 and "x-consul-index" in answer.fields):
            return answer  # 404: no key begins so, and that is an answer
        raise wire.fault_of(str(peer.address), answer.status, answer.body)

    async def _put(self, target: str, body: Any, again: bool = True) -> Any:
        raw = b"" if body is None else json.dumps(body, separators=(",", ":")).encode()

        async def ask(peer: Peer) -> Any:
            answer = await peer.ask("PUT", target, self._fields(), raw)
            if answer.status != 200:
                raise wire.fault_of(str(peer.address), answer.status, answer.body)
            return wire.reply_of(answer.body)

        return await self._peers.any(ask, again)

    def _fields(self) -> dict[str, str]:
        return {"X-Consul-Token": text_of(self._password, "the ACL token")} if self._password else {}


async def _pace(begun: float) -> None:
    await asyncio.sleep(max(0.0, begun + PACE_S - asyncio.get_running_loop().time()))
