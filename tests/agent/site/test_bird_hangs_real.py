"""A real BIRD that is stopped, or a socket that takes a connection and says nothing: the agent goes on, says so once, changes nothing that
the upstreams hear, and does what was asked for when BIRD answers again.
"""

from __future__ import annotations

import asyncio
import io
import json
import signal
from collections.abc import AsyncIterator, Callable, Collection, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from tests.agent.site.test_steer_real import HEARD, OURS, Pair
from tests.agent.test_control_sessions import nobody

from trimtab.agent.runtime.log import Log
from trimtab.agent.runtime.loop import Loop
from trimtab.agent.runtime.metrics import Metrics
from trimtab.agent.runtime.queue import Pace
from trimtab.agent.runtime.result import DONE, Result
from trimtab.agent.site.sessions import Sessions
from trimtab.agent.site.steer import RouterSteer
from trimtab.daemons.bird.client import Bird
from trimtab.ops.steering.wish import Committed, Done, Orders, Step

pytestmark = [pytest.mark.daemon, pytest.mark.timeout(120)]
PACE = Pace(window=0.0, resync=0.1, first=0.05, most=0.1)
LIMIT_S, WAIT_S, TICK_S = 0.5, 30.0, 0.02
HELLO = b"0001 BIRD 2.0.12 ready.\n"


class Ticks:
    """Another controller, which has nothing to do with BIRD."""

    name = "ticks"

    def __init__(self) -> None:
        self.count = 0

    def keys(self) -> Collection[str]:
        return ("tick",)

    async def reconcile(self, keys: frozenset[str]) -> Result:
        self.count += 1
        return DONE


class Agent:
    """The parts of an agent that talk to BIRD, by a path that a test can lead elsewhere."""

    def __init__(self, pair: Pair) -> None:
        self.path = pair.folder / "asked.ctl"
        self.lead(pair.folder / "ours.ctl")
        self.out, self.metrics, self.done, self.ticks = io.StringIO(), Metrics(), list[Done](), Ticks()
        self.orders = orders("serve")
        log, bird = Log(self.out), Bird(self.path, LIMIT_S)
        steer = RouterSteer(
            "a", "a-router-1", OURS, bird, lambda: self.orders, self.done.append, pair.folder, settle_s=0.2
        )
        sessions = Sessions(bird, log, self.metrics, nobody)
        self.loops = [Loop(each, PACE, log, self.metrics) for each in (steer, sessions, self.ticks)]

    def lead(self, to: Path) -> None:
        new = self.path.with_suffix(".new")
        new.symlink_to(to)
        new.rename(self.path)

    def said(self, message: str) -> list[dict[str, str]]:
        lines = [json.loads(line) for line in self.out.getvalue().splitlines()]
        return [line for line in lines if line["event"].startswith(message)]

    def failing(self) -> dict[str, str]:
        return {loop.name: why for loop in self.loops for why in loop.failing().values()}

    def errors(self, controller: str) -> float:
        return float(self.metrics.errors.labels(controller, "expected")._value.get())

    def up(self) -> float:
        return float(self.metrics.sessions.up.labels("up_x4")._value.get())

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(loop.run()) for loop in self.loops]
        try:
            yield
        finally:
            for loop in self.loops:
                loop.stop()
            await asyncio.wait_for(asyncio.gather(*tasks), WAIT_S)


def orders(step: Step) -> Orders:
    return Orders(Committed("a", step, "ann", "works", 1.0), None, (), 0.0)


async def until(holds: Callable[[], bool], what: str) -> None:
    ends = asyncio.get_running_loop().time() + WAIT_S
    while not holds():
        assert asyncio.get_running_loop().time() < ends, f"not within {WAIT_S:.0f} s: {what}"
        await asyncio.sleep(TICK_S)


@asynccontextmanager
async def stopped(agent: Agent, pair: Pair) -> AsyncIterator[None]:
    pair.running["ours"].send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        pair.running["ours"].send_signal(signal.SIGCONT)


def instead(said: bytes, drip: bytes) -> Callable[[Agent, Pair], object]:
    """Another socket answers: once, and then a byte now and then, without an end."""

    @asynccontextmanager
    async def hang(agent: Agent, pair: Pair) -> AsyncIterator[None]:
        over = asyncio.Event()  # a server of Python 3.12 or later waits for its connections as it ends

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                writer.write(said)
                while not (over.is_set() or writer.is_closing()):
                    writer.write(drip)
                    await writer.drain()
                    await asyncio.sleep(TICK_S)
            except OSError:  # the agent has gone
                pass
            writer.close()

        path = pair.folder / "fake.ctl"
        async with await asyncio.start_unix_server(serve, path):
            agent.lead(path)
            try:
                yield
            finally:
                agent.lead(pair.folder / "ours.ctl")
                over.set()

    return hang


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    found = Pair(tmp_path)
    try:
        yield found.established()
    finally:
        for name in list(found.running):
            found.stop(name)


HANGS = {
    "stopped": stopped,
    "says nothing": instead(b"", b""),
    "says hello": instead(HELLO, b""),
    "never ends its line": instead(HELLO, b"x"),
}


@pytest.mark.parametrize("hang", HANGS.values(), ids=[name.replace(" ", "-") for name in HANGS])
def test_the_agent_goes_on_says_so_changes_nothing_and_recovers(
    pair: Pair, hang: Callable[[Agent, Pair], object]
) -> None:
    before = pair.changes()

    async def main() -> None:
        agent = Agent(pair)
        async with agent.running():
            await until(lambda: agent.up() == 1 and bool(agent.done), "all is well")
            assert agent.done[-1].verified and not agent.failing()
            async with hang(agent, pair):  # type: ignore[attr-defined]
                await until(lambda: {"steer", "sessions"} <= agent.failing().keys(), "it is said")
                agent.orders = orders("withdraw")
                ticks, tried = agent.ticks.count, agent.errors("steer")
                await until(lambda: agent.errors("steer") >= tried + 3, "it tries again")
                assert agent.ticks.count - ticks >= 10, "others wait for BIRD"
                why = agent.failing()["sessions"]
                assert f"has not answered within {LIMIT_S} s" in why
                assert not agent.done[-1].verified and "has not answered" in agent.done[-1].amiss
                told = {line["controller"]: line for line in agent.said("failed")}
                assert len(agent.said("failed")) == 2 and told.keys() == {"steer", "sessions"}
                assert agent.up() == 1, "what nobody can see is as it was seen last"
                assert await asyncio.to_thread(pair.heard) == HEARD["serve"], (
                    "a neighbour hears something else"
                )
            await until(lambda: not agent.failing() and agent.done[-1].verified, "it recovers")
            assert {line["controller"] for line in agent.said("works again")} == {"steer", "sessions"}
            await asyncio.to_thread(pair.hears, HEARD["withdraw"])

    asyncio.run(main())
    assert pair.up() and pair.changes() == before
