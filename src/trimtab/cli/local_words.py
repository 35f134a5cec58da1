"""What is drained inside a site, and what `trimtab drain` and `undrain` say of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from trimtab.cli.output import log, print_json, print_line
from trimtab.errors import AnswerIsNo

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
    what = "proxies work" if request.kind == "drain-proxy" else "members are well"
    if not effect.takes:
        return f"{request.target} takes nothing now; beside it {effect.peers} of {effect.peers_of} {what}"
    return f"without {request.target}, {effect.peers} of {effect.peers_of} {what} at {request.site}"


def teller(moves: list[dict[str, Any]], as_json: bool) -> Callable[[str, str], None]:
    def tell(what: str, why: str) -> None:
        moves.append({"at": round(time.time(), 3), "monotonic_s": time.monotonic(), "what": what, "why": why})
        (log if as_json else print_line)(f"{time.strftime('%H:%M:%S')}  {what:<9} {why}")

    return tell


def end(finished: Finished, local: Local, moves: list[dict[str, Any]], as_json: bool) -> int:
    word = "done" if finished.done else "not done"
    teller(moves, as_json)(word, finished.why)
    if as_json:
        print_json(
            {
                "target": local.name,
                "site": local.site,
                "done": finished.done,
                "why": finished.why,
                "moves": moves,
            }
        )
    return 0 if finished.done else 1


def dry(asked: Sequence[tuple[Request, Answer]], as_json: bool) -> int:
    """What would be answered, all of it or none. Raises AnswerIsNo."""
    from trimtab.ops.drain.coordinator import refusals

    request, granted = asked[0][0], all(answer.granted for _, answer in asked)
    if as_json:
        print_json({
            "target": request.target, "site": request.site, "dry_run": True, "granted": granted,
            "objections": [each for _, answer in asked for each in _objections(answer)],
        })  # fmt: skip
    elif granted:
        print_line(f"{request.target}: would be drained")
        for text in (text for _, answer in asked for text in answer.overruled):
            print_line(f"  {text}")
    if granted:
        return 0
    raise AnswerIsNo(*refusals(asked))


def _objections(answer: Answer) -> list[dict[str, Any]]:
    return [
        {"rule": each.rule, "text": each.text, "hint": each.hint, "overruled": each.overruled}
        for each in answer.objections
    ]
