"""The part of an agent that looks after the proxy of its host: it follows the registry, decides, and tells the proxy."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from trimtab.agent.membership.desired import Desired
from trimtab.agent.membership.in_flight import Leaving
from trimtab.agent.membership.members_file import PACE as MEMBERS_PACE
from trimtab.agent.membership.members_file import MembersFile
from trimtab.agent.membership.persistence import records_of
from trimtab.agent.membership.pools import Reason
from trimtab.agent.membership.saver import SAVE_PACE, Saver
from trimtab.agent.membership.state import Changed
from trimtab.agent.membership.store import Store
from trimtab.agent.part import ProxyAgent
from trimtab.agent.proxy.engines import EngineParts, compose
from trimtab.agent.proxy.front import PACE as FRONT_PACE
from trimtab.agent.proxy.front import SOON_S, TELL_PACE, FrontControl, FrontHook, FrontLike, TellFront
from trimtab.agent.proxy.hold_down import hold_down
from trimtab.agent.registration.publish import RESTORE_PACE, Restore
from trimtab.agent.runtime.informer import Follow
from trimtab.agent.runtime.lease import Lease
from trimtab.agent.runtime.log import Sparing
from trimtab.agent.runtime.loop import Loop
from trimtab.agent.status import counts
from trimtab.drivers.files import read_json


class ProxyPart:
    """Made with the agent, which runs its loops."""

    def __init__(self, agent: ProxyAgent, runtime: Callable[[str], Any]) -> None:
        proxy = agent.file.proxy
        assert proxy is not None
        self._agent, self._proxy = agent, proxy
        self._sparing = Sparing(agent.log)
        self.store = Store(self._refuse_record)
        self.desired = Desired(proxy, self.store, self._refuse_action)
        self._members = MembersFile(
            self.desired, agent.paths.members, self._members_changed, agent.paths.members_copy
        )
        self._members_loop = agent.loop(self._members, MEMBERS_PACE)
        self._saver = Saver(self.store, agent.paths.store)
        self._front_loops: list[Loop] = []
        self._engine = compose(EngineParts(agent, proxy, self.desired, runtime, self._tell_front))
        self._follow: Follow[Changed] | None = None
        self._restore_loop: Loop | None = None
        if agent.access is not None:
            self._saver_loop = agent.loop(self._saver, SAVE_PACE)
            self._follow = Follow(
                agent.access,
                self.store,
                self._registry_changed,
                agent.log,
                agent.metrics,
                turned=agent.changed,
            )
            self._restore_loop = agent.loop(Restore(agent.access, self.store, agent.log), RESTORE_PACE)
        agent.metrics.count_pools(lambda: counts(self.desired))
        agent.metrics.tell_hold_down(lambda: hold_down().losses, lambda: hold_down().held_s)

    def compose_front(self, lease: Lease, front: FrontLike | None = None) -> None:
        """What an operator wants of this proxy, and what becomes of it."""
        file, agent = self._proxy.front, self._agent
        if file is None or agent.access is None:
            return
        here, host = front or FrontHook(file.vips), agent.file.host
        leaving = Leaving(self.desired, self._engine.runtime)
        checks = self._engine.checks or (lambda: None)
        told = TellFront(agent.access, lease, host, here, leaving, checks=checks)
        tell = agent.loop(told, TELL_PACE)
        control = FrontControl(here, self._is_drained, file.vrrp, lambda: tell.mark(("front",)))
        self._front_loops = [agent.loop(control, FRONT_PACE), tell]

    def _is_drained(self) -> bool | None:
        """None before anything has been heard."""
        word = self.store.proxies.get(self._agent.file.host)
        if word is None:
            return False if self.store.revision else None
        return word.state == "drain"

    def _tell_front(self) -> None:
        for loop in self._front_loops:
            loop.mark(("front",))

    def _look_in(self, seconds: float) -> None:
        asyncio.get_running_loop().call_later(seconds, self.urge_front)

    def urge_front(self) -> None:
        for loop in self._front_loops:
            loop.urge()

    def load(self) -> None:
        """The last good state from the disk. What cannot be read is said, and the rest goes on."""
        now, paths, log = self._agent.now(), self._agent.paths, self._agent.log
        try:
            revision, records = records_of(read_json(paths.store))
            self.store.load(records, revision, now)
        except FileNotFoundError:
            pass
        except (OSError, ValueError) as error:
            log.warning("records forgotten", file=str(paths.store), why=str(error))
        if self._follow is None:
            return
        try:
            self.desired.restore(read_json(paths.members))
        except FileNotFoundError:
            pass
        except (OSError, ValueError) as error:
            log.warning("membership forgotten", file=str(paths.members), why=str(error))

    def tasks(self) -> list[Callable[[], Coroutine[Any, Any, Any]]]:
        return [self._follow.run] if self._follow is not None else []

    def stop(self) -> None:
        if self._follow is not None:
            self._follow.stop()

    def last_words(self) -> list[Coroutine[Any, Any, Any]]:
        """What has to be written before the end."""
        saver = [self._saver.reconcile(frozenset())] if self._follow is not None else []
        return [self._members.reconcile(frozenset(self.desired.keys())), *saver]

    async def close(self) -> None:
        """Nothing is kept open."""

    @property
    def state(self) -> str:
        return self._follow.state if self._follow else "none"

    def front_part(self) -> dict[str, Any]:
        """losses: of the anchor lately.  held: whether it waits, for it came and went."""
        found = hold_down()
        return {"losses": found.losses, "held": found.held_s > 0}

    def splits_part(self) -> dict[str, Any]:
        return {
            name: {
                "shares": dict(each.shares),
                "by": each.by,
                "reasons": [reason.text for reason in each.reasons],
            }
            for name, each in self.desired.splits.items()
        }

    # ---- who marks whom

    def _registry_changed(self, changed: Changed, whole: bool) -> None:
        if whole and self.desired.trust():
            self._members_loop.urge()
        keys = [
            *self.desired.users(changed.pools),
            *(name for name in changed.splits if name in self.desired.files),
        ]
        self._members_loop.mark(keys)
        if changed.pools or changed.splits or changed.proxies:
            self._saver_loop.mark(("store",))
        if changed.pools or changed.proxies or whole:
            self.urge_front()
        for seconds in SOON_S if changed.proxies else ():
            self._look_in(seconds)
        if changed.told:  # who is heard of decides the floors
            self._members_loop.mark(list(self.desired.users(changed.told)))
            self._agent.changed()
        if self.store.orphans and self._restore_loop:
            self._restore_loop.mark(list(self.store.orphans))

    def _members_changed(self, changed: set[str]) -> None:
        self._engine.tell(changed)
        self._agent.changed()

    def _refuse_record(self, key: str, reason: str, text: str) -> None:
        if self._sparing(self._agent.now()):
            self._agent.log.warning("record refused", key=key, reason=reason, why=text)
        self._agent.metrics.records_refused.labels(reason).inc()

    def _refuse_action(self, key: str, reason: Reason) -> None:
        if self._sparing(self._agent.now()):
            self._agent.log.warning("refused", what=key, reason=reason.kind, why=reason.text)
        self._agent.metrics.actions_refused.labels(reason.kind).inc()
