"""The arbiter's no, as an error: what people read, and what it is made of."""

from __future__ import annotations

from collections.abc import Iterable

from trimtab.errors import Denied
from trimtab.ops.arbiter.decide import Answer
from trimtab.ops.arbiter.world import Request


class ArbiterDenied(Denied):
    """asked: every request with its answer, of which at least one is refused. Nothing was begun."""

    def __init__(self, asked: Iterable[tuple[Request, Answer]]) -> None:
        self.asked = tuple(asked)
        super().__init__(*_words(self.asked))


def _words(asked: Iterable[tuple[Request, Answer]]) -> tuple[str, str]:
    """Of each that is refused every objection that stands, a line each; what to do about the first."""
    refused = [(request, answer) for request, answer in asked if not answer.granted]
    lines = []
    for request, answer in refused:
        word = {"shift-site": "shifted", "blackhole": "black-holed"}.get(request.kind, "drained")
        lines += [f"{request.target} is not {word}: nothing was begun"]
        lines += [f"  {each.rule}: {each.text}" for each in answer.standing]
    return "\n".join(lines), refused[0][1].standing[0].hint
