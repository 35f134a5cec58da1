"""A router's agent and its BIRD. The agent forgets when it is killed; its disk and BIRD do not."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from tests.ops.drain.drain_world.actor import Actor
from tests.ops.drain.drain_world.logic import FRESH_S, TICK_S, TTL_S

from trimtab.errors import Unreachable
from trimtab.ops.arbiter.records import decode, encode, key_of
from trimtab.ops.steering.wish import Committed, Doing, Done, PermitRef, Step
from trimtab.registry.base import Write

if TYPE_CHECKING:
    from tests.ops.drain.drain_world.world import World

QUARTER = TTL_S / 4  # how exactly its disk knows when it last heard of a step


class Router(Actor):
    """bird: what it announces; stuck: BIRD takes nothing up. lag: ticks from a wish to BIRD. why: it fails open."""

    def __init__(self, world: World, site: str, host: str, skew: float, lag: int) -> None:
        super().__init__(world, host, site, skew)
        self.site, self.lag = site, lag
        self.bird: Step = "serve"
        self.wished: Step = "serve"
        self.stuck = False
        self.why: str | None = None
        self.committed: Committed | None = None
        self.doing: Doing | None = None
        self._permits: tuple[PermitRef, ...] = ()
        self._raw: object = None
        self._key: object = None
        self._due: int | None = None
        self._said = self._told = Done(site, host, "serve", 0, True, self.wall())
        self._value = encode(self._said)
        self._disk_heard: float | None = None
        self._outside: tuple[object, frozenset[str], bool] | None = None  # None: not heard since the start

    def boot(self) -> None:
        """After a kill: the disk has the last word, or that it fails open, the step under way, and roughly when it was heard of."""
        self._disk_heard = self.heard() - self.heard() % QUARTER
        self._due, self._raw = None, None
        self._outside = None
        super().boot()

    def heard(self) -> float:
        """When it last knew that what it knows is so, in seconds of its own clock."""
        if self.connected:
            return self.mono()
        return self._contact * TICK_S if self._disk_heard is None else self._disk_heard

    def act(self, tick: int) -> None:
        if not self.alive or self._nothing_new():
            return
        if self.connected:
            self._read()
        wish = self.world.logic.wish(self.committed, self.doing, self._permits, self.heard(), self.mono())
        self.why = self._open() if wish.step == "withdraw" and not wish.token else None
        self.wished = "serve" if self.why else wish.step
        self._follow(tick)
        self._tell(wish.token, tick)
        if self.doing is not None and not self.connected and wish.token:
            self.world.wake(tick + 1)

    def _nothing_new(self) -> bool:
        """What there is to act on, and nothing that depends on the time alone."""
        world = self.world
        known = world.known(self.skew) if self.committed else None
        key = (world.store.revision, world.truth, self.connected, known)
        same = key == self._key and self._due is None and (self.doing is None or self.connected)
        self._key = key
        return same

    # ---- what it knows

    def _read(self) -> None:
        self._disk_heard = None
        records = self.world.store.records
        raw = (records.get(f"steer/{self.site}"), records.get(f"doing/{self.site}"))
        if raw == self._raw:
            return
        self._raw = raw
        committed, doing = (self._decoded(kind) for kind in ("steer", "doing"))
        self.committed = committed if isinstance(committed, Committed) else None
        self.doing = doing if isinstance(doing, Doing) else None
        name = self.doing.permit if self.doing else ""
        self._permits = (PermitRef(name, "", self.site),) if f"permit/{name}" in records else ()

    def _decoded(self, kind: str) -> object:
        key = f"{kind}/{self.site}"
        value = self.world.store.records.get(key)
        return None if value is None else decode(key, value)

    def _open(self) -> str | None:
        """Whether everybody else is lost, as it last knew; how its own front does is in the store as well."""
        world = self.world
        if self.connected:
            self._outside = (world.verdicts(self.skew), world.standing().away(), world.fronts[self.site])
        if self._outside is None:
            return self.why  # as the disk has it
        verdicts, away, serves = self._outside
        if world.tick - self.contact(world.tick) > FRESH_S / TICK_S:
            verdicts = world.silence
        found = world.logic.fail_open(
            self.site, verdicts, away, serves=serves, announced=self.bird != "withdraw"
        )
        return None if found is None else str(found)

    # ---- what it does

    def _follow(self, tick: int) -> None:
        if self.wished == self.bird or self.stuck:
            self._due = None
            return
        if self._due is None:
            self._due = tick + self.lag
            self.world.wake(self._due)
        if tick >= self._due:
            self._due = None
            self.world.rules.turns(self, self.wished)
            self.bird = self.wished
            self.world.truth_changed()

    def _tell(self, token: int, tick: int) -> None:
        verified = self.bird == self.wished and not self.stuck
        said = self._said
        if (said.step, said.token, said.verified) != (self.wished, token, verified):
            said = self._said = Done(self.site, self.name, self.wished, token, verified, self.wall())
        if self.connected:
            self._write(said, tick)

    def _write(self, said: Done, tick: int) -> None:
        """Compared with what stands there: a write that came late may have taken the place of a newer one."""
        key = key_of(said)
        if said is not self._told:
            self._told, self._value = said, encode(said)
        if self.world.store.records.get(key) == self._value:
            return
        with suppress(Unreachable):
            self.world.store.write(self.name, Write(put={key: self._value}), tick)
        self._key = None
        self.world.wake(tick + 1)
