"""AS numbers, as a key of the estate has them."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator

from trimtab.estate.quantity import Int
from trimtab.estate.special import reserved_as


def _usable(value: int) -> int:
    why = reserved_as(value)
    if why is not None:
        raise ValueError(
            f"{why}: write the network's own, or for private use one from 64512 to 65534 or 4200000000 to 4294967294"
        )
    return value


Asn = Annotated[Int, AfterValidator(_usable)]
