"""What daemons from outside add to the file: roles of hosts, and keys of `tiers`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from pydantic import create_model

from trimtab.estate.base import Noun
from trimtab.estate.estate import Estate
from trimtab.estate.roles import OURS, Roles
from trimtab.estate.tier import Tiers


@dataclass(frozen=True)
class Additions:
    """roles: all that hosts may have.  tiers: key → what stands there; each has a default for every key of its own."""

    roles: Roles = OURS
    tiers: Mapping[str, type[Noun]] = field(default_factory=dict)

    @cached_property
    def model(self) -> type[Estate]:
        """The estate with these keys. Raises ValueError for a tier that there is already."""
        if not self.tiers:
            return Estate
        if taken := sorted(set(self.tiers) & set(Tiers.model_fields)):
            raise ValueError(f"there is a tier `{taken[0]}` already")
        fields: dict[str, Any] = {name: (kind, kind()) for name, kind in self.tiers.items()}
        tiers = create_model("Tiers", __base__=Tiers, **fields)
        return create_model("Estate", __base__=Estate, tiers=(tiers, tiers()))


NONE = Additions()
