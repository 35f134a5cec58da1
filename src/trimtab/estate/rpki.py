"""Who may announce which prefix (RPKI): where it is known from, and what is done with routes that say otherwise."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Annotated, Any, Literal

from pydantic import Field, PlainSerializer, PlainValidator, WithJsonSchema, model_validator

from trimtab.estate.base import IPAddress, Noun, matching
from trimtab.estate.quantity import Bool, Duration, parse_text

PORT = 323  # RFC 8210, 14
SHORTEST_EXPIRE, LONGEST_EXPIRE = 600, 172_800  # RFC 8210, 6

_ENDPOINT = re.compile(
    r"\[(?P<v6>[0-9a-fA-F:.]+)\](?::(?P<port6>\d{1,5}))?|(?P<v4>[0-9.]+)(?::(?P<port4>\d{1,5}))?"
)
# in the folder of the estate's file or below it: what a review sees
_FILE = re.compile(r"(?!/)(?!.*(?:^|/)\.\.(?:/|$))[A-Za-z0-9_./-]{1,200}")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a validator answers by RTR."""

    address: IPAddress
    port: int = PORT

    def __str__(self) -> str:
        return f"[{self.address}]:{self.port}" if self.address.version == 6 else f"{self.address}:{self.port}"


def _endpoint(value: Any) -> Endpoint:
    if isinstance(value, Endpoint):
        return value
    text = parse_text(value)
    found = _ENDPOINT.fullmatch(text)
    try:
        address = ip_address((found["v4"] or found["v6"]) if found else "")
    except ValueError as error:
        raise ValueError(
            "an address and a port are expected: `192.0.2.5:323`, `[2001:db8::5]:3323`; a name would need the very "
            "routes that are judged"
        ) from error
    assert found is not None
    port = int(found["port4"] or found["port6"] or PORT)
    if not 1 <= port <= 65535:
        raise ValueError("a port is 1 to 65535")
    return Endpoint(address, port)


Validator = Annotated[
    Endpoint,
    PlainValidator(_endpoint),
    PlainSerializer(str, return_type=str),
    WithJsonSchema({"type": "string"}),
]
RoaFile = Annotated[
    str,
    PlainValidator(matching(_FILE, "a file beside the estate's, or below its folder: `roas.json`")),
    WithJsonSchema({"type": "string"}),
]


class Rpki(Noun):
    """Route origin validation (RFC 6811). Routes of which no ROA speaks are taken: without an answer all are."""

    roas: RoaFile | None = Field(
        default=None, description="JSON of rpki-client, Routinator or StayRTR: `trimtab check` reads it"
    )
    validators: tuple[Validator, ...] = Field(
        default=(), max_length=4, description="RTR servers (RFC 8210) that the routers ask"
    )
    reject: Literal["invalid", "none"] | None = Field(
        default=None, description="what the routers refuse; default: `invalid` where there are validators"
    )
    aspa: Bool = Field(
        default=False,
        description="judge paths by ASPAs too, as `reject` says; BIRD of debian-13, and validators with RTR 2",
    )
    expire: Duration = Field(
        default=7200.0,
        ge=SHORTEST_EXPIRE,
        le=LONGEST_EXPIRE,
        description="how long the last answer of a validator counts",
    )

    @model_validator(mode="after")
    def _possible(self) -> Rpki:
        if not self.validators and self.reject is not None:
            raise ValueError("`reject` needs to know what is invalid: add `validators: [ADDRESS:PORT]`")
        if not self.validators and self.aspa:
            raise ValueError(
                "`aspa` needs to know who may carry whom: add `validators: [ADDRESS:PORT]`, with RTR 2"
            )
        if not self.validators and self.roas is None:
            raise ValueError("nothing to judge by: add `roas: FILE`, `validators: [ADDRESS:PORT]` or both")
        if len(set(self.validators)) != len(self.validators):
            raise ValueError("a validator twice")
        if not float(self.expire).is_integer():
            raise ValueError("`expire` is whole seconds")
        return self

    @property
    def refuses(self) -> bool:
        """Do routers refuse what is invalid?"""
        return bool(self.validators) and self.reject != "none"
