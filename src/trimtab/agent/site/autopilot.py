"""The controller behind `automatic`: looks at what the store says, and asks the arbiter as an operator would.

It runs in the agents of hosts that observe. The drain itself is the coordinator's, with a lease of its own: an agent that is
killed meanwhile leaves nothing behind.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress

from trimtab.agent.runtime.log import Log
from trimtab.agent.runtime.queue import Pace
from trimtab.agent.runtime.result import DONE, Result
from trimtab.agent.site.raw_cache import Mirror
from trimtab.agent_config import ArbiterFile
from trimtab.errors import Conflict, Denied, InvalidResponse, Terminal
from trimtab.ops.arbiter.denied import ArbiterDenied
from trimtab.ops.arbiter.world import AUTOMATIC
from trimtab.ops.drain.automatic import (
    Patience,
    Pauses,
    Wanted,
    is_turn,
    request_of,
    wanted,
    was_said,
)
from trimtab.ops.drain.coordinator import Coordinator
from trimtab.ops.drain.granting import Situation
from trimtab.ops.drain.of_file import facts_of_file, watching_of_file
from trimtab.ops.drain.plan import Finished, Move, Way
from trimtab.ops.drain.standing import decisions_in
from trimtab.ops.health.record import FRESH_S, views_of
from trimtab.ops.health.verdict import judge
from trimtab.registry.base import Registry, Snapshot

PACE = Pace(window=0.1, resync=2.0, first=1.0, most=10.0, limit=300.0)


class Autopilot:
    """mirror: the store as it is followed; follows: whether it is, now. store: to act. now: seconds since 1970."""

    name = "autopilot"

    def __init__(
        self,
        file: ArbiterFile,
        host: str,
        mirror: Mirror,
        follows: Callable[[], bool],
        store: Registry,
        log: Log,
        now: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._file, self._host, self._mirror, self._follows = file, host, mirror, follows
        self._store, self._log, self._now, self._monotonic = store, log, now, monotonic
        self._facts, self._watching = facts_of_file(file), watching_of_file(file)
        self._patience = Patience(file.patience, file.restore)
        self._pauses = Pauses()

    def keys(self) -> Collection[str]:
        return ("sites",)

    async def reconcile(self, keys: frozenset[str]) -> Result:
        if not self._follows():
            return DONE
        snapshot = Snapshot(self._mirror.revision, self._mirror.records)
        try:
            found = Situation.of(snapshot, self._facts, self._watching, self._now())
        except InvalidResponse as error:
            raise Terminal(f"nothing is decided: {error.message}", error.hint) from error
        views, now = views_of(snapshot.records), self._now()
        own = {
            site: judge(site, views, (site,), now=now, fresh_s=FRESH_S) for site in found.standing.committed
        }
        self._pauses = self._pauses.still(found.standing.committed, self._monotonic())
        wish = wanted(found.verdicts, found.standing, self._patience, now, own, self._holds)
        if wish is not None and self._is_mine(wish, snapshot.records):
            await self._act(wish)
        return DONE

    def _is_mine(self, wish: Wanted, records: Mapping[str, bytes]) -> bool:
        return is_turn(wish.site, self._host, views_of(records), self._now(), FRESH_S)

    async def _act(self, wish: Wanted) -> None:
        """Judged anew, on the store itself."""
        with suppress(Denied, Conflict):  # somebody was first, or it is over
            if wish.way == "back":
                self._note(
                    wish, await self._coordinator().undrain(wish.site, AUTOMATIC, wish.reason, AUTOMATIC)
                )
            else:
                await self._ask(wish)

    def _holds(self, site: str, way: Way) -> bool:
        return self._pauses.holds(site, way, self._monotonic())

    def _note(self, wish: Wanted, finished: Finished) -> None:
        if finished.done:
            self._pauses = self._pauses.done(wish.site, wish.way)
            return
        self._pauses = self._pauses.failed(wish.site, wish.way, self._patience.well, self._monotonic())
        self._log.warning(
            "came to nothing, and is left alone for a while", site=wish.site, way=wish.way, why=finished.why
        )

    async def _ask(self, wish: Wanted) -> None:
        coordinator, request = self._coordinator(), request_of(wish)
        found, answer = await coordinator.look(request)
        if not answer.granted and was_said(decisions_in(found.snapshot.records), request, answer):
            return
        try:
            self._note(wish, await coordinator.drain(request))
        except ArbiterDenied as error:
            why = "; ".join(f"{each.rule}: {each.text}" for each in error.asked[0][1].standing)
            self._log.warning("not drained", site=wish.site, reason=wish.reason, why=why)

    def _coordinator(self) -> Coordinator:
        return Coordinator(
            self._store, self._facts, self._watching, self._tell, settle_s=self._file.settle, ramp=self._file.ramp,
            pause_s=self._file.pause, now=self._monotonic, wall=self._now,
        )  # fmt: skip

    def _tell(self, move: Move) -> None:
        self._log.info("drain", move=getattr(move, "step", type(move).__name__.lower()), why=move.why)
