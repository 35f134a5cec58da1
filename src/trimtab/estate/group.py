"""A kind of host. A group named after a role needs no entry; its id is 0."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from trimtab.estate.base import Noun
from trimtab.estate.quantity import Int

# Grows with the roles that something real honours; the full, frozen table of numbers is in addressing.ROLE_NUMBER.
Role = Literal["router", "proxy", "backend", "registry", "store"]
WORKING_ROLES: tuple[Role, ...] = ("router", "proxy", "backend", "registry", "store")


class Group(Noun):
    """A group with a name of its own."""

    id: Int = Field(ge=1, le=15, description="a stable number: addresses are derived from it, never reuse it")
    roles: tuple[Role, ...] = Field(
        min_length=1, description="what its hosts do; the first decides their network"
    )
