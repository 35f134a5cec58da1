"""A BIRD that fits on a screen, and a router's steering around it."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from ipaddress import ip_network
from pathlib import Path

from trimtab.agent.site.steer import RouterSteer
from trimtab.agent.site.steer_file import Disk, Steered, read, text
from trimtab.daemons.bird.shift_file import Left, Row, ShiftFile
from trimtab.daemons.bird.shift_file import read as read_shift
from trimtab.daemons.bird.wire import GRACEFUL_SHUTDOWN, Adverts, Configured, Prefix, ProtocolState
from trimtab.errors import Refused, Unreachable
from trimtab.ops.steering.wish import Committed, Doing, Done, Orders, PermitRef, Step

A, B, A6 = (ip_network(each) for each in ("198.18.1.0/24", "192.88.9.0/24", "2001:db8:1::/48"))
OURS = (A, B, A6)
MARKED: frozenset[tuple[int, int]] = frozenset({GRACEFUL_SHUTDOWN})
PLAIN: frozenset[tuple[int, int]] = frozenset()


class FakeBird:
    """Runs on a copy of `steer.conf`; a channel is fed when its filter changes, as BIRD does it.

    anchor: whether it has routes to announce.  follows: whether its filters use the sets.  slow: how often one may ask
    before a fed peer has it.  said: what `configure` answers, and whether it does it.
    """

    def __init__(self, conf: Path) -> None:
        self.conf, self.running = conf, ""
        self.state = {"up_x4": "up", "up_x6": "up", "up_y4": "start", "site_b4": "up", "origin4": "up"}
        self.anchor = self.follows = self.there = True
        self.slow, self.said, self.takes_up = 0, "done", True
        self.told: dict[str, dict[Prefix, frozenset[tuple[int, int]]]] = {}
        self.shifts: ShiftFile | None = ShiftFile()  # None: its configuration does not include the file
        self.calls: list[str] = []
        self._waiting: dict[str, int] = {}

    def wanted(self, name: str) -> dict[Prefix, frozenset[tuple[int, int]]]:
        steered = read(self.running) if self.running and self.follows else Steered()
        own = [each for each in OURS if str(each.version) == name[-1] and self.anchor]
        return {
            each: MARKED if each in steered.prefer else PLAIN for each in own if each not in steered.withdrawn
        }

    def feed(self) -> None:
        for name in (name for name in self.state if name.startswith("up_")):
            if self.told.get(name) != self.wanted(name):
                self._waiting[name] = self.slow

    def _alive(self) -> None:
        if not self.there:
            raise Unreachable("nobody answers")

    async def configure(self) -> Configured:
        self._alive()
        self.calls.append("configure")
        content, shift = self.conf.read_text(), self.conf.with_name("shift.conf")
        if self.takes_up and self.shifts is not None and shift.exists():
            self.shifts = read_shift(shift.read_text())
        if self.takes_up and content != self.running:
            before = {name: self.wanted(name) for name in self.state}
            self.running = content
            if before != {name: self.wanted(name) for name in self.state} or not self.told:
                self.feed()
        return self.said  # type: ignore[return-value]

    async def members(self, asked: Sequence[tuple[Prefix, str]]) -> tuple[bool, ...]:
        self._alive()
        if not self.running:
            raise Refused("BIRD: syntax error, unexpected CF_SYM_UNDEFINED")
        steered = read(self.running)
        sets = {"PREFER_AWAY": steered.prefer, "WITHDRAWN": steered.withdrawn}
        return tuple(prefix in sets[name[:-1]] and name[-1] == str(prefix.version) for prefix, name in asked)

    async def protocols(self) -> dict[str, ProtocolState]:
        self._alive()
        kinds = {name: "Static" if name.startswith("origin") else "BGP" for name in self.state}
        return {n: ProtocolState(n, kinds[n], "---", state, "10:00", "") for n, state in self.state.items()}

    async def filtered(self, protocol: str, prefixes: Collection[Prefix]) -> Adverts:
        self._alive()
        assert self.state[protocol] == "up" and {each.version for each in prefixes} == {int(protocol[-1])}
        return self.wanted(protocol)

    async def exported(self, protocol: str, prefixes: Collection[Prefix]) -> Adverts:
        self._alive()
        assert self.state[protocol] == "up" and {each.version for each in prefixes} == {int(protocol[-1])}
        if self._waiting.get(protocol) == 0:
            self.told[protocol] = self.wanted(protocol)
        if protocol in self._waiting:
            self._waiting[protocol] -= 1
        return self.told.get(protocol, {})

    async def runs_shift(self, number: int) -> bool:
        self._alive()
        if self.shifts is None:
            raise Refused("BIRD: syntax error, unexpected CF_SYM_UNDEFINED")
        return self.shifts.number == number

    async def leaving(self, protocol: str, prefixes: Collection[Prefix]) -> dict[Prefix, Left]:
        self._alive()
        file = self.shifts if self.shifts is not None and self.follows else ShiftFile()
        row = file.upstreams.get(protocol[3:-1], Row())
        return dict.fromkeys(prefixes, Left(file.ramp + row.prepend, row.med, frozenset(row.communities)))

    async def reload_out(self, protocol: str) -> None:
        self._alive()
        self.calls.append(f"reload out {protocol}")
        self._waiting[protocol] = self.slow


class Stage:
    """A router of site `a`. heard: what the store says; None: not a word since the start."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.conf, self.memory = folder, folder / "steer.conf", folder / "steered.json"
        self.now, self.wall, self.boot, self.settle_s = 100.0, 1e9, "boot-1", 0.0
        self.orders: Orders | None = Orders(None, None, (), 100.0)
        self.told: list[Done] = []
        self.bird = FakeBird(self.conf)
        self.restart()

    def restart(self) -> None:
        """Another agent begins; the disk and BIRD are as they were."""
        self.steer = RouterSteer(
            "a", "a-router-1", OURS, self.bird, lambda: self.orders, self.told.append, self.folder,
            now=lambda: self.now, wall=lambda: self.wall, boot=self.boot, settle_s=self.settle_s,
        )  # fmt: skip

    def commit(self, step: Step, site: str = "a") -> None:
        self.orders = Orders(Committed(site, step, "ann", "works", 1.0, "p0"), None, (), self.now)

    def do(
        self, step: Step, token: int = 7, ttl_s: float = 30.0, site: str = "a", permit: str = "p1"
    ) -> None:
        committed = self.orders.committed if self.orders else None
        permits = (PermitRef("p1", "drain", "a", 60.0),)
        self.orders = Orders(committed, Doing(site, step, permit, token, ttl_s), permits, self.now)

    def sync(self) -> Done | None:
        """One reconcile; what it told."""
        before = len(self.told)
        asyncio.run(self.steer.reconcile(frozenset(self.steer.keys())))
        return self.told[-1] if len(self.told) > before else None

    def heard(self) -> dict[str, dict[Prefix, frozenset[tuple[int, int]]]]:
        """What each upstream has been told by sessions that are up."""
        return {name: told for name, told in sorted(self.bird.told.items()) if self.bird.state[name] == "up"}

    def saved(self) -> Orders | None:
        return Disk(self.folder, self.boot).saved()

    def stands(self) -> Steered:
        return read(self.conf.read_text())


def everywhere(
    communities: frozenset[tuple[int, int]] | None,
) -> dict[str, dict[Prefix, frozenset[tuple[int, int]]]]:
    """All of ours as every upstream has to have heard it; None: not at all."""
    if communities is None:
        return {"up_x4": {}, "up_x6": {}}
    return {"up_x4": dict.fromkeys((A, B), communities), "up_x6": {A6: communities}}


def conf_of(step: Step) -> str:
    return text(Steered.of(step, OURS))
