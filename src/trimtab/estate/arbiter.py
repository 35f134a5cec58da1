"""What no change by choice may break: the floors and the budget of whoever takes capacity away."""

from __future__ import annotations

from pydantic import Field

from trimtab.estate.base import Noun
from trimtab.estate.quantity import Duration, Int, Percent


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
