"""A host that takes itself out asks the arbiter with its own file: what is refused, what is written, what is kept."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.agent.control_kit import FakeRegistry, member, now, paths, registered, run

from trimtab.agent import host_override as own_hand
from trimtab.agent.main import main
from trimtab.agent_config import AgentFile, AskedPool, AsksFile, RegistryAccess, dump
from trimtab.errors import BadInput, Denied, Unreachable
from trimtab.ops.arbiter import records as arbiter
from trimtab.ops.arbiter.ledger import ChangeBudget, Decision
from trimtab.ops.arbiter.world import Freeze, Grant, Permit
from trimtab.ops.drain.local import ASK_S
from trimtab.ops.overrides.member import ATTEMPTS, RAMP, STEPS
from trimtab.registry.base import Snapshot
from trimtab.registry.codec import decode, encode
from trimtab.registry.record import HostState, Override

ACCESS = RegistryAccess("etcd", ("https://10.1.96.10:2383",), "/trimtab/shop")
POOLS = (AskedPool("web", "web", ("b1..3",)), AskedPool("shop", "api", (), True))
FROZEN = Freeze("ann", "the big sale", 5.0)
MEMBERS = ("b1", "b2", "b3")


class Site:
    """Three hosts in `web`, which the estate names, and in `shop`, where they register as `api`."""

    def __init__(self, folder: Path, share: float = 50.0) -> None:
        self.store, self.registry, self.folder = FakeRegistry(), FakeRegistry(), folder
        self.asks = AsksFile(ACCESS, share, POOLS)
        (folder / "api.json").write_text(json.dumps({"pool": "api", "port": 8080}))
        self.registry.put(
            *(HostState(name) for name in MEMBERS),
            *registered(*(member(name, n) for n, name in enumerate(MEMBERS, 1))),
        )

    def has(self, *given: Any) -> None:
        for each in given:
            self.store.records[arbiter.key_of(each)] = arbiter.encode(each)

    async def do(self, host: str, what: str, force: bool = False, reason: str = "7.3.2") -> str:
        agent = AgentFile(
            host, "hk", "shop", "10.1.0.1", 8407, "systemd", serves={"web": ("b1..3",)}, asks=self.asks
        )
        who = own_hand.who_here(agent, "root", reason)
        return await own_hand.do(self.registry, agent, what, [], who, self.folder, force, self.store)

    def out(self) -> list[str]:
        """The hands that take somebody out."""
        found = [decode(key, value) for key, value in self.registry.records.items() if key[:5] == "hand/"]
        overrides = [each for each in found if isinstance(each, Override) and each.state != "ready"]
        return sorted(f"{each.pool}/{each.name}" for each in overrides)

    def kept(self, kind: str) -> list[str]:
        return sorted(key for key in self.store.records if key.startswith(f"{kind}/"))

    def decisions(self) -> list[tuple[str, bool]]:
        found = [arbiter.decode(key, self.store.records[key]) for key in self.kept("decision")]
        return [(each.request.target, each.granted) for each in found if isinstance(each, Decision)]


def play(folder: Path, act: Callable[[Site], Awaitable[None]], **other: Any) -> None:
    async def whole() -> None:
        await act(Site(folder, **other))

    run(whole())


def test_one_host_after_the_other_is_never_held_back_by_a_budget(tmp_path: Path) -> None:
    """As a deployment does it, more often in an hour than sites and proxies may go."""
    spent = tuple(Grant(time.time() - n, "drain-site", "sg", "sg") for n in range(6))

    async def act(site: Site) -> None:
        site.has(ChangeBudget(6, spent))
        for _ in range(3):
            for host in MEMBERS:
                assert await site.do(host, "drain") == "drain in api, web"
                assert site.out() == [f"api/{host}", f"web/{host}"] and not site.kept("permit")
                assert await site.do(host, "ready") == "ready in api, web"
        change_budget = arbiter.decode("gate", site.store.records["gate"])
        assert isinstance(change_budget, ChangeBudget) and (change_budget.number, change_budget.grants) == (
            15,
            spent,
        )
        assert site.decisions()[:2] == [("shop/b1", True), ("web/b1", True)], "by their names in the estate"

    play(tmp_path, act)


@pytest.mark.parametrize("what", ["drain", "maint"])
def test_a_frozen_estate_refuses_and_nothing_is_written(what: str, tmp_path: Path) -> None:
    async def act(site: Site) -> None:
        site.has(FROZEN)
        with pytest.raises(Denied, match="frozen: the estate is frozen by ann: the big sale") as caught:
            await site.do("b1", what)
        assert "shop/b1" in caught.value.message and "web/b1" in caught.value.message
        assert not site.out() and not site.kept("permit")
        assert site.decisions() == [("shop/b1", False), ("web/b1", False)]
        assert await site.do("b1", what, force=True) == f"{what} in api, web"
        assert site.out() == ["api/b1", "web/b1"] and not site.kept("permit")

    play(tmp_path, act)


def test_a_share_on_its_way_back_is_no_weight_that_stays(tmp_path: Path) -> None:
    async def act(site: Site) -> None:
        halfway = RAMP.format(1, STEPS)
        site.registry.put(
            Override("api", "b1", "ready", 20, "li@ops", halfway),
            Override("web", "b1", "ready", 20, "li@ops", "slow"),
        )
        said = await site.do("b1", "ready")
        assert "web: weight 20" in said and "api" not in said.split("ready in")[0]
        api, web = (decode(key, site.registry.records[key]) for key in ("hand/api/b1", "hand/web/b1"))
        assert (
            isinstance(api, Override) and isinstance(web, Override) and (api.weight, web.weight) == (None, 20)
        )

    play(tmp_path, act)


def test_under_the_share_or_as_the_last_one_it_goes_in_none_of_its_pools(tmp_path: Path) -> None:
    async def act(site: Site) -> None:
        site.registry.put(Override("api", "b2", "drain"))
        with pytest.raises(Denied, match=r"too-few-members: 1 of 3 members would be well \(33 %\)"):
            await site.do("b1", "drain")
        assert site.out() == ["api/b2"] and site.decisions() == [("shop/b1", False)]
        site.registry.put(Override("api", "b3", "maint"))
        for force in (False, True):
            with pytest.raises(Denied, match="last-member: no other of the 3 members of shop is well"):
                await site.do("b1", "drain", force)
        assert site.out() == ["api/b2", "api/b3"]

    play(tmp_path, act)


def test_the_estates_own_share_holds(tmp_path: Path) -> None:
    async def act(site: Site) -> None:
        with pytest.raises(Denied, match="the floor is 80 %"):
            await site.do("b1", "drain")
        assert not site.out()
        site.registry.drop("hosts/b2")
        assert await site.do("b1", "drain", force=True) == "drain in api, web"

    play(tmp_path, act, share=80.0)


def test_whose_agent_says_nothing_does_not_count(tmp_path: Path) -> None:
    async def act(site: Site) -> None:
        site.registry.drop("hosts/b2", "hosts/b3")
        with pytest.raises(Denied, match="last-member: no other of the 3 members of web"):
            await site.do("b1", "drain")
        assert not site.out()

    play(tmp_path, act)


def test_two_at_once_do_not_both_leave(tmp_path: Path) -> None:
    async def act(site: Site) -> None:
        found = await asyncio.gather(
            *(site.do(each, "drain") for each in ("b1", "b2")), return_exceptions=True
        )
        assert [each for each in found if isinstance(each, Denied)], found
        assert len(site.out()) == 2 and len({each.partition("/")[2] for each in site.out()}) == 1

    play(tmp_path, act)


def test_another_drain_in_one_of_its_pools_is_waited_for_by_asking_again(tmp_path: Path) -> None:
    async def act(site: Site) -> None:
        site.has(Permit("p1", "drain-member", "hk", "shop/b3", "ann", "cabling", 5.0, 5.0))
        with pytest.raises(Denied, match="under-way: ann is draining shop/b3: cabling"):
            await site.do("b1", "drain")
        assert not site.out()

    play(tmp_path, act)


def test_two_places_in_one_pool_are_judged_together(tmp_path: Path) -> None:
    async def act(site: Site) -> None:
        site.registry.put(*registered(member("b1-canary", 4)))
        (site.folder / "two.json").write_text(json.dumps({"pool": "api", "port": 81, "name": "b1-canary"}))
        site.asks = AsksFile(ACCESS, 75.0, POOLS[1:])
        with pytest.raises(Denied, match=r"too-few-members: 2 of 4") as caught:
            await site.do("b1", "drain")
        assert "shop/b1-canary" in caught.value.message and not site.out()
        site.asks = AsksFile(ACCESS, 50.0, POOLS[1:])
        assert await site.do("b1", "drain") == "drain in api, api, web"

    play(tmp_path, act)


def test_a_store_that_does_not_answer_refuses_and_is_overruled_by_force(tmp_path: Path) -> None:
    async def act(site: Site) -> None:
        site.store.down = True
        with pytest.raises(Denied, match="the estate's store cannot be asked: nobody answers") as caught:
            await site.do("b1", "drain")
        assert "--force --reason WHY" in caught.value.hint and not site.out()
        said = await site.do("b1", "drain", force=True)
        assert said.startswith("drain in api, web; the estate's store was not asked (nobody answers)")
        assert site.out() == ["api/b1", "web/b1"]
        await site.do("b2", "drain", force=True)
        with pytest.raises(BadInput, match=r"no member would remain in \w+: b3 is the last of 3"):
            await site.do("b3", "drain", force=True)
        assert await site.do("b1", "ready") == "ready in api, web", "it takes nothing"
        assert site.out() == ["api/b2", "web/b2"]

    play(tmp_path, act)


def test_a_store_that_hangs_is_not_waited_for_for_ever(tmp_path: Path) -> None:
    class Hangs(FakeRegistry):
        async def read(self) -> Snapshot:
            await asyncio.sleep(3600)
            raise Unreachable("after an hour")

    async def act(site: Site) -> None:
        site.store, began = Hangs(), now()
        with pytest.raises(Denied, match=f"no answer from the estate's store in {ASK_S:g} s"):
            await site.do("b1", "drain")
        assert now() - began <= ASK_S and not site.out()

    play(tmp_path, act)


def test_a_site_registry_that_is_away_is_not_taken_for_the_store(tmp_path: Path) -> None:
    async def act(site: Site) -> None:
        site.registry.down = True
        with pytest.raises(Unreachable, match="nobody answers"):
            await site.do("b1", "drain", force=True)
        assert not site.decisions()

    play(tmp_path, act)


def test_what_takes_nothing_asks_nobody(tmp_path: Path) -> None:
    async def act(site: Site) -> None:
        site.registry.put(*(Override(pool, "b1", "drain", None, "root@b1") for pool in ("api", "web")))
        site.store.down = True
        assert await site.do("b1", "maint", reason="disk") == "maint in api, web"
        assert await site.do("b1", "ready") == "ready in api, web"

    play(tmp_path, act)


def test_a_pool_that_begins_to_need_it_meanwhile_is_asked_for_too(tmp_path: Path) -> None:
    """It had no requests in `web` when the host looked; then somebody gave it some."""

    class Rival(FakeRegistry):
        async def read(self) -> Snapshot:
            found = await super().read()
            self.put(Override("web", "b1", "ready"))  # right after it was read for the first time
            return found

    async def act(site: Site) -> None:
        rival = Rival()
        rival.records = {**site.registry.records}
        rival.put(Override("web", "b1", "maint", None, "root@b1"))
        site.registry = rival
        assert await site.do("b1", "drain") == "drain in api, web"
        assert site.decisions()[-2:] == [("shop/b1", True), ("web/b1", True)] and not site.kept("permit")

    play(tmp_path, act)


def test_a_pool_that_never_comes_to_rest_is_left_alone(tmp_path: Path) -> None:
    class Restless(FakeRegistry):
        """Whoever looks first finds it out, whoever plans finds it in."""

        async def read(self) -> Snapshot:
            found = await super().read()
            state: Any = "maint" if self.reads % 2 else "ready"
            return Snapshot(found.revision, {**found.records, **overrides(state)})

    async def act(site: Site) -> None:
        restless = Restless()
        restless.records = {**site.registry.records}
        site.registry = restless
        site.asks = AsksFile(ACCESS, 50.0, POOLS[:1])
        (site.folder / "api.json").unlink()
        with pytest.raises(Exception, match=f"others have changed the pool, {ATTEMPTS} times"):
            await site.do("b1", "drain")
        assert not site.out()

    play(tmp_path, act)


def overrides(state: Any) -> dict[str, bytes]:
    return {"hand/web/b1": encode(Override("web", "b1", state, None, "root@b1"))}


def test_an_estate_without_a_store_goes_by_the_sites_registry(tmp_path: Path) -> None:
    async def act(site: Site) -> None:
        agent = AgentFile("b1", "hk", "shop", "10.1.0.1", 8407, "systemd", serves={"web": ("b1..3",)})
        who = own_hand.who_here(agent, "root", "")
        assert await own_hand.do(site.registry, agent, "drain", [], who, site.folder) == "drain in api, web"
        assert site.out() == ["api/b1", "web/b1"]

    play(tmp_path, act)


def test_the_program_asks_the_store_of_its_file_and_says_what_it_heard(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    site = Site(tmp_path)
    site.has(FROZEN)
    opened: list[str] = []

    def connect(access: RegistryAccess) -> FakeRegistry:
        opened.append(access.endpoints[0])
        return site.store if access == ACCESS else site.registry

    monkeypatch.setattr("trimtab.registry.engines.connect", connect)
    monkeypatch.setenv("SUDO_USER", "li")
    own = replace(ACCESS, endpoints=("https://10.1.96.10:2379",))
    file = paths(tmp_path).file
    file.parent.mkdir(parents=True)
    serves = {"web": ("b1..3",)}
    file.write_text(
        dump(
            AgentFile(
                "b1", "hk", "shop", "10.1.0.1", 0, "systemd", registry=own, serves=serves, asks=site.asks
            )
        )
    )
    words = ["--root", str(tmp_path), "--reason", "7.3.2"]
    assert main(["drain", *words]) == 1 and not site.out()
    assert capsys.readouterr().err.splitlines() == [
        "web/b1 is not drained: nothing was begun",
        "  frozen: the estate is frozen by ann: the big sale",
        "    `trimtab freeze --off`, or --force --reason WHY",
    ]
    assert main(["drain", "--force", *words]) == 0 and site.out() == ["web/b1"]
    assert capsys.readouterr().out == "b1: drain in web\n"
    opened.clear()
    assert main(["ready", *words]) == 0 and not site.out()
    assert opened == list(own.endpoints), "nobody is asked"
