"""What is drained inside a site, and what `trimtab drain` and `undrain` say of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from trimtab.cli.events import Events, objections

if TYPE_CHECKING:
    from trimtab.ops.arbiter.decide import Answer
    from trimtab.ops.arbiter.world import Request
    from trimtab.ops.drain.plan import Finished


@dataclass(frozen=True, slots=True)
class Local:
    """name: a host, or POOL/MEMBER."""

    kind: Literal["drain-proxy", "drain-member"]
    site: str
    name: str


def effect_line(request: Request, answer: Answer) -> str:
    """Who is left, of how many."""
    effect = answer.effect
    what = "proxies" if request.kind == "drain-proxy" else "members"
    left = f"{effect.peers} of {effect.peers_of} {what} healthy without it at {request.site}"
    return f"{request.target}: {left}" if effect.takes else f"{request.target}: no traffic; {left}"


def end(finished: Finished, local: Local, events: Events) -> int:
    events.step("done" if finished.done else "not done", finished.why)
    told = {"target": local.name, "site": local.site, "done": finished.done, "why": finished.why}
    events.tell("ended", "", **told, steps=events.steps)
    return 0 if finished.done else 1


def dry(asked: Sequence[tuple[Request, Answer]], events: Events) -> int:
    """What would be answered, all of it or none. Raises Denied."""
    from trimtab.ops.arbiter.denied import Denied

    request, granted = asked[0][0], all(answer.granted for _, answer in asked)
    overruled = (f"  {text}" for _, answer in asked for text in answer.overruled)
    events.tell(
        "answer",
        "\n".join([f"{request.target}: would be drained", *overruled]) if granted else "",
        target=request.target,
        site=request.site,
        dry_run=True,
        granted=granted,
        objections=[each for _, answer in asked for each in objections(answer)],
    )
    if granted:
        return 0
    raise Denied(asked)
