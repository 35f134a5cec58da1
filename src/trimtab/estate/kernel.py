"""Kernel settings of the hosts that carry traffic."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field

from trimtab.estate.base import Noun
from trimtab.estate.quantity import Int, Text


def _key(value: str) -> str:
    if re.fullmatch(r"(net|vm|fs|kernel)(\.[a-z0-9_-]+)+", value) is None:
        raise ValueError("a sysctl key begins with net., vm., fs. or kernel.: `net.core.rmem_max`")
    return value


def _value(value: str) -> str:
    if re.fullmatch(r"[A-Za-z0-9_.+-]+( [A-Za-z0-9_.+-]+)*", value) is None:
        raise ValueError("a sysctl value is words and numbers with single blanks between")
    return value


class Kernel(Noun):
    """`sysctl` comes on top and wins over what Trimtab sets itself."""

    somaxconn: Int = Field(default=65535, ge=128, le=2147483647)
    conntrack: Int = Field(default=2_000_000, ge=1024, le=1_000_000_000)
    sysctl: dict[Annotated[Text, AfterValidator(_key)], Annotated[Text, AfterValidator(_value)]] = {}
