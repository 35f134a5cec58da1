"""A kind of host. A group named after a role needs no entry; its id is 0 and that role its only one."""

from __future__ import annotations

from typing import Literal

from pydantic import ConfigDict, Field

from trimtab.estate.base import Noun, Reference
from trimtab.estate.platform import Platform
from trimtab.estate.quantity import Int

# Grows with the roles that something real honours; the full, frozen table of numbers is in addressing.ROLE_NUMBER.
Role = Literal["router", "dns", "proxy", "backend", "registry", "store"]
WORKING_ROLES: tuple[Role, ...] = ("router", "dns", "proxy", "backend", "registry", "store")


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
