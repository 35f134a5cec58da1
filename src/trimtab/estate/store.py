"""An application's own data store."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from trimtab.estate.base import Noun, Reference


class Store(Noun):
    """`kind: etcd`: one cluster over every host of the group, in all sites."""

    kind: Literal["etcd"]
    hosts: Reference = Field(description="a group with the role `store`")
