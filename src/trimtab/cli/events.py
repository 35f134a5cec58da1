"""What a command tells while it works: lines for people, or with --json one JSON object a line. Which: `answers.drain`."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from trimtab.answers.codec import extended, plain
from trimtab.answers.drain import Effect, Event, Failed, Last, Objection, Refused, Step, Stepped
from trimtab.cli.output import ReaderGone, print_line, print_record
from trimtab.cli.views.drain import lines
from trimtab.errors import EnvironmentUnable, TrimtabError
from trimtab.ops.arbiter.decide import Answer
from trimtab.ops.arbiter.denied import ArbiterDenied
from trimtab.ops.arbiter.ledger import finite
from trimtab.ops.arbiter.world import Request


class Events:
    """Of one command. steps: those told so far. What nobody can read any more ends nothing that is under way; the end does."""

    def __init__(self, as_json: bool) -> None:
        self.as_json = as_json
        self.steps: list[Step] = []
        self._lost: TrimtabError | None = None
        self._answered = False

    def tell(self, event: Event) -> None:
        """Raises as `output` where it is the last one."""
        self._answered = self._answered or event.event == "answer"
        try:
            if self._lost is None and self.as_json:
                print_record(plain(event))
            elif self._lost is None:
                for line in lines(event):
                    print_line(line)
        except (ReaderGone, EnvironmentUnable) as error:
            self._lost = error
        if self._lost is not None and isinstance(event, Last):
            raise self._lost

    def step(self, step: str, why: str) -> None:
        told = Step(round(time.time(), 3), time.monotonic(), step, why)
        self.steps.append(told)
        self.tell(extended(Stepped, told))

    @contextmanager
    def ends(self) -> Iterator[None]:
        """Around the whole command: an error is its last event, and goes on."""
        try:
            yield
        except ArbiterDenied as error:
            request = error.asked[0][0]
            found = tuple(each for _, answer in error.asked for each in objections(answer))
            if not self._answered:
                self.tell(Refused(target=request.target, site=request.site, objections=found))
            raise
        except TrimtabError as error:
            if error is not self._lost:
                self.tell(Failed(message=error.message, hint=error.hint))
            raise

    def effect(self, request: Request, answer: Answer) -> None:
        """What a request would cost."""
        cost = answer.effect
        told = Effect(
            target=request.target, site=request.site, sites_before=cost.sites_before, sites_after=cost.sites_after,
            full_before=finite(cost.full_before), full_after=finite(cost.full_after),
            peers=cost.peers, peers_of=cost.peers_of, takes=cost.takes,
        )  # fmt: skip
        self.tell(told)


def objections(answer: Answer) -> list[Objection]:
    return [Objection(each.rule, each.text, each.hint, each.overruled) for each in answer.objections]
