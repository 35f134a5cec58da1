"""Run one unit in one node as systemd would: start, notice its end, clean up after it, start it again.

Without cgroups a unit's processes are: the main process, all below it, and those of the session it began that
were handed to the node's PID 1 when their parent died.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from collections import deque
from pathlib import Path
from typing import Literal

from trimtab.errors import TrimtabError, TwinFailed
from trimtab.lab import process
from trimtab.lab.node import Machine
from trimtab.lab.notify import NotifySocket
from trimtab.lab.priority import Ask
from trimtab.lab.restart import Outcome, allowed, outcome, wants_restart
from trimtab.lab.runner import Runner, describe
from trimtab.lab.unit import Unit

State = Literal["inactive", "activating", "active", "deactivating", "auto-restart", "exited", "failed"]

TRIED_S = 0.1  # a unit that says nothing itself counts as steady after so long


class Supervisor:
    """One unit on one machine.

    `start` and `stop` may be called again and again; `cut` when the power has gone.
    """

    def __init__(self, machine: Machine, unit: Unit, log: Path, priority: Ask) -> None:
        self.machine, self.unit, self._priority = machine, unit, priority
        self._runner = Runner(machine, unit, log)
        self.state: State = "inactive"
        self.restarts = 0
        self._up_since = 0.0
        self.settled = asyncio.Event()  # the first attempt to start is over, well or not
        self._task: asyncio.Task[None] | None = None
        self._stopping = asyncio.Event()
        self._child: process.Child | None = None
        self._main: int | None = None  # in the owner's numbers; also the number of its session
        self._starts: deque[float] = deque(maxlen=unit.start_limit_burst)

    @property
    def pid(self) -> int | None:
        """The main process in the node's own numbers, None if there is none."""
        with contextlib.suppress(ProcessLookupError):
            for main in self._living_main():
                return process.inner_pid(main)
        return None

    @property
    def steady(self) -> bool:
        """Up, and not just because a process that is about to fail has been started."""
        proved = self.unit.type in ("notify", "oneshot") or time.monotonic() - self._up_since > TRIED_S
        return self.up and proved

    @property
    def up(self) -> bool:
        """Active, or a oneshot that has done its work."""
        return self.state in ("active", "exited")

    def become(self, unit: Unit) -> None:
        """The unit's file has changed: what runs goes on, every further command is the new one."""
        self.unit = unit
        self._runner.become(unit)

    def start(self) -> None:
        if self._task is None or self._task.done():
            self._stopping.clear()
            self.settled.clear()
            self._starts.clear()
            self._task = asyncio.create_task(self._live())

    async def stop(self) -> None:
        """Stop as `systemctl stop` would; returns when ExecStopPost is done."""
        self._stopping.set()
        if self._task:
            await self._task

    async def cut(self) -> None:
        """The machine has no power: forget everything, run nothing."""
        if self._task:
            self._task.cancel()
            if self._child:
                self._child.kill()  # it may be stopped with the unit, and would never notice that the node is gone
            await asyncio.wait([self._task])
        self.state, self._child, self._main = "inactive", None, None

    async def reload(self) -> None:
        """ExecReload=. Raises TwinFailed if the unit has none, does not run, or a command fails."""
        if not self.unit.reload or not self.up:
            raise TwinFailed(f"{self.machine.node.name}: {self.unit.name} ({self.state}) cannot be reloaded")
        if not await self._runner.run(self.unit.reload, self.unit.timeout_start_s):
            raise TwinFailed(
                f"{self.machine.node.name}: reloading {self.unit.name} failed", self.last_words()
            )

    def kill(self, number: signal.Signals) -> float:
        """Signal every process of the unit; returns time.monotonic(). Raises TwinFailed if it has none."""
        members = self.members()
        if not members:
            raise TwinFailed(
                f"{self.machine.node.name}: no process of {self.unit.name} runs, it is {self.state}"
            )
        at = time.monotonic()
        process.send(members, number)
        if number == signal.SIGCONT and self._child:
            # nsenter stops itself with its child, and is not among the unit's processes
            process.send([self._child.pid], number)
        return at

    def members(self) -> list[int]:
        """Every living process of the unit, in the owner's numbers, the main process first."""
        if self._main is None or self.machine.pid is None:
            return []
        main = self._living_main()
        below = [pid for each in main for pid in process.descendants(each)]
        orphans = [pid for pid in process.descendants(self.machine.pid) if self._in_session(pid)]
        return [pid for pid in dict.fromkeys(main + below + orphans) if self._alive(pid)]

    def last_words(self, lines: int = 8) -> str:
        """The end of the unit's log."""
        return self._runner.last_words(lines)

    def _living_main(self) -> list[int]:
        """The main process in the owner's numbers; when it has ended, the number may be somebody else's."""
        return [self._main] if self._main and self._child and self._child.code is None else []

    def _in_session(self, pid: int) -> bool:
        found = process.stat(pid)
        return found is not None and found.session == self._main

    @staticmethod
    def _alive(pid: int) -> bool:
        found = process.stat(pid)
        return found is not None and found.state != "Z"

    # ---- the life of the unit

    async def _live(self) -> None:
        try:
            while True:
                result = await self._once()
                again = wants_restart(self.unit.restart, result) and not self._stopping.is_set()
                self._runner.clean(again)
                if not again:
                    self.state = "inactive" if result == "clean" else "failed"
                    return
                self.state = "auto-restart"
                await process.first(self._stopping.wait(), limit=self.unit.restart_s)
                if self._stopping.is_set():
                    self.state = "inactive"
                    return
                self.restarts += 1
        except (TrimtabError, OSError) as error:  # its files, or the node itself, went away under it
            self.state = "failed"
            self._runner.note(str(error))
        except Exception:  # a mistake of ours: it is for the owner's log, and the unit must not look alive
            self.state = "failed"
            raise
        finally:
            self.settled.set()

    async def _once(self) -> Outcome:
        """One run from ExecStartPre to ExecStopPost."""
        if not allowed(self._starts, time.monotonic(), self.unit.start_limit_interval_s):
            self._runner.note("started too often, giving up")
            self._stopping.set()
            return "exit"
        self.state = "activating"
        self._runner.prepare()
        self._child = self._main = None
        result = await self._start()
        if result is None:
            self.state = "exited" if self._child is None else "active"
            self._up_since = time.monotonic()
            self.settled.set()
            result = await self._until_end()
        self.state = "deactivating"
        if result == "clean":
            await self._runner.run(self.unit.stop, self.unit.timeout_stop_s)
        await self._end_all()
        await self._runner.run(self.unit.stop_post, self.unit.timeout_stop_s)
        self._main = None
        return result

    async def _start(self) -> Outcome | None:
        """None if it is up; otherwise how the attempt ended."""
        unit = self.unit
        if not await self._runner.run(unit.start_pre, unit.timeout_start_s):
            return "exit"
        if unit.type == "oneshot":
            if not await self._runner.run(unit.start, unit.timeout_start_s):
                return "exit"
        else:
            result = await self._start_main()
            if result is not None:
                return result
        if not await self._runner.run(unit.start_post, unit.timeout_start_s):
            return "exit"
        return "clean" if unit.type == "oneshot" and not unit.remain_after_exit else None

    async def _start_main(self) -> Outcome | None:
        notify = NotifySocket(self.machine, self.unit.name) if self.unit.type == "notify" else None
        try:
            if notify:
                self._runner.environment["NOTIFY_SOCKET"] = notify.path
            child = self._child = self._runner.spawn(self.unit.start[0], "setsid")
            await self._find_main(child)
            if notify is None:
                return None
            await process.first(notify.ready(), child.wait(), limit=self.unit.timeout_start_s)
            if notify.heard:
                return None
            ended = outcome(child.code, self.unit.success_status)
            return "exit" if ended == "clean" else ended  # it ended well, but without a word
        finally:
            if notify:
                notify.close()

    async def _find_main(self, child: process.Child) -> None:
        """nsenter's only child is the main process. It is there a millisecond later, and then begins its session."""
        self._main = None
        while child.code is None:
            if (found := process.children(child.pid)) and process.leads_session(found[0]):
                self._main = found[0]
                self._priority(self._main, self.unit.nice)
                with contextlib.suppress(ProcessLookupError):  # it has ended already
                    self._runner.environment["MAINPID"] = str(process.inner_pid(self._main))
                return
            await asyncio.sleep(0.001)

    async def _until_end(self) -> Outcome:
        """Wait for the main process to end or for a stop."""
        child = self._child
        if child is None:
            await self._stopping.wait()
            return "clean"
        await process.first(child.wait(), self._stopping.wait())
        if child.code is None:
            return "clean"
        self._runner.note(f"main process ended: {describe(child.code)}")
        return outcome(child.code, self.unit.success_status)

    async def _end_all(self) -> None:
        """Have every process of the unit gone, as KillMode= says."""
        unit = self.unit
        if unit.kill_mode == "none":
            return
        first = self.members() if unit.kill_mode == "control-group" else self._living_main()
        if first:
            process.send(first, signal.Signals[unit.kill_signal])
            await process.gone(first, unit.timeout_stop_s)
        rest = self._living_main() if unit.kill_mode == "process" else self.members()
        process.send(rest, signal.SIGKILL)
        await process.gone(rest, None)
        if self._child is not None:
            await self._child.wait()
        self._child = None
