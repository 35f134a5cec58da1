"""The promises of an estate or a service; drills measure every one of them."""

from __future__ import annotations

from pydantic import Field

from trimtab.estate.base import Noun
from trimtab.estate.quantity import Duration, Int


class WriteObjectives(Noun):
    """Promises for writes, which need a quorum of sites where reads do not."""

    rto: Duration | None = Field(
        default=None, gt=0, description="longest time without an acknowledged write after one fault"
    )
    rpo: Int | None = Field(default=None, ge=0, description="how many acknowledged writes may be lost: 0")


class Objectives(Noun):
    """`rto` is promised for reads, `write` for writes."""

    rto: Duration | None = Field(default=None, gt=0, description="longest outage for readers after one fault")
    write: WriteObjectives = WriteObjectives()

    def over(self, base: Objectives) -> Objectives:
        """These objectives, with `base` where nothing is said."""
        write = WriteObjectives(
            rto=base.write.rto if self.write.rto is None else self.write.rto,
            rpo=base.write.rpo if self.write.rpo is None else self.write.rpo,
        )
        return Objectives(rto=base.rto if self.rto is None else self.rto, write=write)
