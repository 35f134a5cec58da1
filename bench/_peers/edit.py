"""An edit of rendered files, and how edits make a peer's twin out of ours. Pure: nothing here runs anything."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from trimtab.daemons.artifact import Artifact
from trimtab.estate.estate import Estate
from trimtab.lab.topology import Node, Topology

Place = Literal["router", "proxy", "transit"]


@dataclass(frozen=True, slots=True)
class Edit:
    """One change of a file. pattern, new: as `re.subn` takes them.  why: the value's meaning and where it is from.

    place: on the hosts of that role, or on the upstream networks.  everywhere: it has to match in each of their
    files; otherwise in one of them.
    """

    place: Place
    path: str
    pattern: str
    new: str
    why: str
    everywhere: bool = True


@dataclass(frozen=True, slots=True)
class Peer:
    """Another configuration of the same estate. says: in words, for people.  added: files of the proxies, and units."""

    name: str
    says: str
    edits: tuple[Edit, ...]
    added: tuple[Artifact, ...] = ()

    @property
    def fingerprint(self) -> str:
        """Changes with every value of the peer."""
        return hashlib.sha256(repr((self.edits, self.added)).encode()).hexdigest()[:16]


class EditMissed(Exception):
    """What an edit was made for is not in the files any more."""

    def __init__(self, edit: Edit, where: str) -> None:
        super().__init__(f"{where}{edit.path}: nothing matches {edit.pattern!r} ({edit.why})")


def comparable(estate: Estate) -> Estate:
    """The estate with BIRD in the networks around it, whose files the edits know."""
    return estate.model_copy(update={"twin": estate.twin.model_copy(update={"peers": "bird"})})


def made(topology: Topology, peer: Peer) -> Topology:
    """The peer's twin, from ours. Raises EditMissed."""
    edited = apply(topology, peer.edits)
    nodes = (_with(node, peer.added) if _at(node, "proxy") else node for node in edited.nodes)
    return replace(edited, nodes=tuple(nodes))


def apply(topology: Topology, edits: Sequence[Edit]) -> Topology:
    """The twin with these edits, each in its turn. Raises EditMissed for one that does not match where it has to."""
    nodes = topology.nodes
    for edit in edits:
        counts: list[int] = []
        nodes = tuple(_edited(node, edit, counts) if _at(node, edit.place) else node for node in nodes)
        if not any(counts):
            raise EditMissed(edit, "")
    return replace(topology, nodes=nodes)


def _with(node: Node, added: Sequence[Artifact]) -> Node:
    units = tuple(artifact.unit for artifact in added if artifact.unit)
    return replace(node, files=(*node.files, *added), units=(*node.units, *units))


def _at(node: Node, place: Place) -> bool:
    return node.kind == "transit" if place == "transit" else node.kind == "host" and place in node.roles


def _edited(node: Node, edit: Edit, counts: list[int]) -> Node:
    """The node with the edit; adds to `counts` how often it matched."""
    files = []
    for file in node.files:
        if file.path == edit.path:
            content, count = re.subn(edit.pattern, edit.new, file.content)
            if edit.everywhere and not count:
                raise EditMissed(edit, node.name)
            counts.append(count)
            file = replace(file, content=content)
        files.append(file)
    return replace(node, files=tuple(files))
