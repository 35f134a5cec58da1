"""What has the estate's part of an agent in it: its loops run as tasks, and end as a kill ends them."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from trimtab.agent_config import AgentFile
from trimtab.control.estate import EstatePart
from trimtab.control.log import Log
from trimtab.control.loop import Controller, Loop
from trimtab.control.metrics import Metrics
from trimtab.control.places import Places
from trimtab.control.queue import Pace
from trimtab.control.sites.observe import Prober
from trimtab.registry.base import Registry


class PartAgent:
    """The host of the part. bird: None for one that does not steer."""

    def __init__(self, file: AgentFile, folder: Path) -> None:
        self.file = file
        self.places, self.log, self.metrics = Places().under(folder), Log(), Metrics()
        self.places.state.mkdir(parents=True, exist_ok=True)
        self.loops: list[Loop] = []
        self.tasks: list[asyncio.Task[None]] = []

    def begin(self, store: Registry, bird: Any, prober: Prober) -> None:
        self.part = EstatePart(self, self.file, lambda _: store, lambda _: bird, prober)
        self.tasks += [asyncio.create_task(loop.run()) for loop in self.loops]
        self.tasks.append(asyncio.create_task(self.part.follow()))

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
