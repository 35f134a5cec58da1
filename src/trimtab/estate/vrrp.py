"""VRRP inside a site (RFC 5798; version 3, which has no password)."""

from __future__ import annotations

import itertools

from pydantic import Field, field_validator

from trimtab.estate.addressing import VRID_FRONT, VRID_GATEWAY
from trimtab.estate.base import Noun
from trimtab.estate.quantity import Bool, Duration, Int


class Vrrp(Noun):
    """Timers and priorities of the virtual addresses.

    A backup takes over 3 x advert + (256 - priority)/256 x advert after the last advertisement, so priorities of
    254 and 253 leave no skew to wait for.
    """

    advert: Duration = Field(default=0.1, ge=0.01, le=40.95)
    priorities: tuple[Int, ...] = Field(
        default=(254, 253), min_length=1, description="further hosts: one less each"
    )
    preempt: Bool = Field(default=True, description="the first host takes the address back when it returns")
    unicast: Bool = Field(
        default=False, description="adverts go to each partner's address: for networks that drop multicast"
    )
    ids: tuple[Int, ...] = Field(
        default=(VRID_FRONT, VRID_GATEWAY),
        description="virtual router ids of the VIPs and of the gateways, which nobody else in their networks has",
    )
    garp_refresh: Duration = Field(
        default=5.0, ge=0, le=3600, description="how often the holder announces itself again"
    )

    @field_validator("advert")
    @classmethod
    def _centiseconds(cls, value: float) -> float:
        if round(value * 100, 6) != int(round(value * 100, 6)):
            raise ValueError("VRRPv3 counts the interval in steps of 10ms")
        return value

    @field_validator("ids")
    @classmethod
    def _two(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        if len(value) != 2 or value[0] == value[1] or any(not 1 <= each <= 255 for each in value):
            raise ValueError(
                "two different numbers from 1 to 255: of the VIPs, then of the gateways (RFC 5798, 5.2.3)"
            )
        return value

    @field_validator("garp_refresh")
    @classmethod
    def _whole_seconds(cls, value: float) -> float:
        if value != int(value):
            raise ValueError("keepalived counts this in whole seconds; `0s` is never")
        return value

    @field_validator("priorities")
    @classmethod
    def _falling(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        if any(not 1 <= p <= 254 for p in value) or any(a <= b for a, b in itertools.pairwise(value)):
            raise ValueError("priorities go from 254 to 1 and fall from host to host")
        return value

    def priority(self, index: int) -> int:
        """Of the host with the number `index` + 1: it depends on its own number alone, whoever else comes or goes."""
        listed = len(self.priorities)
        return (
            self.priorities[index] if index < listed else max(1, self.priorities[-1] - (index - listed + 1))
        )
