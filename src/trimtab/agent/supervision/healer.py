"""Looks at this host's daemons and does what `heal` decides: one restart at a time, and none on a doubt."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Literal

from trimtab.agent.runtime.log import Log
from trimtab.agent.runtime.metrics import Metrics
from trimtab.agent.runtime.queue import Pace
from trimtab.agent.runtime.result import DONE, Result
from trimtab.agent.supervision.full import is_full
from trimtab.agent.supervision.heal import Action, History, Observation, Word, decide
from trimtab.agent_config import Probe, Unit
from trimtab.drivers import probe as probes
from trimtab.drivers.probe import Answer
from trimtab.drivers.units import Units, UnitState
from trimtab.errors import BadInput, DriverError
from trimtab.registry.record import Restart

PACE = Pace(window=0.0, resync=1.0, limit=180.0)
QUIET_S = 5.0  # after our own start: much starts then
APART_S = 2.0  # between the end of one restart and the beginning of another
REST_S = 3.0  # between two looks that start a program, while nothing is about to change
BUSY = {"fails", "wedged", "dead", "starting", "stopping", "busy"}
LATE_S = 1.0  # an answer that took so much longer than it may says that the agent itself did not run
Ask = Callable[[Probe], Awaitable[Answer]]
Full = Callable[[Unit], Awaitable[bool]]


class Healer:
    """changed: told when the word for a unit is another one, or its main process.  full: whether a proxy that does not
    answer is full.  wall: seconds since 1970.
    """

    name = "heal"

    def __init__(
        self,
        units: tuple[Unit, ...],
        supervisor: Units,
        log: Log,
        metrics: Metrics,
        changed: Callable[[], None] = lambda: None,
        ask: Ask = probes.ask,
        full: Full = is_full,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._units, self._supervisor, self._ask, self._full = units, supervisor, ask, full
        self._log, self._metrics, self._changed = log, metrics, changed
        self._histories = {unit.name: History() for unit in units}
        self._last: dict[str, UnitState] = {}
        self._next_look = 0.0
        self._not_before = asyncio.get_running_loop().time() + QUIET_S
        self.words: dict[str, Word] = {}
        self.restarts: dict[str, Restart] = {}  # by unit, the last that was seen
        self._pids: dict[str, int] = {}
        self._own: dict[str, str] = {}
        self._wall = wall

    def keys(self) -> Collection[str]:
        return ("units",) if self._units else ()

    def states(self) -> Mapping[str, str]:
        return self.words

    async def reconcile(self, keys: frozenset[str]) -> Result:
        now = asyncio.get_running_loop().time()
        whole = now >= self._next_look or not BUSY.isdisjoint(self.words.values())
        error = await self._look() if whole else None
        if whole and error is None:
            self._next_look = now + REST_S
        asked = [unit for unit in self._units if whole or unit.probe.kind == "http"]
        seen = await asyncio.gather(*(self._observe(unit, error) for unit in asked))
        for unit, observation in zip(asked, seen, strict=True):
            await self._judge(unit, observation)
        return DONE if error is None else Result(dict.fromkeys(keys, error))

    async def _look(self) -> Exception | None:
        try:
            self._last = await self._supervisor.state([unit.name for unit in self._units])
        except DriverError as error:
            self._last = {}
            return error
        self._note_restarts()
        return None

    def _note_restarts(self) -> None:
        """Whoever asks tomorrow why a site was away for a moment finds only that all daemons work."""
        for name, state in self._last.items():
            if state.pid is None:
                continue
            if self._pids.setdefault(name, state.pid) != state.pid:
                self._pids[name] = state.pid
                self.restarts[name] = Restart(round(self._wall(), 3), self._own.pop(name, ""))
                self._changed()

    async def _observe(self, unit: Unit, error: Exception | None) -> Observation:
        state = self._last.get(unit.name)
        if state is None:
            return Observation(None, None, str(error or "the supervisor has not said"))
        if unit.probe.kind == "process":
            return Observation(state, state.active == "active")
        if state.active != "active":
            return Observation(state, None)
        began = asyncio.get_running_loop().time()
        try:
            answer, full = await asyncio.gather(self._ask(unit.probe), self._busy(unit))
            verdict = probes.judge(unit.probe, answer)
        except BadInput as bad:
            return Observation(state, None, str(bad))
        late = asyncio.get_running_loop().time() - began - probes.ASK_S
        if not verdict.works and late > LATE_S:
            return Observation(state, None, f"the agent itself was {late:.1f} s late")
        return Observation(state, verdict.works, verdict.reason, blameless(unit, answer, verdict.works, full))

    async def _busy(self, unit: Unit) -> bool:
        """Asked beside the probe, once that has failed: three times no, and it has been asked."""
        return self.words.get(unit.name) not in (None, "works") and await self._full(unit)

    async def _judge(self, unit: Unit, seen: Observation) -> None:
        now = asyncio.get_running_loop().time()
        action = decide(self._histories[unit.name], seen, now, now >= self._not_before)
        before, self._histories[unit.name] = self._histories[unit.name], action.history
        self._tell(unit.name, action, seen, before.escalated)
        if action.restart:
            await self._restart(unit.name, action)

    async def _restart(self, unit: str, action: Action) -> None:
        self._log.warning(
            "restarting", unit=unit, reason=action.restart, why=action.why, attempt=action.history.attempts
        )
        self._metrics.restarts.labels(unit, action.restart).inc()
        self._own[unit] = action.why or action.restart
        try:
            await self._supervisor.restart(unit)
        except DriverError as error:
            self._log.warning("restart failed", unit=unit, why=str(error))
        finally:
            self._not_before = asyncio.get_running_loop().time() + APART_S
            self._next_look = 0.0

    def _tell(self, unit: str, action: Action, seen: Observation, was_escalated: bool) -> None:
        self._metrics.unit_up.labels(unit).set(-1 if seen.works is None else int(seen.works))
        self._metrics.escalated.labels(unit).set(int(action.history.escalated))
        before = self.words.get(unit)
        self.words[unit] = action.word
        if action.history.escalated and not was_escalated:
            self._log.error("escalated: restarts do not help", unit=unit, why=action.why or action.word)
        elif was_escalated and not action.history.escalated:
            self._log.info("recovered", unit=unit)
        elif action.word == "busy" and before != "busy":
            self._metrics.actions_refused.labels("busy").inc()
            self._log.warning("busy, not restarted: it is full, and works", unit=unit, why=action.why)
        elif before != action.word and (before is not None or action.word != "works"):
            self._log.info("unit", unit=unit, state=action.word, why=action.why)
        if before != action.word:
            self._changed()


def blameless(
    unit: Unit, answer: Answer, works: bool | None, full: bool = False
) -> Literal["", "no leader", "busy"]:
    """An etcd that answers its /health with anything but yes has no leader: what it lacks is its peers. full: a
    proxy, and that is why it does not answer.
    """
    if works is not False:
        return ""
    if unit.name.startswith("etcd-") and answer.how == "came":
        return "no leader"
    return "busy" if full else ""
