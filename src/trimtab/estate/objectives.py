"""The promises of an estate or a service; drills measure those that a clock can see, checks judge all of them."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import BeforeValidator, Field

from trimtab.estate.amount import Bandwidth, Rate
from trimtab.estate.base import Noun, matching
from trimtab.estate.quantity import Duration, Int, Percent

Percentile = Annotated[
    str,
    BeforeValidator(matching(re.compile(r"p\d{1,2}(\.\d{1,3})?"), "a percentile is `p50`, `p99`, `p99.9`")),
]


class WriteObjectives(Noun):
    """Promises for writes, which need a quorum of sites where reads do not."""

    rto: Duration | None = Field(
        default=None, gt=0, description="longest time without an acknowledged write after one fault"
    )
    rpo: Int | None = Field(default=None, ge=0, description="how many acknowledged writes may be lost: 0")


class Peak(Noun):
    """The most that comes at once: at the top of the estate in total, in a service its own share."""

    requests: Rate | None = Field(default=None, gt=0, description="requests a second")
    bandwidth: Bandwidth | None = Field(default=None, gt=0, description="bits a second to clients")


class Objectives(Noun):
    """`rto` is promised for reads, `write` for writes."""

    rto: Duration | None = Field(default=None, gt=0, description="longest outage for readers after one fault")
    availability: Percent | None = Field(default=None, gt=0, lt=100, description="of a year")
    latency: dict[Percentile, Duration] = Field(
        default={}, description="percentile: how long a read takes at most, at the client"
    )
    write: WriteObjectives = WriteObjectives()
    peak: Peak | None = None
    survive_sites: Int | None = Field(
        default=None, ge=0, le=199, description="sites that may be lost at peak; default: 1"
    )

    def over(self, base: Objectives) -> Objectives:
        """These objectives, with `base` where nothing is said; peak and survive_sites are never inherited."""
        write = WriteObjectives(
            rto=base.write.rto if self.write.rto is None else self.write.rto,
            rpo=base.write.rpo if self.write.rpo is None else self.write.rpo,
        )
        return Objectives(
            rto=base.rto if self.rto is None else self.rto,
            availability=base.availability if self.availability is None else self.availability,
            latency={**base.latency, **self.latency},
            write=write,
            peak=self.peak,
            survive_sites=self.survive_sites,
        )
