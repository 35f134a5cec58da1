"""The part of an agent that has to do with the whole estate: observers look at every site's endpoint, routers steer.

estate store ─ Follow ─ Mirror ─┬─ RouterSteer ─ TellDone
                                ├─ RouterBlackhole ─ TellCame
                                ├─ Outside
                                ├─ IncidentWatch
                                └─ Autopilot
site endpoints ─ Observe ─ PublishView
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from ipaddress import ip_network
from typing import Any

from trimtab.agent.part import AgentLike
from trimtab.agent.registration.bootstrap import Bootstrap
from trimtab.agent.runtime.access import Access
from trimtab.agent.runtime.informer import Follow
from trimtab.agent.runtime.lease import PACE as LEASE_PACE
from trimtab.agent.runtime.lease import Lease
from trimtab.agent.runtime.loop import Loop
from trimtab.agent.runtime.queue import ONCE_PACE
from trimtab.agent.site.autopilot import PACE as AUTOPILOT_PACE
from trimtab.agent.site.autopilot import Autopilot
from trimtab.agent.site.blackhole import PACE as BLACKHOLE_PACE
from trimtab.agent.site.blackhole import TELL_PACE, RouterBlackhole, TellCame
from trimtab.agent.site.incidents import PACE as INCIDENTS_PACE
from trimtab.agent.site.incidents import IncidentWatch, concerns
from trimtab.agent.site.observe import PUBLISH_PACE, Observe, Prober, PublishView
from trimtab.agent.site.outside import DONE_PACE, OUTSIDE_PACE, Outside, TellDone
from trimtab.agent.site.raw_cache import Mirror
from trimtab.agent.site.shift import ShiftedRoutes
from trimtab.agent.site.steer import PACE as STEER_PACE
from trimtab.agent.site.steer import RouterSteer
from trimtab.agent_config import AgentFile, ArbiterFile, RegistryAccess
from trimtab.daemons.bird.wire import Prefix
from trimtab.errors import InvalidResponse
from trimtab.ops.arbiter.records import decode
from trimtab.ops.arbiter.world import Permit
from trimtab.ops.blackhole.hole import Came, Hole, unasked
from trimtab.ops.blackhole.record import HOLE, holes_of
from trimtab.ops.drain.open import fail_open
from trimtab.ops.drain.standing import Standing
from trimtab.ops.health.reading import state_of
from trimtab.ops.health.record import FRESH_S, views_of
from trimtab.ops.health.verdict import judge_all
from trimtab.ops.incidents.sight import vantage_of
from trimtab.ops.steering.shift import Shift
from trimtab.ops.steering.wish import Committed, Doing, Done, Orders, PermitRef
from trimtab.registry.base import Registry, Snapshot
from trimtab.registry.fields import BadRecord

UNIT = "etcd-estate.service"


class EstatePart:
    """Composed when it is made; its loops are the agent's, `follow` is one task more."""

    def __init__(
        self,
        agent: AgentLike,
        file: AgentFile,
        connect: Callable[[RegistryAccess], Registry],
        bird: Callable[[str], Any],
        probe: Prober | None = None,
    ) -> None:
        access = file.estate_store
        assert access is not None
        self._agent = agent
        self.access = Access(lambda: connect(access), agent.metrics.estate)
        self.mirror = Mirror()
        self._lease = Lease(self.access, self._leased_anew, "estate-lease")
        self._follow: Follow[frozenset[str]] = Follow(
            self.access,
            self.mirror,
            self._store_changed,
            agent.log,
            agent.metrics.estate,
            turned=agent.changed,
        )
        self._written: list[Loop] = []
        self._done: Done | None = None
        self._steer_loop: Loop | None = None
        self._came: Came | None = None
        self._holes: tuple[Hole, ...] = ()
        self._blackhole_loop: Loop | None = None
        self._happened: Callable[[], None] = lambda: None
        agent.loop(self._lease, LEASE_PACE)
        self.observe = self._compose_observer(probe) if file.watch else None
        if file.arbiter and file.arbiter.automatic:
            self._compose_autopilot(file.arbiter)
        if file.steer:
            self._compose_router(bird(file.steer.socket))
        if any(unit.name == UNIT for unit in file.units):
            agent.loop(Bootstrap(access, agent.paths.root_password, agent.log, "estate-auth"), ONCE_PACE)

    def _compose_observer(self, probe: Prober | None) -> Observe:
        file = self._agent.file
        assert file.watch is not None
        observe = Observe(file.watch, lambda: view_loop.mark(("view",)), probe, unasked=self._unasked)
        publish = PublishView(self.access, self._lease, file.site, file.host, lambda: observe.readings)
        view_loop = self._agent.loop(publish, PUBLISH_PACE)
        self._written.append(view_loop)
        self._agent.loop(observe, observe.pace)
        sites, who = [front.site for front in file.watch.fronts], file.arbiter
        vantage, quorum = (who.vantage, who.quorum) if who else ((), None)
        watch = IncidentWatch(self.access, sites, self._heard, vantage=vantage, quorum=quorum)
        watch_loop = self._agent.loop(watch, INCIDENTS_PACE)
        self._happened = lambda: watch_loop.mark(watch.keys())
        return observe

    def _compose_autopilot(self, file: ArbiterFile) -> None:
        agent = self._agent
        pilot = Autopilot(
            file,
            agent.file.host,
            self.mirror,
            lambda: self._follow.state == "following",
            self.access,
            agent.log,
            monotonic=_now,
        )
        agent.loop(pilot, AUTOPILOT_PACE)

    def _compose_router(self, bird: Any) -> None:
        file = self._agent.file
        assert file.steer is not None
        announced = [ip_network(prefix) for each in file.steer.announced.values() for prefix in each]
        folder = self._agent.paths.state
        shifted = ShiftedRoutes(folder, bird, self._shift)
        steer = RouterSteer(
            file.site, file.host, announced, bird, self.orders, self._told, folder,
            now=_now, shift=shifted, sessions=file.steer.sessions,
        )  # fmt: skip
        self._steer_loop = self._agent.loop(steer, STEER_PACE)
        tell = TellDone(self.access, lambda: self._done, lambda key: self.mirror.records.get(key))
        self._done_loop = self._agent.loop(tell, DONE_PACE)
        outside = Outside(self.access, self._lease, bird, file.host, file.steer.others, self._leaving)
        self._written += [self._agent.loop(outside, OUTSIDE_PACE), self._done_loop]
        if file.steer.blackholes is not None:
            self._compose_blackholes(bird, announced, file.steer.sessions, file.steer.blackholes)

    def _compose_blackholes(
        self,
        bird: Any,
        announced: list[Prefix],
        sessions: Mapping[str, tuple[int, ...]],
        accepting: Mapping[str, str],
    ) -> None:
        agent, file = self._agent, self._agent.file
        controller = RouterBlackhole(
            file.site, file.host, announced, sessions, accepting, bird, self._records, self._came_to, agent.paths.state
        )  # fmt: skip
        self._blackhole_loop = agent.loop(controller, BLACKHOLE_PACE)
        tell = TellCame(self.access, lambda: self._came, lambda key: self.mirror.records.get(key))
        self._came_loop = agent.loop(tell, TELL_PACE)
        self._written.append(self._came_loop)

    # ---- its life

    def load(self) -> None:
        """What a router was told last is read by its controller."""

    def tasks(self) -> list[Callable[[], Coroutine[Any, Any, Any]]]:
        return [self._follow.run]

    def stop(self) -> None:
        self._follow.stop()

    def last_words(self) -> tuple[()]:
        return ()

    async def close(self) -> None:
        await self.access.close()

    def part(self) -> dict[str, Any]:
        """For status.json."""
        done = self._done
        steer = (
            {"step": done.step, "verified": done.verified, "why": done.why, "amiss": done.amiss}
            if done
            else {}
        )
        seen = {site: state_of(each) for site, each in self.observe.readings.items()} if self.observe else {}
        holes = [{"address": each.address, "until": each.until, "by": each.by} for each in self._holes]
        return {
            "state": self._follow.state, "revision": self.mirror.revision, "steer": steer, "sees": seen,
            "blackholes": holes,
        }  # fmt: skip

    def _leased_anew(self) -> None:
        for loop in self._written:
            loop.urge()

    # ---- who marks whom

    def _store_changed(self, keys: frozenset[str], whole: bool) -> None:
        told = ("decision/", "gate", "incident/", "open/", HOLE)  # nothing that is announced or not
        if self._steer_loop is not None and (whole or any(not key.startswith(told) for key in keys)):
            self._steer_loop.urge(("announcements",))
        if self._blackhole_loop is not None and (whole or any(key.startswith(f"{HOLE}/") for key in keys)):
            self._blackhole_loop.urge(("blackholes",))
        if whole or concerns(keys):
            self._happened()
        self._agent.changed()

    def _told(self, done: Done) -> None:
        if done != self._done:
            self._done = done
            self._done_loop.urge(("done",))
            self._agent.changed()

    def _came_to(self, came: Came, holes: tuple[Hole, ...]) -> None:
        if (came, holes) != (self._came, self._holes):
            self._came, self._holes = came, holes
            self._agent.metrics.blackholes.say(holes, came.verified)
            self._came_loop.urge(("blackholed",))
            self._agent.changed()

    # ---- what is known

    def _records(self) -> Mapping[str, bytes] | None:
        """None before the store has been heard."""
        return self.mirror.records if self.mirror.revision else None

    def _unasked(self) -> frozenset[str]:
        return unasked(holes_of(self.mirror.records), time.time())

    def orders(self) -> Orders | None:
        """For our own site; None before the store has been heard."""
        if not self.mirror.revision:
            return None
        site = self._agent.file.site
        committed = self._read(f"steer/{site}", Committed)
        doing = self._read(f"doing/{site}", Doing)
        if committed is not None and doing is None and (why := self._fail_open(site)):
            committed = Committed(site, "serve", "the site itself", why, time.time())
        return Orders(committed, doing, self._permits(), self._follow.known(_now()))

    def _shift(self) -> Shift | None:
        """For our own site; None before the store has been heard, and where its word cannot be read."""
        key = f"shift/{self._agent.file.site}"
        if not self.mirror.revision:
            return None
        if key not in self.mirror.records:
            return Shift(self._agent.file.site, "", "", 0.0)
        found: Shift | None = self._read(key, Shift)
        return found

    def _permits(self) -> tuple[PermitRef, ...]:
        found = []
        for key in self.mirror.records:
            if key.startswith("permit/") and (each := self._read(key, Permit)) is not None:
                found.append(PermitRef(each.id, each.kind, each.site, each.ttl_s))
        return tuple(found)

    def _read(self, key: str, kind: type[Any]) -> Any:
        """The record; None where there is none of this kind. What cannot be read was never said."""
        with suppress(BadRecord):
            if (value := self.mirror.records.get(key)) is not None and isinstance(
                found := decode(key, value), kind
            ):
                return found
        return None

    def _leaving(self) -> list[str]:
        return [key.partition("/")[2] for key in self.mirror.records if key.startswith("doing/")]

    def _fail_open(self, site: str) -> str | None:
        views = views_of(self.mirror.records)
        sites = sorted({name for view in views for name in view.readings})
        vantage = vantage_of(views, sites)
        verdicts = judge_all(sites, views, vantage, now=time.time(), fresh_s=FRESH_S)
        try:
            away = Standing.of(_snapshot(self.mirror)).away()
        except InvalidResponse:
            return None
        own = [
            state_of(view.readings[site])
            for view in views
            if view.vantage_site == site and site in view.readings
        ]
        serves = "serving" in own if own else None
        return fail_open(site, verdicts, away, serves=serves, announced=self._is_announced())

    def _heard(self) -> Snapshot | None:
        """The store, while it is followed."""
        return _snapshot(self.mirror) if self._follow.state == "following" else None

    def _is_announced(self) -> bool:
        return self._done is not None and self._done.step != "withdraw"


def _snapshot(mirror: Mirror) -> Snapshot:
    return Snapshot(mirror.revision, mirror.records)


def _now() -> float:
    return asyncio.get_running_loop().time()
