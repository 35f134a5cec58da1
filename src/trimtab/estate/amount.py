"""Rates, bandwidths, sizes and network ports, as they are written in the file and as they are used.

Rates become floats a second, bandwidths bits a second, sizes bytes, all decimal; the `..._text` functions write them back.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BeforeValidator, PlainSerializer

from trimtab.estate.quantity import refuse_padding, text_schema

_RATE = re.compile(r"(\d+(?:\.\d+)?)(k|M)?/s", re.ASCII)
_BANDWIDTH = re.compile(r"(\d+(?:\.\d+)?)(k|M|G|T)bps", re.ASCII)
_SIZE = re.compile(r"(\d+(?:\.\d+)?)(k|M|G|T)B", re.ASCII)
_NIC = re.compile(r"(?:(\d{1,9}) x )?(\S+)", re.ASCII)
_MOST = 1e18
_SCALE = {None: 1.0, "": 1.0, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}


def _scaled(pattern: re.Pattern[str], value: Any, what: str) -> float:
    refuse_padding(value)
    match = pattern.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        if isinstance(value, float | int) and not isinstance(value, bool):
            return float(value)
        raise ValueError(what)
    number = float(match[1]) * _SCALE[match[2]]
    if number > _MOST:
        raise ValueError("the number is too large for anything that is built")
    return number


def _scaled_text(value: float, unit: str) -> str:
    for prefix in ("T", "G", "M", "k"):
        if value >= _SCALE[prefix]:
            return f"{value / _SCALE[prefix]:.4g}{prefix}{unit}"
    return f"{value:.4g}{unit}"


def parse_rate(value: Any) -> float:
    """`150k/s` as 150000 a second. Raises ValueError."""
    return _scaled(_RATE, value, "a rate is a number a second: `4000/s`, `150k/s`")


def rate_text(rate: float) -> str:
    """150000 as `150k/s`; there is no `G/s` or `T/s`."""
    for prefix in ("M", "k"):
        if rate >= _SCALE[prefix]:
            return f"{rate / _SCALE[prefix]:.4g}{prefix}/s"
    return f"{rate:.4g}/s"


def parse_bandwidth(value: Any) -> float:
    """`200Gbps` in bits a second, decimal. Raises ValueError."""
    return _scaled(_BANDWIDTH, value, "a bandwidth is a number and kbps, Mbps, Gbps or Tbps: `200Gbps`")


def bandwidth_text(bits: float) -> str:
    """2e11 as `200Gbps`."""
    return _scaled_text(bits, "bps")


def parse_size(value: Any) -> float:
    """`64GB` in bytes, decimal. Raises ValueError."""
    return _scaled(_SIZE, value, "a size is a number and kB, MB, GB or TB: `64GB`")


def size_text(size: float) -> str:
    """6.4e10 as `64GB`."""
    return _scaled_text(size, "B")


@dataclass(frozen=True, slots=True)
class Nic:
    """Network ports of a host: how many, and bits a second of each."""

    ports: int
    speed: float

    @property
    def total(self) -> float:
        """Bits a second of all ports together, each way."""
        return self.ports * self.speed

    def __str__(self) -> str:
        one = bandwidth_text(self.speed)
        return one if self.ports == 1 else f"{self.ports} x {one}"


def parse_nic(value: Any) -> Nic:
    """`2 x 25Gbps` or `25Gbps`. Raises ValueError."""
    if isinstance(value, Nic):
        return value
    refuse_padding(value)
    match = _NIC.fullmatch(value) if isinstance(value, str) else None
    if match is None or _BANDWIDTH.fullmatch(match[2]) is None:
        raise ValueError("network ports are a number and a bandwidth: `2 x 25Gbps`, `10Gbps`")
    nic = Nic(int(match[1] or 1), parse_bandwidth(match[2]))
    if not 1 <= nic.ports <= 64 or not nic.speed:
        raise ValueError("1 to 64 ports, each faster than 0")
    return nic


Rate = Annotated[
    float,
    BeforeValidator(parse_rate),
    PlainSerializer(rate_text, return_type=str),
    text_schema(r"^\d+(\.\d+)?[kM]?/s$", "rate"),
]
Bandwidth = Annotated[
    float,
    BeforeValidator(parse_bandwidth),
    PlainSerializer(bandwidth_text, return_type=str),
    text_schema(r"^\d+(\.\d+)?[kMGT]bps$", "bandwidth"),
]
Size = Annotated[
    float,
    BeforeValidator(parse_size),
    PlainSerializer(size_text, return_type=str),
    text_schema(r"^\d+(\.\d+)?[kMGT]B$", "size"),
]
Ports = Annotated[
    Nic,
    BeforeValidator(parse_nic),
    PlainSerializer(str, return_type=str),
    text_schema(r"^(\d+ x )?\d+(\.\d+)?[kMGT]bps$", "ports"),
]
