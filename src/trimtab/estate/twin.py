"""How the twin shrinks the estate so that it fits one machine."""

from __future__ import annotations

from pydantic import Field

from trimtab.estate.base import GroupName, Noun
from trimtab.estate.quantity import Int


class Twin(Noun):
    at_most: dict[GroupName, Int] = Field(
        default={}, description="group: hosts a site in the twin; `--full` ignores it"
    )
