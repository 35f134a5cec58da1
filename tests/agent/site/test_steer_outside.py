"""What a router tells the estate store: what it came to, and what it hears of a site that leaves."""

from __future__ import annotations

import asyncio
from ipaddress import ip_network
from typing import Any

import pytest
from tests.agent.control_kit import FakeRegistry, run

from trimtab.agent.runtime.lease import Lease
from trimtab.agent.runtime.result import Result
from trimtab.agent.site.outside import Outside, TellDone
from trimtab.daemons.bird.wire import Prefix, Route
from trimtab.errors import Unreachable
from trimtab.ops.arbiter.ledger import Heard
from trimtab.ops.arbiter.records import decode
from trimtab.ops.steering.wish import Done

HK4, HK6 = ip_network("198.18.1.0/24"), ip_network("2001:db8:1::/48")
DONE = Done("sg", "sg-router-1", "withdraw", 7, True, 1.0, "under way by permit p1")


class Tables:
    """What each table has of a prefix: the protocols by which it came."""

    def __init__(self) -> None:
        self.by: dict[Prefix, list[str]] = {HK4: ["up_sgix4", "site_hk4"], HK6: ["up_sgix6"]}
        self.asked: list[tuple[Prefix, str]] = []

    async def routes(self, prefix: Prefix, table: str = "") -> list[Route]:
        self.asked.append((prefix, table))
        return [Route(prefix, "unicast", name, table, True) for name in self.by[prefix]]


def test_what_a_router_came_to_is_written_once_and_again_when_it_is_lost() -> None:
    async def whole() -> None:
        store = FakeRegistry()
        tell = TellDone(store, lambda: DONE, lambda key: store.records.get(key))
        keys = frozenset(tell.keys())
        for _ in range(2):
            assert await tell.reconcile(keys) == Result()
        assert (
            store.writes == 1 and decode("done/sg/sg-router-1", store.records["done/sg/sg-router-1"]) == DONE
        )
        store.wipe()
        await tell.reconcile(keys)
        assert "done/sg/sg-router-1" in store.records
        assert await TellDone(store, lambda: None, store.records.get).reconcile(keys) == Result()

    run(whole())


def heard(store: FakeRegistry) -> Any:
    value = store.records.get("heard/hk/sg-router-1")
    return decode("heard/hk/sg-router-1", value) if value else None


def test_a_site_is_heard_as_long_as_any_upstream_has_any_of_its_prefixes() -> None:
    async def whole() -> None:
        store, tables, leaving = FakeRegistry(), Tables(), ["hk"]
        lease = Lease(store, lambda: None)
        outside = Outside(
            store, lease, tables, "sg-router-1", {"hk": (str(HK4), str(HK6))}, lambda: leaving, lambda: 5.0
        )
        keys = frozenset(outside.keys())
        await outside.reconcile(keys)
        assert heard(store) == Heard("hk", "sg-router-1", True, 5.0)
        tables.by[HK4] = ["site_hk4"]  # over the private path: that is no word from outside
        await outside.reconcile(keys)
        assert heard(store).hears, "IPv6 is still there"
        tables.by[HK6] = []
        await outside.reconcile(keys)
        assert not heard(store).hears
        assert {table for _, table in tables.asked} == {"wan4", "wan6"}
        writes = store.writes
        await outside.reconcile(keys)
        assert store.writes == writes, "nothing new"
        leaving.clear()
        assert not outside.keys()
        await asyncio.sleep(30)
        assert "heard/hk/sg-router-1" not in (await store.read()).records

    run(whole())


def test_nobody_is_said_to_be_gone_by_a_bird_that_does_not_answer() -> None:
    class Mute(Tables):
        async def routes(self, prefix: Prefix, table: str = "") -> list[Route]:
            raise Unreachable("nobody answers")

    async def whole() -> None:
        store = FakeRegistry()
        outside = Outside(
            store, Lease(store, lambda: None), Mute(), "sg-router-1", {"hk": (str(HK4),)}, lambda: ["hk"]
        )
        with pytest.raises(Unreachable):
            await outside.reconcile(frozenset({"hk"}))
        assert heard(store) is None

    run(whole())


def test_a_site_that_it_does_not_know_is_passed_over() -> None:
    async def whole() -> None:
        store = FakeRegistry()
        outside = Outside(store, Lease(store, lambda: None), Tables(), "sg-router-1", {}, lambda: ["hk"])
        assert not outside.keys()
        assert await outside.reconcile(frozenset({"hk"})) == Result() and not store.records

    run(whole())
