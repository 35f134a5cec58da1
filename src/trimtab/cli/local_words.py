"""What is drained inside a site, and how `trimtab drain` and `undrain` end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from trimtab.answers.drain import Answered, Connections, Ended
from trimtab.cli.events import Events, objections
from trimtab.ops.arbiter.decide import Answer
from trimtab.ops.arbiter.denied import ArbiterDenied
from trimtab.ops.arbiter.world import Request
from trimtab.ops.drain.plan import Finished


@dataclass(frozen=True, slots=True)
class Local:
    """name: a host, or POOL/MEMBER."""

    kind: Literal["drain-proxy", "drain-member"]
    site: str
    name: str


def end(finished: Finished, target: str, site: str, events: Events, moved: Connections | None = None) -> int:
    """Exit code."""
    told = Ended(
        target=target, site=site, done=finished.done, why=finished.why, steps=tuple(events.steps), connections=moved
    )  # fmt: skip
    events.tell(told)
    return 0 if finished.done else 1


def dry(asked: Sequence[tuple[Request, Answer]], events: Events) -> int:
    """What would be answered, all of it or none. Raises ArbiterDenied."""
    request, granted = asked[0][0], all(answer.granted for _, answer in asked)
    found = tuple(each for _, answer in asked for each in objections(answer))
    events.tell(Answered(target=request.target, site=request.site, granted=granted, objections=found))
    if granted:
        return 0
    raise ArbiterDenied(asked)
