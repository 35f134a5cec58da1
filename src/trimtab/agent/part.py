"""How the parts of an agent plug in: what they use of it, and what it asks of them."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Protocol

from trimtab.agent.runtime.access import Access
from trimtab.agent.runtime.log import Log
from trimtab.agent.runtime.loop import Controller, Loop
from trimtab.agent.runtime.metrics import Metrics
from trimtab.agent.runtime.paths import Paths
from trimtab.agent.runtime.queue import Pace
from trimtab.agent_config import AgentFile
from trimtab.drivers.units import Units

Work = Coroutine[Any, Any, Any]


class AgentLike(Protocol):
    """What a part uses of the agent."""

    file: AgentFile
    paths: Paths
    log: Log
    metrics: Metrics

    def loop(self, controller: Controller, pace: Pace) -> Loop:
        """One more controller, which the agent runs."""
        ...

    def changed(self) -> None:
        """Something that the status tells."""
        ...


class ProxyAgent(AgentLike, Protocol):
    """What the proxy's part uses beside."""

    @property
    def access(self) -> Access | None: ...
    @property
    def units(self) -> Units: ...
    def now(self) -> float: ...


class Part(Protocol):
    """What an agent asks of a part; its loops are the agent's."""

    def load(self) -> None:
        """The last good state, from the disk."""
        ...

    def tasks(self) -> Sequence[Callable[[], Work]]:
        """What runs beside its loops until `stop`."""
        ...

    def stop(self) -> None: ...

    def last_words(self) -> Sequence[Work]:
        """What has to be written before the end."""
        ...

    async def close(self) -> None: ...
