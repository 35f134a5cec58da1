"""How the twin shrinks the estate so that it fits one machine."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from trimtab.estate.base import GroupName, Noun
from trimtab.estate.quantity import Int


class Twin(Noun):
    at_most: dict[GroupName, Annotated[Int, Field(ge=1)]] = Field(
        default={}, description="group: hosts a site in the twin; `--full` ignores it"
    )
    peers: Literal["frr", "bird"] = Field(
        default="frr", description="what the networks around the estate speak BGP with"
    )
