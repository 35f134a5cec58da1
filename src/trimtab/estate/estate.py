"""The estate: everything one file declares."""

from __future__ import annotations

from typing import Any

from pydantic import Field, PrivateAttr, ValidationInfo, model_validator

from trimtab.estate.accept import Accepted
from trimtab.estate.arbiter import Arbiter
from trimtab.estate.base import GroupEntry, Hostname, Name, Noun, RegionName
from trimtab.estate.edge import Edge
from trimtab.estate.group import Group
from trimtab.estate.hardware import Hardware
from trimtab.estate.kernel import Kernel
from trimtab.estate.network import Link, Network
from trimtab.estate.objectives import Objectives
from trimtab.estate.platform import Platform
from trimtab.estate.pool import Pool
from trimtab.estate.region import Region
from trimtab.estate.roles import OURS, Roles, roles_of
from trimtab.estate.service import Service
from trimtab.estate.site import Site
from trimtab.estate.store import Store
from trimtab.estate.tier import Tiers
from trimtab.estate.twin import Twin
from trimtab.estate.vrrp import Vrrp


class Estate(Noun):
    """One estate. The order of a map never means anything; lists are ordered."""

    estate: Name = Field(description="the estate's name")
    zone: Hostname = Field(description="the DNS zone of its names")
    platform: Platform | None = Field(
        default=None, description="what its hosts run; unsaid: files that every platform reads"
    )
    objectives: Objectives = Objectives()
    hardware: dict[Name, Hardware] = Field(default={}, description="kinds of machine, for capacity")
    groups: dict[GroupEntry, Group] = {}
    regions: dict[RegionName, Region] = Field(
        default={}, description="where clients are; `default` is everybody else"
    )
    sites: dict[Name, Site] = Field(min_length=1)
    links: tuple[Link, ...] = ()
    network: Network = Network()
    edge: Edge = Edge()
    arbiter: Arbiter = Arbiter()
    tiers: Tiers = Tiers()
    vrrp: Vrrp = Vrrp()
    kernel: Kernel = Kernel()
    services: dict[Name, Service] = {}
    pools: dict[Name, Pool] = {}
    stores: dict[Name, Store] = {}
    twin: Twin = Twin()
    accept: tuple[Accepted, ...] = Field(
        default=(), description="findings that are right here, with the reason"
    )

    _roles: Roles = PrivateAttr(default=OURS)

    @property
    def roles(self) -> Roles:
        """Those that it was read with."""
        return self._roles

    def model_post_init(self, context: Any) -> None:
        self._roles = roles_of(context)

    @model_validator(mode="before")
    @classmethod
    def _groups_of_roles(cls, data: Any, info: ValidationInfo) -> Any:
        """A group named after a role has id 0 and that role: neither is written."""
        groups = data.get("groups") if isinstance(data, dict) else None
        if not isinstance(groups, dict):
            return data
        known = roles_of(info.context).known
        full = {
            name: {"id": 0, "roles": [name], **entry} if name in known and isinstance(entry, dict) else entry
            for name, entry in groups.items()
        }
        return {**data, "groups": full}
