"""Draining a site end to end: real agents, real transactions, a store and BIRDs of our own making."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from tests.agent.control_kit import FakeRegistry, run, until
from tests.ops.drain.estate_kit import ILL, SITES, Estate

from trimtab.errors import Denied, Unreachable
from trimtab.ops.arbiter.world import Limits, Request
from trimtab.ops.drain.granting import TTL_S
from trimtab.ops.drain.plan import SetStep
from trimtab.registry.base import Write


def play(folder: Path, act: Callable[[Estate], Awaitable[None]], limits: Limits | None = None) -> None:
    async def whole() -> None:
        async with Estate(folder, limits=limits) as estate:
            await act(estate)

    run(whole())


def test_a_site_leaves_by_steps_and_comes_back(tmp_path: Path) -> None:
    async def act(estate: Estate) -> None:
        assert (await estate.drain("hk")).done
        assert [move.step for move in estate.moves if isinstance(move, SetStep)] == ["prefer", "withdraw"]
        assert [estate.said(site) for site in SITES] == ["nothing", "plain", "plain"]
        assert estate.kept("steer") == ["steer/hk"] and not estate.kept("doing") + estate.kept("permit")
        assert (await estate.undrain("hk")).done
        await until(lambda: estate.said("hk") == "plain", 5)
        assert not estate.kept("steer") + estate.kept("doing") + estate.kept("permit")
        assert len(estate.kept("decision")) == 4, "asked, done, and the way back begun and done"

    play(tmp_path, act)


def test_a_site_comes_back_over_a_ramp_that_upstreams_hear(tmp_path: Path) -> None:
    async def act(estate: Estate) -> None:
        assert (await estate.drain("hk")).done
        estate.moves.clear()
        assert (await estate.ramp("hk", 3, 1)).done
        steps = [(move.step, move.prepend) for move in estate.moves if isinstance(move, SetStep)]
        assert steps == [("prefer", 0), ("serve", 3), ("serve", 1)]
        await until(lambda: ramp_of(estate) == 0, 5)
        assert estate.said("hk") == "plain" and not estate.kept("steer") + estate.kept("doing") + estate.kept(
            "permit"
        )

    play(tmp_path, act)


@pytest.mark.parametrize("at", [3, 1])
def test_a_ramp_that_is_killed_ends_drained(tmp_path: Path, at: int) -> None:
    async def act(estate: Estate) -> None:
        assert (await estate.drain("hk")).done
        task = asyncio.create_task(estate.ramp("hk", 3, 1, pause_s=5.0 if at == 3 else 0.1))
        await until(lambda: ramp_of(estate) == at and estate.said("hk") == "plain", 30)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await until(lambda: estate.said("hk") == "nothing" and ramp_of(estate) == 0, 30)
        assert estate.kept("steer") == ["steer/hk"]

    play(tmp_path, act)


def ramp_of(estate: Estate) -> int:
    shifts = estate.agents["hk"].bird.shifts
    assert shifts is not None
    return shifts.ramp


def test_the_last_site_stays_whatever_is_forced(tmp_path: Path) -> None:
    async def act(estate: Estate) -> None:
        assert (await estate.drain("hk")).done and (await estate.drain("sg")).done
        with pytest.raises(Denied, match="last-site: nobody would be left"):
            await estate.drain("la", force=True)
        assert estate.said("la") == "plain"
        assert len(estate.kept("decision")) == 5, "the refusal is kept too"

    play(tmp_path, act)


def test_a_budget_is_counted_in_the_store(tmp_path: Path) -> None:
    async def act(estate: Estate) -> None:
        assert (await estate.drain("hk")).done and (await estate.undrain("hk")).done
        with pytest.raises(Denied, match="budget-spent"):
            await estate.drain("sg")
        assert (await estate.drain("sg", force=True)).done

    play(tmp_path, act, Limits(changes=1))


def test_two_operators_never_drain_two_sites_at_once(tmp_path: Path) -> None:
    async def act(estate: Estate) -> None:
        found = await asyncio.gather(estate.drain("hk"), estate.drain("sg"), return_exceptions=True)
        refused = [each for each in found if isinstance(each, Denied)]
        assert len(refused) == 1 and "under-way" in refused[0].message
        assert sorted(estate.said(site) for site in SITES) == ["nothing", "plain", "plain"]

    play(tmp_path, act)


@pytest.mark.parametrize("step", ["prefer", "withdraw"])
def test_a_killed_drain_is_as_if_it_had_not_been_asked(tmp_path: Path, step: str) -> None:
    async def act(estate: Estate) -> None:
        task = asyncio.create_task(estate.drain("hk"))
        await until(lambda: estate.said("hk") == {"prefer": "graceful", "withdraw": "nothing"}[step], 30)
        assert not estate.kept("steer"), "it was killed before it committed"
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await until(lambda: estate.said("hk") == "plain", 2 * TTL_S + 3)
        assert not estate.kept("doing") + estate.kept("permit") + estate.kept("steer")

    play(tmp_path, act)


def test_a_store_that_is_gone_undoes_what_is_under_way_and_keeps_what_stands(tmp_path: Path) -> None:
    async def act(estate: Estate) -> None:
        assert (await estate.drain("hk")).done
        task = asyncio.create_task(estate.drain("sg"))
        await until(lambda: estate.said("sg") == "graceful", 30)
        estate.store.down = True
        await until(lambda: estate.said("sg") == "plain", 2 * TTL_S + 3)
        assert estate.said("hk") == "nothing"
        assert not (await task).done
        await asyncio.sleep(60)
        assert [estate.said(site) for site in SITES] == ["nothing", "plain", "plain"]

    play(tmp_path, act)


class CutAtCommit:
    """A way to the store that dies with the answer to the commit."""

    def __init__(self, store: FakeRegistry) -> None:
        self._store, self.dead = store, False

    def __getattr__(self, name: str) -> Any:
        if self.dead:
            raise Unreachable("cut off")
        return getattr(self._store, name)

    async def write(self, change: Write) -> int:
        await self._store.write(change)
        self.dead = any(key.startswith("steer/") for key in change.put)
        if self.dead:
            raise Unreachable("the answer is lost")
        return 0


def test_whether_it_was_committed_is_not_guessed(tmp_path: Path) -> None:
    async def act(estate: Estate) -> None:
        coordinator = estate.coordinator(CutAtCommit(estate.store))
        finished = await coordinator.drain(Request("drain-site", "hk", "hk", "ann", "works"))
        assert not finished.done and "whether it was committed is not known" in finished.why
        assert estate.kept("steer") == ["steer/hk"] and estate.said("hk") == "nothing"

    play(tmp_path, act)


def test_a_second_site_that_fails_meanwhile_ends_the_drain(tmp_path: Path) -> None:
    async def act(estate: Estate) -> None:
        assert (await estate.drain("sg")).done
        task = asyncio.create_task(estate.drain("la"))
        await until(lambda: estate.said("la") == "graceful", 30)
        estate.internet.fronts["hk"] = ""
        found = await task
        assert not found.done or estate.said("hk") == "plain"
        await until(lambda: estate.said("la") == "plain", 30)

    play(tmp_path, act)


def test_nothing_is_drained_on_what_a_minority_sees(tmp_path: Path) -> None:
    """One vantage point that is cut off takes nobody down, and is not believed about who is left."""

    async def act(estate: Estate) -> None:
        estate.internet.blind.add("sg")
        await asyncio.sleep(20)
        assert (await estate.drain("hk")).done
        estate.internet.blind |= {"hk", "la"}
        await asyncio.sleep(20)
        with pytest.raises(Denied, match=r"last-site: .*la is unreachable \(2 of 3"):
            await estate.drain("sg", force=True)

    play(tmp_path, act)


def test_a_site_that_is_ill_does_not_count_as_left(tmp_path: Path) -> None:
    async def act(estate: Estate) -> None:
        estate.internet.fronts["sg"] = estate.internet.fronts["la"] = ILL
        await asyncio.sleep(20)
        with pytest.raises(
            Denied, match=r"last-site: .*la is unhealthy \(3 of 3 vantage points\), sg is unhealthy"
        ):
            await estate.drain("hk", force=True)
        assert estate.said("hk") == "plain"

    play(tmp_path, act)


def test_a_drained_site_announces_again_while_nobody_else_serves(tmp_path: Path) -> None:
    async def act(estate: Estate) -> None:
        assert (await estate.drain("hk")).done
        estate.internet.fronts["sg"] = estate.internet.fronts["la"] = ""
        await until(lambda: estate.said("hk") == "plain", 60)
        assert estate.kept("steer") == ["steer/hk"], "the word stands"
        estate.internet.fronts["sg"] = "HTTP/1.1 200 OK\r\n\r\n"
        await until(lambda: estate.said("hk") == "nothing", 60)

    play(tmp_path, act)
