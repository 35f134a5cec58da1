"""A balanced group of backend endpoints and how they are checked."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from trimtab.estate.base import Address, Name, Noun, Reference, Token, UrlTarget
from trimtab.estate.quantity import Bool, Duration, Int, Percent

Balance = Literal["roundrobin", "leastconn", "source", "uri", "random", "first", "header"]


class Check(Noun):
    """A health check: GET or HEAD of a path, or a TCP connect where neither is given.

    `every` while all is well, `fast` while the state is in doubt; `fall` failures end, `rise` successes begin.
    """

    get: UrlTarget | None = Field(default=None, description="a path, with a query if need be: `/ready?all=1`")
    head: UrlTarget | None = None
    expect: tuple[Int, ...] = Field(
        default=(200,), min_length=1, description="HTTP status codes that are well"
    )
    every: Duration = Field(default=1.0, ge=0.05, le=3600)
    fast: Duration = Field(default=0.2, ge=0.02, le=3600)
    timeout: Duration = Field(default=1.0, ge=0.01, le=3600)
    fall: Int = Field(default=3, ge=1, le=100)
    rise: Int = Field(default=2, ge=1, le=100)

    @model_validator(mode="after")
    def _one_request(self) -> Check:
        if self.get is not None and self.head is not None:
            raise ValueError("`get` and `head` exclude each other")
        if any(not 100 <= code <= 599 for code in self.expect):
            raise ValueError("`expect` lists HTTP status codes, 100 to 599")
        return self


class Member(Noun):
    """One endpoint by address."""

    address: Address
    port: Int = Field(ge=1, le=65535)
    weight: Int = Field(default=100, ge=0, le=256)
    backup: Bool = False

    @field_validator("address")
    @classmethod
    def _reachable(cls, value: Address) -> Address:
        if value.is_unspecified or value.is_link_local or value.is_multicast:
            raise ValueError(
                "a host's own address is expected, not an unspecified, link-local or multicast one"
            )
        return value


class Sticky(Noun):
    """A client comes back to its member. `cookie`: the proxy sets one; `table`: by client address, kept by every proxy
    of the site (HAProxy peers); nginx, which has neither, hashes the cookie or the address.
    """

    by: Literal["cookie", "table"]
    name: Token = Field(default="member", description="of the cookie")
    expire: Duration = Field(
        # HAProxy counts it in milliseconds, 31 bits of them
        default=1800.0,
        ge=1,
        le=86400 * 24,
        description="after the last request (table)",
    )


SOURCES = ("hosts", "discover", "members")


class Pool(Noun):
    """Exactly one of `hosts` (with `port`), `discover` and `members` says where the members come from."""

    hosts: Reference | None = Field(
        default=None, description="a group: its hosts of the same site are the members"
    )
    port: Int | None = Field(default=None, ge=1, le=65535)
    discover: Name | None = Field(
        default=None, description="the name under which members register themselves in the site's registry"
    )
    slots: Int = Field(
        default=20,
        ge=1,
        le=1000,
        description="servers that HAProxy has in store for registered members; further ones are added as they come",
    )
    members: tuple[Member, ...] | None = Field(default=None, min_length=1)
    balance: Balance = "roundrobin"
    header: Token | None = Field(default=None, description="balance: header — the one that picks the member")
    backup: Reference | None = Field(
        default=None, description="a group whose hosts serve when no member does"
    )
    sticky: Sticky | None = None
    panic: Percent = Field(
        default=0.0,
        description="with a smaller share of healthy members all are used: checks that fail everywhere lie. At 0 when "
        "none is healthy",
    )
    across: Literal["nearest"] | None = Field(
        default=None,
        description="whom the proxies ask before `panic`: the same pool at the nearest other site where it is well",
    )
    check: Check = Check()
    retries: Int = Field(
        default=3, ge=0, le=10, description="further attempts for idempotent requests; 0 forbids"
    )
    answer: Duration | None = Field(
        default=None,
        ge=0.05,
        le=3600,
        description="how long a member may be silent in its answer to GET, HEAD or OPTIONS; before it has begun, another one is "
        "asked then",
    )
    idle: Duration = Field(
        default=4.0,
        ge=1,
        le=3600,
        description="how long an idle connection to a member is kept; below what the member itself keeps (Node: 5 s)",
    )
    unacked: Duration = Field(
        default=10.0,
        ge=0.3,
        le=3600,
        description="HAProxy: how long a member may leave a body or a tunnel unread before it counts as dead",
    )

    @model_validator(mode="before")
    @classmethod
    def _one_source(cls, data: Any) -> Any:
        if isinstance(data, dict):
            given = [key for key in SOURCES if key in data]
            if len(given) != 1:
                said = " and ".join(f"`{g}`" for g in given) or "none"
                raise ValueError(f"exactly one of `hosts`, `discover` and `members` is expected, got {said}")
            if "slots" in data and "discover" not in data:
                raise ValueError("`slots` belong to `discover`")
            if "answer" in data and str(data.get("retries", "")).strip() == "0":
                raise ValueError("`answer` has another member asked, which `retries: 0` forbids")
            if "across" in data and "members" in data:
                raise ValueError("`across` asks another site, and `members` are the same at every one")
            if "members" in data and "port" in data:
                raise ValueError("`members` have each a `port` of their own")
            if "members" in data and "backup" in data:
                raise ValueError(
                    "`backup` names hosts of the site: among `members` write `backup: true` on the spare ones"
                )
            if "hosts" in data and "port" not in data:
                raise ValueError("`hosts` needs a `port`")
            if (data.get("balance") == "header") != ("header" in data):
                raise ValueError("`balance: header` and `header: NAME` belong together")
        return data
