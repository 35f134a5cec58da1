"""What a command tells while it works: lines for people, or with --json one JSON object a line, the last of them its end.

{"event": "effect", …}   what would be left
{"event": "step", "at", "monotonic_s", "step", "why"}   what it does
{"event": "denied", "target", "site", "objections": [{"rule", "text", "hint", "overruled"}]}   the arbiter's no
{"event": "ended", …, "done", "why", "steps"}   how it ended; {"event": "answer", …} of a dry run
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from trimtab.cli.output import print_line, print_record

if TYPE_CHECKING:
    from trimtab.ops.arbiter.decide import Answer


class Events:
    """Of one command. steps: those told so far."""

    def __init__(self, as_json: bool) -> None:
        self.as_json = as_json
        self.steps: list[dict[str, Any]] = []

    def tell(self, event: str, text: str, **fields: Any) -> None:
        """text: for people; "" says nothing to them."""
        if self.as_json:
            print_record({"event": event, **fields})
        elif text:
            print_line(text)

    def step(self, step: str, why: str) -> None:
        told = {"at": round(time.time(), 3), "monotonic_s": time.monotonic(), "step": step, "why": why}
        self.steps.append(told)
        self.tell("step", f"{time.strftime('%H:%M:%S')}  {step:<9} {why}", **told)

    @contextmanager
    def denied(self) -> Iterator[None]:
        """Around what asks the arbiter: its no is told, and goes on."""
        from trimtab.ops.arbiter.denied import Denied

        try:
            yield
        except Denied as error:
            request = error.asked[0][0]
            found = [each for _, answer in error.asked for each in objections(answer)]
            self.tell("denied", "", target=request.target, site=request.site, objections=found)
            raise


def objections(answer: Answer) -> list[dict[str, Any]]:
    return [
        {"rule": each.rule, "text": each.text, "hint": each.hint, "overruled": each.overruled}
        for each in answer.objections
    ]
