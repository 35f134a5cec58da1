"""What every noun of the estate shares: frozen, no unknown keys, and the text types that names are made of."""

from __future__ import annotations

import re
from collections.abc import Callable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, PlainSerializer, WithJsonSchema

from trimtab.estate.quantity import parse_text

ROLES = ("router", "dns", "director", "proxy", "cache", "backend", "registry", "monitor", "store")
RESERVED = frozenset({"all", "none", "default", "site", "source", "target", "daemon", "estate", *ROLES})

_NAME = re.compile(r"[a-z][a-z0-9-]{0,19}")
_LABEL = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)")
_SECRET = re.compile(
    r"env:[A-Za-z_][A-Za-z0-9_]*|file:[A-Za-z0-9_./-]+|(?:sops|age):[A-Za-z0-9_./-]+#[A-Za-z0-9_.-]+"
)
# pchar of RFC 3986 with `/`, without the quotes and `$` that a configuration language could take for its own
_PATH = re.compile(r"/[A-Za-z0-9._~!&()*+,;=:@%/-]*")
# narrower than a token of RFC 9110: quotes and `$` are syntax in the daemons' files, and nobody's header has them
_TOKEN = re.compile(r"[A-Za-z0-9-]{1,64}")

IPAddress = IPv4Address | IPv6Address
IPNetwork = IPv4Network | IPv6Network


class Noun(BaseModel):
    """Base of every part of an estate."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", arbitrary_types_allowed=True, validate_default=False
    )


def matching(pattern: re.Pattern[str], what: str) -> Callable[[Any], str]:
    """A validator: the text, if the whole of it fits. `what` says what is expected."""

    def check(value: Any) -> str:
        text = parse_text(value)
        if pattern.fullmatch(text) is None:
            raise ValueError(what)
        return text

    return check


def _name(value: Any) -> str:
    text = parse_text(value)
    if _NAME.fullmatch(text) is None:
        raise ValueError("a name is a-z, 0-9 and `-`, begins with a letter and has at most 20 characters")
    return text


def _own_name(value: str) -> str:
    if value in RESERVED:
        raise ValueError(f"`{value}` is reserved: choose another name")
    return value


def _group(value: Any) -> str:
    text = _name(value)
    return text if text in ROLES else _own_name(text)


def _region(value: Any) -> str:
    return "default" if value == "default" else _own_name(_name(value))


def _hostname(value: Any) -> str:
    text = parse_text(value)
    labels = text.split(".")
    if len(text) > 253 or len(labels) < 2 or not all(_LABEL.fullmatch(part) for part in labels):
        raise ValueError("a full domain name in lower case is expected: `www.shop.example`")
    return text


def _network(value: Any) -> IPNetwork:
    if isinstance(value, IPv4Network | IPv6Network):
        return value
    try:
        return ip_network(parse_text(value))
    except ValueError as error:
        raise ValueError(f"a prefix is expected, host bits zero: `203.0.113.0/24` ({error})") from error


def _address(value: Any) -> IPAddress:
    if isinstance(value, IPv4Address | IPv6Address):
        return value
    try:
        return ip_address(parse_text(value))
    except ValueError as error:
        raise ValueError("an IPv4 or IPv6 address is expected") from error


Name = Annotated[str, BeforeValidator(_name), AfterValidator(_own_name)]
Reference = Annotated[str, BeforeValidator(_name)]
GroupName = Reference
GroupEntry = Annotated[str, BeforeValidator(_group)]
RegionName = Annotated[str, BeforeValidator(_region)]
Hostname = Annotated[str, BeforeValidator(_hostname)]
UrlPath = Annotated[
    str, BeforeValidator(matching(_PATH, "a path begins with `/` and has no blanks, quotes or `$`"))
]
Token = Annotated[str, BeforeValidator(matching(_TOKEN, "a header or method is letters, digits and `-`"))]
Suffix = Annotated[
    str,
    BeforeValidator(matching(re.compile(r"\.[A-Za-z0-9._-]{1,20}"), "a suffix begins with a dot: `.css`")),
]
SECRET_RULE = "a secret is a reference"
Secret = Annotated[
    str,
    BeforeValidator(
        matching(_SECRET, SECRET_RULE + ": `env:NAME`, `file:PATH`, `sops:FILE#KEY` or `age:FILE#KEY`")
    ),
]
Prefix = Annotated[
    IPNetwork,
    BeforeValidator(_network),
    PlainSerializer(str, return_type=str),
    WithJsonSchema({"type": "string"}),
]
Address = Annotated[
    IPAddress,
    BeforeValidator(_address),
    PlainSerializer(str, return_type=str),
    WithJsonSchema({"type": "string"}),
]
HeaderText = Annotated[
    str,
    BeforeValidator(
        matching(
            re.compile(r"[A-Za-z0-9 ._~:/?#@!&()*+,;=%-]+"),
            "a header value has letters, digits, blanks and ._~:/?#@!&()*+,;=%-",
        )
    ),
]
