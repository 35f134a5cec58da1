"""A shift end to end: real agents, real transactions, a store and BIRDs of our own making; and what refuses it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from tests.agent.control_kit import now, run
from tests.ops.drain.drain_kit import NOW, stored
from tests.ops.drain.estate_kit import SITES, Estate

from trimtab.errors import Denied, InvalidResponse
from trimtab.ops.arbiter.records import BUDGET, decode, encode, key_of
from trimtab.ops.arbiter.world import Freeze, Limits, Request, SiteState
from trimtab.ops.drain.granting import Watching
from trimtab.ops.drain.judged import Facts
from trimtab.ops.drain.plan import Finished
from trimtab.ops.drain.shifting import Shifting, lacking
from trimtab.ops.drain.standing import Standing
from trimtab.ops.steering.shift import Shift, UpstreamShift
from trimtab.ops.steering.wish import Done

TWO, MED = UpstreamShift("", 2), UpstreamShift("", 0, 50)


class Operator:
    """Shifts hk. capacity: requests/s of each site."""

    def __init__(self, estate: Estate, capacity: float | None = None, limit_s: float = 20.0) -> None:
        sites = {site: SiteState(site, capacity=capacity) for site in SITES}
        facts = Facts(sites, {site: (f"{site}-router-1",) for site in SITES}, estate.limits)
        self.said: list[str] = []
        self._shifting = Shifting(
            estate.store,
            facts,
            Watching(SITES),
            lambda word, why: self.said.append(word),
            now=now,
            limit_s=limit_s,
        )

    async def shift(self, asked: UpstreamShift, *named: str, force: bool = False) -> Finished:
        request = Request("shift-site", "hk", "hk", "ann", "fibre work", force=force)
        return await self._shifting.shift(request, named, asked)

    async def clear(self, *named: str) -> Finished:
        return await self._shifting.clear(Request("unshift-site", "hk", "hk", "ann", "over"), named)


def play(folder: Path, act: Callable[[Estate], Awaitable[None]], limits: Limits | None = None) -> None:
    async def whole() -> None:
        async with Estate(folder, limits=limits) as estate:
            await act(estate)

    run(whole())


def stands(estate: Estate) -> dict[str, str]:
    found = decode("shift/hk", estate.store.records["shift/hk"])
    assert isinstance(found, Shift)
    return {each.upstream: each.words for each in found.upstreams}


def test_a_word_is_followed_by_the_sites_routers_alone_and_ends_with_another(tmp_path: Path) -> None:
    async def act(estate: Estate) -> None:
        operator = Operator(estate)
        assert (await operator.shift(TWO, "x", "y")).done
        assert (await operator.shift(MED, "y")).done
        assert stands(estate) == {"x": "prepend 2", "y": "med 50"}
        birds = {site: agent.bird.shifts for site, agent in estate.agents.items()}
        assert birds["hk"] is not None and set(birds["hk"].upstreams) == {"x", "y"}
        assert birds["la"] is not None and not birds["la"].upstreams
        assert [estate.said(site) for site in SITES] == ["plain"] * 3, "it is announced everywhere"
        assert (await operator.shift(MED, "y")).why.startswith("no change")
        assert (await operator.clear("x")).done and stands(estate) == {"y": "med 50"}
        assert (await operator.clear("x", "y")).done and stands(estate) == {}
        assert (await operator.clear("x")).why.startswith("no change")
        assert not estate.kept("permit") + estate.kept("doing") + estate.kept("steer")
        assert (
            len(estate.kept("decision")) == 4
            and len(Standing.of(await estate.store.read()).change_budget.grants) == 2
        )

    play(tmp_path, act)


def test_it_stands_through_a_drain_and_the_way_back(tmp_path: Path) -> None:
    async def act(estate: Estate) -> None:
        assert (await Operator(estate).shift(TWO, "x")).done
        assert (await estate.drain("hk")).done and (await estate.undrain("hk")).done
        assert stands(estate) == {"x": "prepend 2"}
        shifts = estate.agents["hk"].bird.shifts
        assert shifts is not None and shifts.upstreams["x"].prepend == 2 and not shifts.ramp

    play(tmp_path, act)


def test_the_others_have_to_have_room_for_all_of_it(tmp_path: Path) -> None:
    async def act(estate: Estate) -> None:
        with pytest.raises(Denied, match=r"hk is not shifted.*\n  no-capacity: la, sg would be at 125%"):
            await Operator(estate, 40.0).shift(TWO, "x")
        assert not estate.kept("shift") and len(estate.kept("decision")) == 1, "the refusal is kept"
        assert (await Operator(estate, 40.0).shift(TWO, "x", force=True)).done
        assert (await Operator(estate, 40.0).clear("x")).done, "who gives back asks nobody"

    play(tmp_path, act, Limits(load=100.0))


def test_a_freeze_and_a_spent_budget_refuse_it(tmp_path: Path) -> None:
    async def act(estate: Estate) -> None:
        operator, frozen = Operator(estate), Freeze("bob", "the big sale", NOW)
        estate.store.records[key_of(frozen)] = encode(frozen)
        with pytest.raises(Denied, match="frozen"):
            await operator.shift(TWO, "x")
        del estate.store.records[key_of(frozen)]
        assert (await operator.shift(TWO, "x")).done
        with pytest.raises(Denied, match="budget-spent"):
            await operator.shift(MED, "x")
        with pytest.raises(Denied, match="budget-spent"):
            await estate.drain("sg")

    play(tmp_path, act, Limits(changes=1))


def test_the_only_site_may_be_shifted(tmp_path: Path) -> None:
    """It stays announced, and its upstreams are told different things."""

    async def act(estate: Estate) -> None:
        assert (await estate.drain("la")).done and (await estate.drain("sg")).done
        assert (await Operator(estate).shift(TWO, "x")).done

    play(tmp_path, act)


def test_an_agent_that_knows_of_no_shift_is_told_and_the_word_stands(tmp_path: Path) -> None:
    async def act(estate: Estate) -> None:
        estate.agents["hk"].bird.shifts = None
        finished = await Operator(estate, limit_s=3.0).shift(TWO, "x")
        assert (
            not finished.done and "hk-router-1 has not verified it: shift.conf is not part of" in finished.why
        )
        assert stands(estate) == {"x": "prepend 2"} and estate.said("hk") == "plain"

    play(tmp_path, act)


def test_a_word_that_cannot_be_read_is_not_written_over(tmp_path: Path) -> None:
    async def act(estate: Estate) -> None:
        estate.store.records["shift/hk"] = b'{"v":2}'
        for work in (Operator(estate).shift(TWO, "x"), Operator(estate).clear("x")):
            with pytest.raises(InvalidResponse, match="shift/hk"):
                await work
        assert estate.store.records["shift/hk"] == b'{"v":2}'

    play(tmp_path, act)


def test_who_lacks_what_is_said() -> None:
    word = Shift("hk", "ann", "", 7.0, (UpstreamShift("x", 2),))
    said = [
        Done("hk", "r1", "serve", 0, True, NOW, shift=7.0),
        Done("hk", "r2", "serve", 0, True, NOW, shift=6.0),
        Done("hk", "r3", "serve", 0, False, NOW, "", "up_x4: late", 7.0),
    ]
    found = lacking(Standing.of(stored(*said)), word, ("r1", "r2", "r3", "r4"))
    assert found == ["r2 has not answered", "r3 has not verified it: up_x4: late", "r4 has said nothing"]


def test_the_budget_has_it_as_what_earlier_agents_can_read(tmp_path: Path) -> None:
    async def act(estate: Estate) -> None:
        assert (await Operator(estate).shift(TWO, "x")).done
        assert b'"drain-site","hk","hk"' in estate.store.records[BUDGET]

    play(tmp_path, act)
