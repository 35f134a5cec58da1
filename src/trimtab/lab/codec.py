"""A Topology as JSON and back: the starting process writes it, the owner reads it."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from trimtab.daemons.artifact import Artifact
from trimtab.daemons.probe import ReadyCheck
from trimtab.lab.topology import Leg, Node, Segment, Topology


def dumps(topology: Topology) -> str:
    """Every field by its name; `facts` must be JSON-able."""
    return json.dumps(asdict(topology))


def loads(text: str) -> Topology:
    """The inverse of `dumps`."""
    raw: dict[str, Any] = json.loads(text)
    return Topology(
        name=raw["name"],
        nodes=tuple(_node(node) for node in raw["nodes"]),
        segments=tuple(Segment(**segment) for segment in raw["segments"]),
        checks=tuple(ReadyCheck(**_tuples(check)) for check in raw["checks"]),
        facts=raw["facts"],
    )


def _node(raw: dict[str, Any]) -> Node:
    return Node(
        **{
            **_tuples(raw),
            "legs": tuple(Leg(**_tuples(leg)) for leg in raw["legs"]),
            "files": tuple(Artifact(**artifact) for artifact in raw["files"]),
            "sysctls": tuple((key, value) for key, value in raw["sysctls"]),
        }
    )


def _tuples(raw: dict[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in raw.items()}
