"""How each role runs, for the whole estate."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from trimtab.estate.base import Noun
from trimtab.estate.quantity import BfdTimer, Bool, Duration, Int, Timer, whole_seconds


def _whole_scan(value: float) -> float:
    if value != int(value):
        raise ValueError("BIRD counts in whole seconds")
    return value


class RouterTier(Noun):
    """Routers: BGP with BFD to upstreams, between sites and to the proxies."""

    speaker: Literal["bird"] = "bird"
    bfd: BfdTimer = Timer(0.1, 3)
    hold: Annotated[Duration, AfterValidator(whole_seconds)] = Field(
        default=9.0, ge=3, le=65535, description="BGP hold time (RFC 4271, 4.2)"
    )
    scan: Annotated[Duration, AfterValidator(_whole_scan)] = Field(
        default=2.0,
        ge=1,
        le=60,
        description="how often BIRD compares the kernel's routes with its own: so long is away what somebody else removed. "
        "A scan of a full table takes about a second of a processor",
    )


class Timeouts(Noun):
    """Proxy time-outs; `connect` bounds one attempt, so that a dead member costs little before the retry.

    tunnel: silence on a WebSocket, both ways.  drain: what is under way when the proxy is reloaded ends within it, and is
    cut off then: answers, uploads, tunnels.
    """

    connect: Duration = Field(default=2.0, ge=0.001, le=3600)
    client: Duration = Field(default=30.0, ge=0.001, le=1_000_000)
    server: Duration = Field(default=30.0, ge=0.001, le=1_000_000)
    tunnel: Duration = Field(
        default=3600.0, ge=1, le=1_000_000, description="how long a WebSocket may be silent"
    )
    drain: Duration = Field(
        default=60.0,
        ge=1,
        le=86400,
        description="how long a reload leaves what is under way; then it is cut off",
    )


class ProxyTier(Noun):
    """Proxies: TLS, routing, balancing."""

    engine: Literal["haproxy", "nginx"] = "haproxy"
    speaker: Literal["bird", "exabgp"] = Field(
        default="bird", description="what announces where proxies do it themselves (`front: bgp`)"
    )
    maxconn: Int = Field(default=20000, ge=100, le=10_000_000, description="connections of one proxy")
    timeouts: Timeouts = Timeouts()
    upstream_keepalive: Int = Field(
        default=32, ge=0, le=10000, description="idle connections kept to each pool (nginx)"
    )
    compress: Bool = True


class RegistryTier(Noun):
    """Each site's registry of endpoints. `consul`: its servers are brought, not rendered."""

    engine: Literal["etcd", "consul"] = "etcd"


class Tiers(Noun):
    router: RouterTier = RouterTier()
    proxy: ProxyTier = ProxyTier()
    registry: RegistryTier = RegistryTier()
