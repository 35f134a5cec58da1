"""What no change by choice may break: the floors and the budget of whoever takes capacity away."""

from __future__ import annotations

from itertools import pairwise

from pydantic import Field, field_validator

from trimtab.estate.base import Noun
from trimtab.estate.quantity import Duration, Int, Percent

MOST_PREPENDS = 10


class Ramp(Noun):
    """How a site that was drained comes back: announced with a path that is longer first, and shorter step by step."""

    prepend: tuple[Int, ...] = Field(
        default=(), max_length=5, description="how often our AS stands in the path more, in each step"
    )
    pause: Duration = Field(default=10.0, ge=0, le=3600, description="how long each step stays")

    @field_validator("prepend")
    @classmethod
    def _gets_shorter(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        shrinks = all(n > following for n, following in pairwise((*value, 0)))
        if not shrinks or (value and value[0] > MOST_PREPENDS):
            raise ValueError(
                f"each step prepends less than the one before, the first at most {MOST_PREPENDS}: `[3, 1]`"
            )
        return value


class Arbiter(Noun):
    """Asked before a site, a proxy or a member is drained. What is dead already leaves without asking."""

    sites: Int = Field(default=1, ge=1, le=200, description="that are left to carry")
    members: Percent = Field(default=50.0, description="of a pool that are left and well")
    changes: Int = Field(
        default=6,
        ge=1,
        le=200,
        description="of sites and proxies that are granted in a window; members do not count",
    )
    window: Duration = Field(default=3600.0, ge=1, le=86400 * 7)
    settle: Duration = Field(
        default=2.0,
        ge=0,
        le=3600,
        description="from second choice to withdrawn: as long as BGP takes to move traffic",
    )
    ramp: Ramp = Field(
        default=Ramp(), description="the steps from second choice to what the estate has, on the way back"
    )
    automatic: bool = Field(
        default=True,
        description="agents drain a site that answers badly, and bring it back, by the same rules",
    )
    patience: Duration = Field(
        default=10.0, ge=0, le=86400, description="how long it has to answer badly before they ask"
    )
    restore: Duration = Field(
        default=60.0, ge=1, le=86400, description="how long it has to be well before they bring it back"
    )
