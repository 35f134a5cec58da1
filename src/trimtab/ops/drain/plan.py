"""What a drain of a site works with, as frozen values: the plan, what was read, what has to be remembered, the next move.

Way out: permit → `prefer` (announced as second choice) → every router has verified it → settled → `withdraw` → verified,
and heard by nobody outside → committed: one transaction makes it the committed state and ends the permit. Way back: `prefer`
→ verified, and its site endpoint known to work → settled → (`serve` with a path that gets shorter step by step, each verified and
paused) → committed: the committed state is deleted. Until that last transaction all of
it hangs on the lease of the coordinator, the process that does this: without it the routers return to the committed state.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Literal

from trimtab.ops.arbiter.world import Permit, Request
from trimtab.ops.steering.wish import Committed, Doing, Done, Step

Way = Literal["out", "back"]


@dataclass(frozen=True, slots=True)
class Plan:
    """routers: all of the site's. settle_s: how long clients get to leave, and to come back. step_limit_s: for each step. ttl_s: how long a
    router follows a step unheard of. permit: what was granted; on the way back a notice that nobody grants, since it takes
    nothing. lifts: the committed state that is taken back or replaced. took: whether the site carried when the permit was given, which
    the drain itself hides. ramp: on the way back, how often our AS stands before the path in each step, less each time; pause_s:
    how long each of them stays. Raises ValueError.
    """

    site: str
    routers: tuple[str, ...]
    way: Way
    settle_s: float
    step_limit_s: float
    ttl_s: float
    permit: Permit
    lifts: Committed | None = None
    took: bool = True
    force: bool = False
    automatic: bool = False
    ramp: tuple[int, ...] = ()
    pause_s: float = 0.0

    def __post_init__(self) -> None:
        if any(n <= following for n, following in pairwise((*self.ramp, 0))):
            raise ValueError(
                f"a ramp of {self.ramp}: each step prepends less than the one before, and at least once"
            )
        if not self.routers:
            raise ValueError(f"{self.site} has no routers: nobody could say that a step is done")
        if self.permit.site != self.site or (self.permit.kind == "drain-site") != (self.way == "out"):
            raise ValueError(f"the permit {self.permit.id} is for another way or another site")
        if not (self.settle_s >= 0 and self.step_limit_s > 0 and self.ttl_s > 0):
            raise ValueError("settle_s is 0 or more seconds, step_limit_s and ttl_s are more than 0")

    @property
    def request(self) -> Request:
        """What the permit was granted for: it is judged again before each step."""
        permit = self.permit
        return Request(
            "drain-site", self.site, permit.target, permit.by, permit.reason, self.automatic, self.force
        )

    @property
    def rest_s(self) -> float:
        """From `prefer`, verified, to `withdraw`. Not less than ttl_s: so long routers that hear nothing may still follow
        a drain before this one, whose permit has ended, and two sites would be away at once.
        """
        return max(self.settle_s, self.ttl_s)


@dataclass(frozen=True, slots=True)
class Seen:
    """The store at one revision, as far as a plan is concerned: see `standing.seen_of`.

    lives: whether our lease does. permit: whether ours is there. done: what the site's routers came to, by host.
    heard: the hosts elsewhere that hear the site. objections: of the arbiter, were it asked for the same now.
    serving: whether a quorum reaches the site. others: the other sites that are known to carry.
    """

    revision: int
    lives: bool = True
    permit: bool = False
    committed: Committed | None = None
    doing: Doing | None = None
    done: Mapping[str, Done] = field(default_factory=dict)
    heard: tuple[str, ...] = ()
    objections: tuple[str, ...] = ()
    serving: bool = False
    others: tuple[str, ...] = ()

    def step_of(self, plan: Plan) -> Step | None:
        """Our own step under way."""
        doing = self._own(plan)
        return doing.step if doing is not None else None

    def prepend_of(self, plan: Plan) -> int:
        """What it prepends."""
        doing = self._own(plan)
        return doing.prepend if doing is not None else 0

    def _own(self, plan: Plan) -> Doing | None:
        return self.doing if self.doing is not None and self.doing.permit == plan.permit.id else None


@dataclass(frozen=True, slots=True)
class Progress:
    """What no reading tells, in seconds of one monotonic clock. step: the one under way, with what it prepends; began: when it
    was first seen.
    ready: since when all routers have verified it. undo: why it is given up, "" as long as it is not; then it stays so,
    though the reason may go away, and began is when.
    """

    step: Step | None = None
    began: float | None = None
    ready: float | None = None
    undo: str = ""
    prepend: int = 0


# ---- moves; each says why, for people


@dataclass(frozen=True, slots=True)
class SetStep:
    """Have the routers do this step. token: higher than any that they have ever answered to. prepend: in every path."""

    step: Step
    token: int
    why: str = ""
    prepend: int = 0


@dataclass(frozen=True, slots=True)
class Wait:
    """until: when there is another move even if nothing changes, in the clock of `now`."""

    why: str
    until: float


@dataclass(frozen=True, slots=True)
class Commit:
    why: str = ""


@dataclass(frozen=True, slots=True)
class Undo:
    why: str


@dataclass(frozen=True, slots=True)
class Finished:
    """done: the site is where the plan wanted it. Otherwise it is back to its committed state, or will be within ttl_s."""

    done: bool
    why: str = ""


Move = SetStep | Wait | Commit | Undo | Finished
