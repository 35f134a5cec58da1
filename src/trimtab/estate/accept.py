"""Findings that somebody has looked at and lives with: each has a reason, and may have an end."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field

from trimtab.estate.base import Noun, matching
from trimtab.estate.quantity import Day, Text

RuleName = Annotated[
    str,
    BeforeValidator(matching(re.compile(r"[a-z0-9][a-z0-9-]{0,59}"), "a rule's name is a-z, 0-9 and `-`")),
]


def _reason(value: str) -> str:
    if not value.strip():
        raise ValueError("a reason says why the finding is right here")
    return value


Reason = Annotated[Text, AfterValidator(_reason)]


class Accepted(Noun):
    """One accepted finding, or all of a rule under `at`."""

    rule: RuleName = Field(description="name of the rule; `trimtab explain` lists them")
    at: Text | None = Field(
        default=None, description="key that the finding stands at, or a parent of it: `sites.hk`"
    )
    reason: Reason = Field(description="why it is right here")
    until: Day | None = Field(default=None, description="last day on which this counts")
