"""What has the estate's part of an agent in it: its loops run as tasks, and end as a kill ends them."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from trimtab.agent.runtime.log import Log
from trimtab.agent.runtime.loop import Controller, Loop
from trimtab.agent.runtime.metrics import Metrics
from trimtab.agent.runtime.paths import Paths
from trimtab.agent.runtime.queue import Pace
from trimtab.agent.site.observe import Prober
from trimtab.agent.site.part import EstatePart
from trimtab.agent_config import AgentFile
from trimtab.registry.base import Registry


class PartAgent:
    """The host of the part. bird: None for one that does not steer."""

    def __init__(self, file: AgentFile, folder: Path) -> None:
        self.file = file
        self.paths, self.log, self.metrics = Paths().under(folder), Log(), Metrics()
        self.paths.state.mkdir(parents=True, exist_ok=True)
        self.loops: list[Loop] = []
        self.tasks: list[asyncio.Task[None]] = []

    def begin(self, store: Registry, bird: Any, prober: Prober) -> None:
        self.part = EstatePart(self, self.file, lambda _: store, lambda _: bird, prober)
        self.tasks += [asyncio.create_task(loop.run()) for loop in self.loops]
        self.tasks += [asyncio.create_task(run()) for run in self.part.tasks()]

    def loop(self, controller: Controller, pace: Pace) -> Loop:
        found = Loop(controller, pace, self.log, self.metrics)
        self.loops.append(found)
        return found

    def changed(self) -> None:
        """The status is none of this."""

    async def end(self) -> None:
        """As a kill does it: nothing is said any more."""
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
