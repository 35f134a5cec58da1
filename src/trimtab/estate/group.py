"""A kind of host. A group named after a role needs no entry; its id is 0 and that role its only one."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, ConfigDict, Field, ValidationInfo, WithJsonSchema
from pydantic_core import PydanticKnownError

from trimtab.estate.base import Noun, Reference
from trimtab.estate.platform import Platform
from trimtab.estate.quantity import Int
from trimtab.estate.roles import OURS, roles_of


def _role(value: Any, info: ValidationInfo) -> Any:
    known = roles_of(info.context).working
    if value not in known:
        raise PydanticKnownError("literal_error", {"expected": ", ".join(f"'{role}'" for role in known)})
    return value


Role = Annotated[str, BeforeValidator(_role), WithJsonSchema({"type": "string", "enum": list(OURS.working)})]


class Group(Noun):
    """A group of its own, or the hardware and platform of one that is named after a role."""

    # the schema of one entry cannot see its name: a role's entry has neither `id` nor `roles`
    model_config = ConfigDict(json_schema_extra={"required": []})

    id: Int = Field(ge=0, le=15, description="a stable number: addresses are derived from it, never reuse it")
    roles: tuple[Role, ...] = Field(
        min_length=1, description="what its hosts do; the first decides their network"
    )
    hardware: Reference | None = Field(default=None, description="what its hosts are")
    platform: Platform | None = Field(default=None, description="what they run; default: the estate's")
