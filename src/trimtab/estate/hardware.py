"""What a machine can do; where it is not said, its capacity is unknown and no check calls it enough."""

from __future__ import annotations

from pydantic import Field

from trimtab.estate.amount import Ports, Rate, Size
from trimtab.estate.base import Noun
from trimtab.estate.quantity import Int


class Measured(Noun):
    """Figures of a load test on this hardware, of one host."""

    requests: Rate | None = Field(default=None, gt=0, description="HTTP requests a second")
    handshakes: Rate | None = Field(default=None, gt=0, description="full TLS handshakes a second")
    packets: Rate | None = Field(default=None, gt=0, description="packets a second")


class Hardware(Noun):
    """One kind of machine."""

    cores: Int = Field(ge=1, le=4096)
    memory: Size = Field(gt=0)
    nic: Ports = Field(description="its network ports, `2 x 25Gbps`")
    disk: Size | None = Field(default=None, gt=0)
    measured: Measured = Measured()
