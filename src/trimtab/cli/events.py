"""What a command tells while it works: lines for people, or with --json one JSON object a line.

    effect   target, site, and what would be left
    step     at, monotonic_s, step, why: what it does

and as the last one, by how it ends,

    ended    target, site, done, why, steps
    answer   of a dry run: target, site, dry_run, granted, objections
    denied   the arbiter's no: target, site, objections (rule, text, hint, overruled)
    failed   any other error: message, hint
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from trimtab.cli.output import ReaderGone, print_line, print_record
from trimtab.errors import EnvironmentUnable, TrimtabError

if TYPE_CHECKING:
    from trimtab.ops.arbiter.decide import Answer

LAST = ("ended", "answer", "denied", "failed")


class Events:
    """Of one command. steps: those told so far. What nobody can read any more ends nothing that is under way; the end does."""

    def __init__(self, as_json: bool) -> None:
        self.as_json = as_json
        self.steps: list[dict[str, Any]] = []
        self._lost: TrimtabError | None = None
        self._answered = False

    def tell(self, event: str, text: str, **fields: Any) -> None:
        """text: for people; "" says nothing to them. Raises as `output` where it is the last one."""
        self._answered = self._answered or event == "answer"
        try:
            if self._lost is None and self.as_json:
                print_record({"event": event, **fields})
            elif self._lost is None and text:
                print_line(text)
        except (ReaderGone, EnvironmentUnable) as error:
            self._lost = error
        if self._lost is not None and event in LAST:
            raise self._lost

    def step(self, step: str, why: str) -> None:
        told = {"at": round(time.time(), 3), "monotonic_s": time.monotonic(), "step": step, "why": why}
        self.steps.append(told)
        self.tell("step", f"{time.strftime('%H:%M:%S')}  {step:<9} {why}", **told)

    @contextmanager
    def ends(self) -> Iterator[None]:
        """Around the whole command: an error is its last event, and goes on."""
        from trimtab.ops.arbiter.denied import Denied

        try:
            yield
        except Denied as error:
            request = error.asked[0][0]
            found = [each for _, answer in error.asked for each in objections(answer)]
            if not self._answered:
                self.tell("denied", "", target=request.target, site=request.site, objections=found)
            raise
        except TrimtabError as error:
            if error is not self._lost:
                self.tell("failed", "", message=error.message, hint=error.hint)
            raise


def objections(answer: Answer) -> list[dict[str, Any]]:
    return [
        {"rule": each.rule, "text": each.text, "hint": each.hint, "overruled": each.overruled}
        for each in answer.objections
    ]
