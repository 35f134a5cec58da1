"""What `trimtab drain` and `undrain` say of what is inside a site."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from trimtab.cli.output import log, print_json, print_line

if TYPE_CHECKING:
    from trimtab.cli.drain_local import Local
    from trimtab.ops.arbiter.decide import Answer
    from trimtab.ops.arbiter.world import Request
    from trimtab.ops.drain.plan import Finished


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
