"""An arbiter on paper: what `trimtab` says on a host of the twin on paper, and what it does there.

A drain stops after the step that it is told to hold at, until it is killed or somebody waits for its end: so a test decides
when it is hit, and no clock does.
"""

from __future__ import annotations

import json
import subprocess
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from itertools import cycle
from typing import Any, Literal

from trimtab import agent_config
from trimtab.agent_config import AgentFile, Front, WatchFile
from trimtab.answers.codec import extended, plain
from trimtab.answers.drain import Answered, Ended, Objection, Refused, Step, Stepped
from trimtab.answers.members import Member, Members
from trimtab.answers.status import Site, Status, Word
from trimtab.answers.why import Override, WhyHost, WhyMember

FRONTS = {"hk": ("198.18.1.10", "2001:db8:1::a"), "sg": ("198.18.2.10", "2001:db8:2::a")}
ESTATE = {"hk-registry-1": 0xD4, "sg-registry-1": 0xE5, "mid-registry-1": 0xF6}


def agent_json(node: str, sites: Iterable[str] = FRONTS) -> str:
    """Of a registry host that looks at these sites."""
    fronts = tuple(Front(site, FRONTS[site], "www.shop.example") for site in sites)
    watch = WatchFile(fronts, ("https", "tcp", "icmp"), 2.0, 1.0, 3, 2)
    return agent_config.dump(AgentFile(node, node[:2], "shop", "10.1.0.1", 8407, "systemd", watch=watch))


class PaperArbiter:
    """twin: its `dark` are hosts without power, its `filters` what a host does not hear. spent: the budget. holds: of each
    drain, the step after which it stops. takes_over: somebody else goes on with a drain whose command was killed.
    """

    def __init__(self, twin: Any) -> None:
        self._twin = twin
        self.drained: set[str] = set()
        self.frozen = self.spent = self.takes_over = False
        self.denies: tuple[int, str] | None = None  # how `undrain` ends all the same
        self.under_way = ""
        self.holds: Iterator[str] = cycle(["prefer", "withdraw"])
        self.asked: list[tuple[str, ...]] = []  # (node, verb, site, …) of whatever was no question

    def command(self, node: str, words: Sequence[str]) -> PaperCommand:
        verb = words[0]
        if len(ESTATE.keys() & self._twin.dark) > 1:
            return PaperCommand(3, "the estate's store: no answer\n")
        if verb == "status":
            return PaperCommand(0, "", self.status())
        if verb == "why":
            return PaperCommand(0, "", self._why(words[1]))
        if "--dry-run" not in words:
            self.asked.append((node, *(word for word in words if word != "--json")))
        if verb == "members":
            rows = [
                Member(
                    words[2], pool, f"{words[2]}-backend-{n}", "", 100, "ready", "", (), "", "", "", "", None
                )
                for pool in ("web", "api")
                for n in (1, 2)
            ]
            return PaperCommand(0, "", Members(tuple(rows), {}))
        if verb == "drain" and words[1] not in FRONTS:
            return self._drain_inside(words[1], dry="--dry-run" in words)
        if verb == "drain":
            return self._drain(words[1], force="--force" in words, dry="--dry-run" in words)
        if verb == "undrain":
            found = words[1] in self.drained
            self.drained.discard(words[1])
            if self.denies is not None:
                return PaperCommand(*self.denies)
            return PaperCommand(*((0, "") if found else (1, f"{words[1]} is not drained\n")))
        assert verb == "freeze", words
        self.frozen = "--off" not in words
        return PaperCommand(0, "")

    def objections(self, site: str, force: bool) -> list[str]:
        if site in self.drained:
            return ["is-so-already"]
        others = [name for name in FRONTS if name != site and self.verdict(name) == "serving"]
        found = {
            "under-way": bool(self.under_way), "frozen": self.frozen and not force,
            "budget-spent": self.spent and not force, "last-site": not set(others) - self.drained,
        }  # fmt: skip
        return [rule for rule, objects in found.items() if objects]

    def _drain(self, site: str, *, force: bool, dry: bool) -> PaperCommand:
        rules = self.objections(site, force)
        if rules:
            return denied(site, site, *rules, dry=dry)
        return PaperCommand(0, "hk, sg carry\n") if dry else PaperDrain(self, site)

    def _drain_inside(self, target: str, *, dry: bool) -> PaperCommand:
        """A proxy or a member: one word, and it is done."""
        if self.frozen:
            return denied(target, "hk", "frozen", dry=dry)
        if dry:
            return PaperCommand(0, "")
        self.drained.add(target)
        steps = tuple(Step(0.0, time.monotonic(), step, "so") for step in ("drain", "done"))
        return PaperCommand(0, "", Ended(target=target, site="hk", done=True, why="so", steps=steps))

    def _why(self, target: str) -> WhyHost | WhyMember:
        drained = target in self.drained
        override = Override("drain" if drained else "ready", "root@sg-registry-1", "")
        if "/" in target:
            return WhyMember(target, "hk", 100, "", override, {}, {}, (), ())
        return WhyHost(target, "hk", None, {}, None, drained, None, override, {}, (), ())

    def verdict(self, site: str) -> Literal["unreachable", "serving"]:
        if f"{site}-router-1" in self._twin.dark:
            return "unreachable"
        blind = sum(FRONTS[site][0] in self._twin.filters.get(host, "") for host in ESTATE)
        return "unreachable" if blind > 1 else "serving"

    def status(self) -> Status:
        return Status(tuple(self._row(site) for site in FRONTS), None, (), "3 changes left", (), ())

    def _row(self, site: str) -> Site:
        drained = Word("root@sg-registry-1", 1.0, "a drill") if site in self.drained else None
        blind = [host for host in ESTATE if FRONTS[site][0] in self._twin.filters.get(host, "")]
        return Site(
            site, drained, None, self.verdict(site), 3, 3, since=1.0,
            reasons=tuple(f"{host.partition('-')[0]}: https: no answer within 1 s" for host in blind),
            step="withdraw" if drained else "serve",
            word="drained by root@sg-registry-1 at 14:02:18: a drill" if drained else "serves as the estate says",
            held_by=(), routers={}, against=(), shifted=None,
        )  # fmt: skip


class _Stream:
    """A pipe's reading end."""

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines = lines

    def __enter__(self) -> _Stream:
        return self

    def __exit__(self, *error: object) -> None:
        """Nothing to close."""

    def __iter__(self) -> Iterator[str]:
        return self._lines

    def read(self) -> str:
        return "".join(self._lines)


class PaperCommand:
    """One that has ended with `code`."""

    def __init__(self, code: int, said: str, reply: object = None) -> None:
        self.returncode = code
        self.stderr = _Stream(iter(said.splitlines(keepends=True)))
        self.stdout = _Stream(iter([] if reply is None else [json.dumps(plain(reply))]))

    def wait(self, timeout: float | None = None) -> int:
        return self.returncode

    def kill(self) -> None:
        """It has ended."""


def denied(target: str, site: str, *rules: str, dry: bool = False) -> PaperCommand:
    said = "".join(f"  {rule}: for a reason\n" for rule in rules)
    found = tuple(Objection(rule, "for a reason", "", False) for rule in rules)
    event: Refused | Answered = Refused(target=target, site=site, objections=found)
    if dry:
        event = Answered(target=target, site=site, granted=False, objections=found)
    return PaperCommand(
        1, f"{target} is not drained: nothing was begun\n{said}    wait for it to end\n", event
    )


class PaperDrain(PaperCommand):
    """One that was granted."""

    def __init__(self, arbiter: PaperArbiter, site: str) -> None:
        super().__init__(-9, "")
        self._arbiter, self._site, self._hold = arbiter, site, next(arbiter.holds)
        self._go, self._over, self._killed = threading.Event(), threading.Event(), False
        self._steps: list[Step] = []
        arbiter.under_way = site
        self.stdout = _Stream(self._play())

    def wait(self, timeout: float | None = None) -> int:
        self._go.set()
        if not self._over.wait(timeout):
            raise subprocess.TimeoutExpired("trimtab", timeout or 0.0)
        return self.returncode

    def kill(self) -> None:
        self._killed = True
        self._go.set()

    def _play(self) -> Iterator[str]:
        try:
            for step in ("prefer", "withdraw"):
                yield self._tell(step)
                yield self._tell("waits")
                if step == self._hold:
                    self._go.wait(30)
                if self._killed:
                    return self._left()
                if self._is_last():
                    yield self._tell("undoes")
                    yield self._tell("not done")
                    self.returncode = 1
                    yield self._ended()
                    return None
            yield self._tell("commits")
            self._arbiter.drained.add(self._site)
            yield self._tell("done")
            self.returncode = 0
            yield self._ended()
            return None
        finally:
            self._arbiter.under_way = ""
            self._over.set()

    def _left(self) -> None:
        if self._arbiter.takes_over:
            self._arbiter.drained.add(self._site)

    def _is_last(self) -> bool:
        return all(name == self._site or self._arbiter.verdict(name) != "serving" for name in FRONTS)

    def _tell(self, what: str) -> str:
        self._steps.append(step := Step(0.0, time.monotonic(), what, "so"))
        return json.dumps(plain(extended(Stepped, step))) + "\n"

    def _ended(self) -> str:
        done = self.returncode == 0
        told = Ended(target=self._site, site=self._site, done=done, why="so", steps=tuple(self._steps))
        return json.dumps(plain(told)) + "\n"
