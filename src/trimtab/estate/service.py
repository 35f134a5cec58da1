"""A public name: its address, its routes and its TLS."""

from __future__ import annotations

import shlex
from typing import Annotated, Any, Literal

from pydantic import Field, PlainSerializer, PlainValidator, WithJsonSchema, field_validator, model_validator

from trimtab.estate.base import (
    HeaderText,
    Hostname,
    IPAddress,
    Method,
    Noun,
    Reference,
    Suffix,
    Token,
    Url,
    UrlPath,
    parse_address,
)
from trimtab.estate.objectives import Objectives
from trimtab.estate.quantity import Bool, Duration, Int, Text
from trimtab.estate.steering import Steering

TARGETS = ("pool", "split", "redirect")
# What the registry's record of a split holds (registry/record.py).
MOST_SHARES, LARGEST_SHARE = 32, 1_000_000


class Tls(Noun):
    """`issuer: internal` is the estate's own CA, which always exists."""

    issuer: Literal["internal"] = "internal"
    min: Literal["TLSv1.2", "TLSv1.3"] = "TLSv1.2"
    hsts: Duration | None = Field(
        default=None, le=3_153_600_000, description="Strict-Transport-Security max-age (RFC 6797)"
    )
    ocsp: Bool = Field(
        default=False,
        description="the proxy asks the certificate's OCSP responder and staples its answer (RFC 6066, 8)",
    )


class Route(Noun):
    """Matches that must all hold, and exactly one target. The first route that matches wins."""

    path: UrlPath | None = Field(default=None, description="the request's path begins with it")
    suffix: tuple[Suffix, ...] = Field(default=(), description="the path ends with one of them")
    # HAProxy's lines have 64 words
    header: dict[Token, HeaderText] = Field(default={}, max_length=4)
    method: tuple[Method, ...] = ()
    host: tuple[Hostname, ...] = ()
    pool: Reference | None = None
    split: dict[Reference, Int] | None = Field(
        default=None, min_length=1, description=f"pool: share, in any unit; at most {MOST_SHARES} pools"
    )
    by: Literal["percent", "header", "cookie"] = Field(
        default="percent",
        description="what divides a split: each request by chance, or the value of the header X-Canary or the cookie "
        "`canary`; a value that is a pool's name asks for that pool",
    )
    redirect: Url | None = Field(default=None, description="an absolute URL")
    expires: Duration | None = Field(
        default=None, le=3_153_600_000, description="how long clients may keep the answer"
    )

    @model_validator(mode="before")
    @classmethod
    def _one_target(cls, data: Any) -> Any:
        if isinstance(data, dict):
            given = [key for key in TARGETS if key in data]
            if len(given) != 1:
                said = " and ".join(f"`{g}`" for g in given) or "none"
                raise ValueError(f"exactly one of `pool`, `split` and `redirect` is expected, got {said}")
            if "by" in data and "split" not in data:
                raise ValueError("`by` belongs to `split`")
        return data

    @field_validator("header")
    @classmethod
    def _each_once(cls, value: dict[str, str]) -> dict[str, str]:
        seen: dict[str, str] = {}
        for name in value:
            if (other := seen.setdefault(name.lower(), name)) != name:
                raise ValueError(f"`{other}` and `{name}` are one header (RFC 9110, 5.1): write it once")
        return value

    @model_validator(mode="after")
    def _split_weighs(self) -> Route:
        if self.split is not None and (sum(self.split.values()) <= 0 or min(self.split.values()) < 0):
            raise ValueError("the shares of a split are 0 or more, and at least one is not 0")
        if self.split is not None and len(self.split) > MOST_SHARES:
            raise ValueError(
                f"a split between {len(self.split)} pools, the limit is {MOST_SHARES}: use several routes"
            )
        if self.split is not None and max(self.split.values()) > LARGEST_SHARE:
            what = f"a share of {max(self.split.values())}, the limit is {LARGEST_SHARE}"
            raise ValueError(f"{what}: shares are in any unit, and what counts is how they compare")
        return self

    @property
    def matches_all(self) -> bool:
        return not (self.path not in (None, "/") or self.suffix or self.header or self.method or self.host)

    @property
    def pools(self) -> tuple[str, ...]:
        return tuple(self.split) if self.split else (self.pool,) if self.pool else ()


WAYS = ("site", "anycast", "none")


def _addresses(value: Any) -> tuple[IPAddress, ...]:
    """One, or a list of them."""
    given = [value] if isinstance(value, str) else value
    if not isinstance(given, list | tuple) or not given:
        raise ValueError("an address is expected, or a list: `[192.0.2.224, 2001:db8::e0]`")
    found = tuple(parse_address(each) for each in given)
    if len(set(found)) != len(found):
        raise ValueError("an address stands here twice: keep one of them")
    return found


def _where(value: Any) -> str | tuple[IPAddress, ...]:
    if isinstance(value, str) and value in WAYS:
        return value
    try:
        return _addresses(value)
    except ValueError as error:
        raise ValueError(f"`site`, `anycast`, `none`, or the addresses themselves ({error})") from error


def _plain(value: str | tuple[IPAddress, ...]) -> str | list[str]:
    return value if isinstance(value, str) else [str(each) for each in value]


_LIST = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}
Where = Annotated[
    str | tuple[IPAddress, ...], PlainValidator(_where), PlainSerializer(_plain), WithJsonSchema(_LIST)
]
Addresses = Annotated[
    tuple[IPAddress, ...], PlainValidator(_addresses), PlainSerializer(_plain), WithJsonSchema(_LIST)
]


class Ledger(Noun):
    """How a drill proves that no acknowledged write is lost, with the user's own application.

    `put` runs once a region: `KEY PAYLOAD` lines in, `KEY ok|failed|unknown` lines out. `get` prints `KEY COUNT`.
    """

    put: Text
    get: Text

    @field_validator("put", "get")
    @classmethod
    def _words(cls, value: str) -> str:
        try:
            shlex.split(value)
        except ValueError as error:
            raise ValueError(f"the command cannot be split into words: {error}") from error
        return value


class Service(Noun):
    """An HTTP service on 443, with a redirect from 80."""

    kind: Literal["http"] = "http"
    names: tuple[Hostname, ...] = Field(min_length=1)
    address: Where = Field(
        default="site",
        description="`site`, `anycast`, `none` (beside `internal`), or the addresses themselves",
    )
    internal: Addresses = Field(default=(), description="in the network of a site's proxies; not announced")
    vip: Int = Field(default=1, ge=1, le=43, description="number of the VIP; services share one")
    objectives: Objectives = Objectives()
    tls: Tls = Tls()
    routes: tuple[Route, ...] = Field(min_length=1)
    ledger: Ledger | None = None
    steering: Steering | None = Field(default=None, description="instead of `edge.steering`")

    @property
    def chosen(self) -> tuple[IPAddress, ...]:
        """The public addresses that the file names."""
        return () if isinstance(self.address, str) else self.address

    @model_validator(mode="after")
    def _somewhere(self) -> Service:
        if self.address == "none" and not self.internal:
            raise ValueError(
                "`address: none` is for a service with `internal` addresses: nobody could ask it"
            )
        return self
