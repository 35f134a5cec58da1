"""The order book: one key an order, created once. Requests to etcd and what its replies mean, no HTTP."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Mapping
from typing import Any, Literal, NamedTuple

from trimtab.storefront.etcd import Cluster, decode, encode

PREFIX = "/orders/"
PAGE = 500
VALID_KEY = re.compile(r"[A-Za-z0-9._:-]{1,128}\Z")
Outcome = Literal["created", "repeated", "conflict"]


def create_once(key: str, value: str) -> dict[str, Any]:
    """A transaction: put if the key was never created, otherwise read what is there."""
    name = encode(PREFIX + key)
    return {
        "compare": [{"key": name, "target": "CREATE", "result": "EQUAL", "create_revision": "0"}],
        "success": [{"request_put": {"key": name, "value": encode(value)}}],
        "failure": [{"request_range": {"key": name}}],
    }


def judge_create(reply: Mapping[str, Any], value: str) -> Outcome:
    """created; repeated: the same order was there; conflict: another order has this key."""
    if reply.get("succeeded"):
        return "created"
    entries = reply["responses"][0]["response_range"].get("kvs", [])
    return "repeated" if entries and decode(entries[0].get("value", "")) == value else "conflict"


def page_after(last: str, revision: int | None) -> dict[str, Any]:
    """A range of keys behind `last`. The first page is linearizable; all others are at its revision, which never changes, so
    the nearest member may answer them by itself, without a round trip between the sites.
    """
    begin = PREFIX + last + ("\0" if last else "")
    content = {"key": encode(begin), "range_end": encode("/orders0"), "limit": PAGE, "keys_only": True}
    return {**content, "revision": str(revision), "serializable": True} if revision else content


class Written(NamedTuple):
    """A key and how many times it was written; more than once is a broken promise of the idempotency key."""

    key: str
    times: int


def written(entry: Mapping[str, Any]) -> Written:
    return Written(decode(entry["key"]).removeprefix(PREFIX), int(entry["version"]))


class OrderBook:
    """The orders of the shop, in one etcd cluster."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    async def create(self, key: str, value: str) -> Outcome:
        """Returns only after etcd acknowledged. Raises StoreUnavailable."""
        return judge_create(await self._cluster.call("/v3/kv/txn", create_once(key, value)), value)

    async def read(self, key: str) -> tuple[str, int] | None:
        """The order's value and how often it was written, None if absent. Raises StoreUnavailable."""
        reply = await self._cluster.call("/v3/kv/range", {"key": encode(PREFIX + key)}, deadline=3.0)
        entries = reply.get("kvs", [])
        return (decode(entries[0].get("value", "")), int(entries[0]["version"])) if entries else None

    async def pages(self) -> AsyncGenerator[list[Written], None]:
        """Every order at one moment, a page at a time. Raises StoreUnavailable in the middle if it must."""
        last, revision, more = "", None, True
        while more:
            reply = await self._cluster.call("/v3/kv/range", page_after(last, revision), deadline=5.0)
            revision = revision or int(reply["header"]["revision"])
            page = [written(entry) for entry in reply.get("kvs", [])]
            more = bool(reply.get("more")) and bool(page)
            last = page[-1].key if page else last
            yield page
