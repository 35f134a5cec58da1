"""Wait until a twin is up: ask each check until it holds, and never again what already does."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence

from trimtab.daemons.probe import UNIT, Probe, ReadyCheck
from trimtab.daemons.reply import TRUE, Verdict, false, unknown
from trimtab.daemons.table import table
from trimtab.errors import TwinFailed
from trimtab.lab import process
from trimtab.lab.node import Machine
from trimtab.lab.supervisor import Supervisor

FIRST_PAUSE, LONGEST_PAUSE, GROWTH = 0.05, 0.3, 1.5  # seconds between two questions of one check
AT_ONCE = 6  # questions under way; each is a program that starts
REPORT_EVERY = 0.1


class Readiness:
    """Judges checks on machines and their supervisors, both by node name."""

    def __init__(self, machines: Mapping[str, Machine], units: Mapping[str, Sequence[Supervisor]]) -> None:
        self._machines, self._units = machines, units
        self._turn = asyncio.Semaphore(AT_ONCE)

    async def wait(
        self, checks: Sequence[ReadyCheck], limit: float, report: Callable[[list[str]], None]
    ) -> None:
        """Returns when all hold. `report` gets what is waited for whenever that changes.

        Raises TwinFailed after `limit` seconds, or when a unit has failed for good.
        """
        deadline = time.monotonic() + limit
        whys: dict[ReadyCheck, str] = dict.fromkeys(checks, "not asked yet")
        held = asyncio.Condition()
        tasks = {asyncio.create_task(self._until_true(check, whys, held)) for check in whys}
        pending, said = tasks, [""]
        try:
            while pending:
                done, pending = await asyncio.wait(
                    pending, timeout=REPORT_EVERY, return_when=asyncio.FIRST_EXCEPTION
                )
                for task in done:
                    task.result()
                waiting = [f"{check.what}: {why}" for check, why in whys.items()]
                if waiting != said:
                    report(waiting)
                    said = waiting
                if pending and time.monotonic() > deadline:
                    raise TwinFailed(
                        f"not ready within {limit:g} s, still waiting for {'; '.join(waiting[:8])}",
                        self._clues(),
                    )
        finally:
            for task in tasks:
                task.cancel()

    async def _until_true(
        self, check: ReadyCheck, whys: dict[ReadyCheck, str], held: asyncio.Condition
    ) -> None:
        """Once nothing is left that it needs. `held` is notified when a check has been taken out of `whys`."""
        async with held:
            await held.wait_for(lambda: all(_rank(other) >= _rank(check) for other in whys))
        true: set[str] = set()
        pause = FIRST_PAUSE
        while (verdict := await self._judge(check, true)).truth != "true":
            whys[check] = verdict.why
            await asyncio.sleep(pause)
            pause = min(pause * GROWTH, LONGEST_PAUSE)
        async with held:
            del whys[check]
            held.notify_all()

    async def _judge(self, check: ReadyCheck, true: set[str]) -> Verdict:
        """One round over the check's nodes; `true` collects those that need not be asked again."""
        for node in check.nodes:
            if (early := self._early(node)).truth != "true":
                return early
        if check.kind == UNIT:
            return next(
                (found for node in check.nodes if (found := self._judge_units(node, check.args)) != TRUE),
                TRUE,
            )
        probe = table().probes[check.kind]
        nodes = [node for node in check.nodes if node not in true]
        verdicts = dict(
            zip(nodes, await asyncio.gather(*(self._ask(probe, check, node) for node in nodes)), strict=True)
        )
        if probe.holds == "on exactly one":
            return exactly_one(verdicts)
        true |= {node for node, verdict in verdicts.items() if verdict.truth == "true"}
        return next((_named(node, found) for node, found in verdicts.items() if found.truth != "true"), TRUE)

    async def _ask(self, probe: Probe, check: ReadyCheck, node: str) -> Verdict:
        async with self._turn:
            pid = self._machines[node].pid
            if pid is None:
                return unknown("no power")
            return probe.judge(check.args, await process.ask(pid, probe.ask(check.args)))

    def _early(self, node: str) -> Verdict:
        """Not true while it makes no sense to ask: no power, or units that have not started yet."""
        if self._machines[node].pid is None:
            return false(f"{node} has no power")
        for unit in self._units[node]:
            if unit.state == "failed":
                raise TwinFailed(f"{node}: {unit.unit.name} has failed", unit.last_words())
            if not unit.settled.is_set():
                return false(f"{node}: {unit.unit.name} is {unit.state}")
        return TRUE

    def _judge_units(self, node: str, names: Sequence[str]) -> Verdict:
        for unit in self._units[node]:
            if not unit.steady and (not names or unit.unit.name in names):
                return false(f"{node}: {unit.unit.name} is {'just started' if unit.up else unit.state}")
        return TRUE

    def _clues(self) -> str:
        """The last words of units that are not up."""
        down = [unit for units in self._units.values() for unit in units if not unit.up]
        return "\n".join(
            f"{unit.machine.node.name} {unit.unit.name}: {unit.last_words(3)}" for unit in down[:4]
        )


def _rank(check: ReadyCheck) -> int:
    return 0 if check.kind == UNIT else table().probes[check.kind].after


def exactly_one(verdicts: Mapping[str, Verdict]) -> Verdict:
    """True if one node's verdict is true and all others' false. Pure."""
    if lost := [node for node, verdict in verdicts.items() if verdict.truth == "unknown"]:
        return unknown(f"{lost[0]}: {verdicts[lost[0]].why}")
    holders = [node for node, verdict in verdicts.items() if verdict.truth == "true"]
    if len(holders) == 1:
        return TRUE
    return false(f"on {' and '.join(holders)}" if holders else f"on none of {', '.join(verdicts)}")


def _named(node: str, verdict: Verdict) -> Verdict:
    return Verdict(verdict.truth, f"{node}: {verdict.why}")
