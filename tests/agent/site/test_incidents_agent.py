"""Incidents in the agent: the estate's part of those that observe, around one store."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

from tests.agent.control_kit import FakeRegistry, run, until
from tests.agent.part_kit import PartAgent
from tests.ops.incidents.incident_kit import SITES, Store

from trimtab.agent.site.part import EstatePart
from trimtab.agent_config import AgentFile, Front, RegistryAccess, WatchFile
from trimtab.daemons.front.judge import Answer, Probe


class Observing(PartAgent):
    """The estate's part of an agent that looks and does not steer. down: the sites that do not answer."""

    def __init__(self, site: str, store: FakeRegistry, folder: Path, down: set[str]) -> None:
        fronts = tuple(Front(each, (f"192.0.2.{n}",), "shop.example") for n, each in enumerate(SITES, 1))
        access = RegistryAccess("etcd", ("https://10.1.96.10:2383",), "/trimtab/shop")
        file = AgentFile(
            f"{site}-registry-1", site, "shop", "10.1.0.10", 8407, "systemd", estate_store=access,
            watch=WatchFile(fronts, ("https", "tcp"), 2.0, 1.0, 3, 2),
        )  # fmt: skip
        super().__init__(file, folder)

        async def probe(kind: Probe, front: Front, address: str) -> Answer:
            await asyncio.sleep(0.001)
            if front.site in down:
                return Answer(kind, "silent", "no answer within 1 s")
            return Answer(kind, "came", "HTTP/1.1 200 OK\r\n\r\n" if kind == "https" else "")

        self.begin(store, None, probe)

    def failing(self) -> list[str]:
        return [loop.name for loop in self.loops if loop.failing()]


def test_agents_that_observe_write_one_incident_while_the_store_comes_and_goes(tmp_path: Path) -> None:
    async def whole() -> None:
        store, down = Store(), set[str]()
        agents = [Observing(site, store, tmp_path, down) for site in SITES]
        try:
            await until(lambda: len([key for key in store.records if key.startswith("view/")]) == 3, 30)
            await asyncio.sleep(10)  # of the loop's own clock: every agent has seen all sites serve
            store.down = True
            down.add("hk")
            await asyncio.sleep(20)
            assert store.incidents() == []
            store.down = False
            await until(lambda: store.open() == {"hk": 1}, 40)
            await until(lambda: len(store.incidents()[0].said) == 3, 40)
            before = store.revision
            await asyncio.sleep(60)
            written = {key for batch in store.history if batch.revision > before for key, _ in batch.changes}
            assert not [key for key in written if not key.startswith("view/")]
            down.clear()
            await until(lambda: store.incidents()[0].state == "verified", 40)
            assert [each.site for each in store.incidents()] == ["hk"]
            assert [agent.failing() for agent in agents] == [[], [], []]
        finally:
            for agent in agents:
                await agent.end()

    run(whole())


def test_who_does_not_observe_writes_nothing_down(tmp_path: Path) -> None:
    async def whole() -> None:
        agent = Observing("hk", Store(), tmp_path, set())
        watching = [loop.name for loop in agent.loops]
        await agent.end()
        assert "incidents" in watching
        agent.file = replace(agent.file, watch=None)
        agent.loops.clear()
        EstatePart(agent, agent.file, lambda _: Store(), lambda _: None)
        assert "incidents" not in [loop.name for loop in agent.loops]

    run(whole())
