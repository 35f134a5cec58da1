"""etcd as a registry: the five verbs of `base`, over the gateway."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator

from trimtab.drivers.http import Limits
from trimtab.errors import Compacted, Conflict, InvalidResponse, LeaseGone, Unreachable
from trimtab.registry.base import AccessLike, Batch, Snapshot, Write
from trimtab.registry.etcd import wire
from trimtab.registry.etcd.gateway import Credentials, Gateway
from trimtab.registry.etcd.watch import Identity, Pulse, Watch

PAGE = 2000  # records: some 600 kB of JSON, a few milliseconds of the agent's time
MAX_RECORDS = 200_000


class Etcd:
    """A `Registry`. Endpoints are asked in their order, another one after 1 s without a connection or 2 s without an
    answer. Raises BadInput when it is made: no endpoint, files that are not there.
    """

    def __init__(
        self,
        access: AccessLike,
        *,
        limits: Limits | None = None,
        pulse: Pulse | None = None,
        page: int = PAGE,
    ) -> None:
        self._gateway = Gateway(access, Credentials.of(access), limits or Limits())
        self._space = wire.Space(access.prefix)
        self._pulse, self._page = pulse or Pulse(), page
        self._past = Identity()

    async def read(self) -> Snapshot:
        """Linearizable, in pages of one revision. Raises Unreachable, Refused, InvalidResponse."""
        try:
            return await self._whole()
        except Compacted as error:  # history was thrown away between two pages, or another member took over
            raise Unreachable(f"the registry changed under the read: {error.message}") from error

    async def _whole(self) -> Snapshot:
        page = await self._read_page(b"", 0)
        first, records, marks = page.header, dict(page.records), [page.newest]
        while page.rest:
            page = await self._read_page(page.rest, first.revision)
            if page.header.cluster != first.cluster:
                raise InvalidResponse(
                    "two pages of one read are of two clusters: the endpoints do not belong together"
                )
            records.update(page.records)
            marks.append(page.newest)
            if len(records) > MAX_RECORDS:
                raise InvalidResponse(f"more than {MAX_RECORDS} records: this is not a registry of endpoints")
        self._past.header, self._past.mark = (
            first,
            max(filter(None, marks), key=lambda mark: mark.revision, default=None),
        )
        return Snapshot(first.revision, records)

    async def _read_page(self, begin: bytes, revision: int) -> wire.Page:
        request = wire.range_request(self._space, begin, self._page, revision)
        return wire.page_of(self._space, begin, await self._gateway.call("/v3/kv/range", request))

    def watch(self, after: int) -> AsyncIterator[Batch]:
        """Changes of one member until it fails; watch again after the last batch's revision, and another is asked.

        Raises Compacted too where the registry was wiped or restored: its revision is below `after`, its cluster is
        another one, its term is lower, or the record that changed last was never changed there.
        """
        return Watch(self._gateway, self._space, self._past, self._pulse).batches(after)

    async def write(self, change: Write) -> int:
        """Conditions make a second attempt ambiguous (it might meet the first one's result), so that after a silence
        only what is unconditional is asked of another endpoint. Raises as `base.Writer.write`.
        """
        if change.leased and change.lease <= 0:  # etcd would keep for ever what hangs on the lease 0
            raise LeaseGone("records are to hang on a lease, and there is none")
        again = not (change.absent or change.equal)
        reply = await self._gateway.call("/v3/kv/txn", wire.txn_request(self._space, change), again)
        if not wire.succeeded(reply):
            names = sorted({*change.absent, *change.equal})
            raise Conflict(f"somebody else has written: {', '.join(names)[:200]} is not as expected")
        return wire.header_of(reply).revision

    async def grant(self, ttl_s: float) -> int:
        """etcd counts in seconds, and not less than one and a half of its election time-outs."""
        reply = await self._gateway.call("/v3/lease/grant", {"TTL": str(max(1, math.ceil(ttl_s)))})
        lease = wire.number(reply, "ID")
        if lease <= 0:
            raise InvalidResponse(f"etcd granted the lease {lease}")
        return lease

    async def keep(self, lease: int) -> float:
        """Raises LeaseGone, and as `read`."""
        reply = await self._gateway.call("/v3/lease/keepalive", {"ID": str(lease)})
        result = reply.get("result")
        if not isinstance(result, dict):
            raise InvalidResponse(f"etcd kept a lease with {str(reply)[:80]!r}")
        left = wire.number(result, "TTL")
        if left <= 0:
            raise LeaseGone(f"the lease {lease:x} has ended")
        return float(left)

    async def close(self) -> None:
        self._gateway.close()
