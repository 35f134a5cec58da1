"""What every noun of the estate shares: frozen, no unknown keys, and the text types that names are made of."""

from __future__ import annotations

import re
from collections.abc import Callable
from ipaddress import (
    IPv4Address,
    IPv4Interface,
    IPv4Network,
    IPv6Address,
    IPv6Interface,
    IPv6Network,
    ip_address,
    ip_interface,
    ip_network,
)
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    PlainSerializer,
    ValidationInfo,
    WithJsonSchema,
)

from trimtab.estate.quantity import parse_text
from trimtab.estate.roles import OURS, roles_of

RESERVED = frozenset({"all", "none", "default", "site", "source", "target", "daemon", "estate", *OURS.known})

_NAME = re.compile(r"[a-z][a-z0-9-]{0,19}")
_LABEL = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)")
_SECRET = re.compile(
    r"env:[A-Za-z_][A-Za-z0-9_]*|file:[A-Za-z0-9_./-]+|(?:sops|age):[A-Za-z0-9_./-]+#[A-Za-z0-9_.-]+"
)
# pchar of RFC 3986 with `/`, without the quotes and `$` that a configuration language could take for its own
_PATH_CHARS = "A-Za-z0-9._~!&()*+,;=:@%/-"
_NO_PATH_CHAR = re.compile(rf"[^{_PATH_CHARS}]")
_NO_QUERY_CHAR = re.compile(rf"[^?{_PATH_CHARS}]")
# RFC 9112, 3: what a request line should at least be able to hold; the daemons' own lines end soon after
_LONGEST_PATH = 1000
# narrower than a token of RFC 9110: quotes and `$` are syntax in the daemons' files, and nobody's header has them
_TOKEN = re.compile(r"[A-Za-z0-9-]{1,64}")

IPAddress = IPv4Address | IPv6Address
IPNetwork = IPv4Network | IPv6Network
IPInterface = IPv4Interface | IPv6Interface


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
        what = "is the name of a role" if value in OURS.known else "is reserved"
        raise ValueError(f"`{value}` {what}: choose another name")
    return value


def _group(value: Any, info: ValidationInfo) -> str:
    text = _name(value)
    return text if text in roles_of(info.context).known else _own_name(text)


def _region(value: Any) -> str:
    return "default" if value == "default" else _own_name(_name(value))


def _hostname(value: Any) -> str:
    text = parse_text(value)
    labels = text.split(".")
    if len(text) > 253:
        raise ValueError(f"a name of {len(text)} characters, at most 253 are possible (RFC 1035, 2.3.4)")
    if longest := next((part for part in labels if len(part) > 63), None):
        raise ValueError(f"a part of {len(longest)} characters, at most 63 are possible (RFC 1035, 2.3.4)")
    if (":" in text and _is_address(text)) or labels[-1].isdecimal():
        # RFC 1123, 2.1: the last part of a name is never a number
        raise ValueError(
            "an address is no name, and no client asks for it by SNI (RFC 6066, 3): write a domain name"
        )
    if text.endswith(".") and len(labels) > 2:
        raise ValueError("without the dot at the end: clients send names without it")
    if text.startswith("*."):
        raise ValueError("names with `*` are not served: write out each name")
    if len(labels) < 2 or not all(_LABEL.fullmatch(part) for part in labels):
        raise ValueError("a full domain name in lower case is expected: `www.shop.example`")
    return text


def _method(value: Any) -> str:
    text = matching(_TOKEN, "a method is letters, digits and `-`")(value)
    if text != text.upper():
        raise ValueError(f"methods know upper and lower case (RFC 9110, 9.1): write `{text.upper()}`")
    return text


def _is_address(text: str) -> bool:
    try:
        ip_address(text.strip("[]"))
    except ValueError:
        return False
    return True


def network(value: Any) -> IPNetwork:
    """Raises ValueError."""
    if isinstance(value, IPv4Network | IPv6Network):
        return value
    text = parse_text(value)
    address, slash, length = text.partition("/")
    # netmasks and `/024` would be read too: one way to write it is enough
    if (
        not slash
        or not length.isascii()
        or not length.isdecimal()
        or (length != "0" and length.startswith("0"))
    ):
        raise ValueError("a prefix is an address, `/` and its length: `203.0.113.0/24`, `2001:db8:1::/48`")
    _refuse_zone(address)
    try:
        return ip_network(text)
    except ValueError as error:
        raise ValueError(f"a prefix is expected, host bits zero: `203.0.113.0/24` ({error})") from error


def _interface(value: Any) -> IPInterface:
    if isinstance(value, IPv4Interface | IPv6Interface):
        return value
    text = parse_text(value)
    address, slash, length = text.partition("/")
    if not slash or not re.fullmatch(r"0|[1-9][0-9]{0,2}", length, re.ASCII):
        raise ValueError(
            "an address with the length of its network is expected: `198.51.100.77/24`, `2001:db8::7/127`"
        )
    parse_address(address)
    try:
        return ip_interface(text)
    except ValueError as error:
        raise ValueError(f"an address with the length of its network is expected ({error})") from error


def parse_address(value: Any) -> IPAddress:
    if isinstance(value, IPv4Address | IPv6Address):
        return value
    text = parse_text(value)
    _refuse_zone(text)
    try:
        found = ip_address(text)
    except ValueError as error:
        raise ValueError(_no_address(text)) from error
    if isinstance(found, IPv6Address) and found.ipv4_mapped is not None:
        raise ValueError(f"an IPv4 address inside an IPv6 one: write `{found.ipv4_mapped}`")
    return found


def _refuse_zone(text: str) -> None:
    """Python takes anything after a `%` for a zone, and writes it out again."""
    if "%" in text:
        raise ValueError(
            "an address without a zone (`%…`) is expected: a zone means something on one host only"
        )


def _no_address(text: str) -> str:
    address, slash, _ = text.partition("/")
    if slash and _is_address(address):
        return f"an address without a length is expected here: write `{address}`"
    plain = _without_zeros(text)
    if plain is not None:
        return f"an address without leading zeros is expected, which some programs read as octal: write `{plain}`"
    return "an IPv4 or IPv6 address is expected: `198.51.100.1`, `2001:db8::1`"


def _without_zeros(text: str) -> str | None:
    """An IPv4 address that has leading zeros and nothing else wrong, written as it should be."""
    parts = text.split(".")
    if len(parts) != 4 or not all(part.isascii() and part.isdecimal() for part in parts):
        return None
    plain = ".".join(str(int(part)) for part in parts if len(part) < 10)
    return plain if plain != text and _is_address(plain) else None


def _path(wrong: re.Pattern[str], what: str) -> Callable[[Any], str]:
    """A validator of paths; `what` a path of this kind is, for the message."""

    def check(value: Any) -> str:
        text = parse_text(value)
        if not text.startswith("/"):
            raise ValueError(f"{what} begins with `/`")
        if found := wrong.search(text):
            hint = ": a route matches the path alone, and passes any query on" if found[0] == "?" else ""
            raise ValueError(
                f"`{found[0]}` (character {found.start() + 1}) cannot stand in {what}{hint or _ENCODED}"
            )
        if len(text) > _LONGEST_PATH:
            raise ValueError(f"{len(text)} characters, at most {_LONGEST_PATH} are read")
        return text

    return check


_ENCODED = ": letters, digits and ._~!&()*+,;=:@%/- can, anything else as `%` and two hexadecimal digits"


Name = Annotated[str, BeforeValidator(_name), AfterValidator(_own_name)]
Reference = Annotated[str, BeforeValidator(_name)]
GroupName = Reference
GroupEntry = Annotated[str, BeforeValidator(_group)]
RegionName = Annotated[str, BeforeValidator(_region)]
Hostname = Annotated[str, BeforeValidator(_hostname)]
UrlPath = Annotated[str, BeforeValidator(_path(_NO_PATH_CHAR, "a path"))]
UrlTarget = Annotated[str, BeforeValidator(_path(_NO_QUERY_CHAR, "a path with a query"))]
Token = Annotated[
    str, BeforeValidator(matching(_TOKEN, "the name of a header or cookie is letters, digits and `-`"))
]
Method = Annotated[str, BeforeValidator(_method)]
Url = Annotated[
    str,
    BeforeValidator(
        matching(
            re.compile(r"https?://[A-Za-z0-9._~:/?#@!&()*+,;=%-]+"),
            "an absolute URL is expected: `https://www.shop.example/`",
        )
    ),
]
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
    BeforeValidator(network),
    PlainSerializer(str, return_type=str),
    WithJsonSchema({"type": "string"}),
]
Address = Annotated[
    IPAddress,
    BeforeValidator(parse_address),
    PlainSerializer(str, return_type=str),
    WithJsonSchema({"type": "string"}),
]
Interface = Annotated[
    IPInterface,
    BeforeValidator(_interface),
    PlainSerializer(str, return_type=str),
    WithJsonSchema({"type": "string"}),
]
# what Linux takes as the name of an interface, without what a shell or a configuration language could take for its own
InterfaceName = Annotated[
    str,
    BeforeValidator(
        matching(
            re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,14}"),
            "the name of an interface is a letter and letters, digits, `_`, `.` and `-`, at most 15 together",
        )
    ),
]
HeaderText = Annotated[
    str,
    BeforeValidator(
        matching(
            re.compile(r"(?! )[A-Za-z0-9 ._~:/?#@!&()*+,;=%-]+(?<! )"),
            "a header value has letters, digits and ._~:/?#@!&()*+,;=%-, and blanks between them (RFC 9110, 5.5)",
        )
    ),
]
