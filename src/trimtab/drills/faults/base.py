"""What a kind of fault must be able to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from trimtab.drills.scene import LabLike, Scene

Arguments = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Aim:
    """What exactly is going to be hit, resolved just before. says: in words, for people.

    segments: cables of the fabric.  names: whatever else the kind needs to undo what it did.
    """

    site: str
    nodes: tuple[str, ...]
    unit: str
    says: str
    segments: tuple[str, ...] = ()
    names: tuple[str, ...] = ()


class Struck(NamedTuple):
    """at: time.monotonic() at which it happened.  told: what the estate answered, where it was asked to do something."""

    at: float
    told: Mapping[str, Any] = {}


class FaultKind(Protocol):
    """`targets` are the values of `of` that a scenario may write."""

    @property
    def kind(self) -> str: ...
    @property
    def targets(self) -> tuple[str, ...]: ...

    def aim(self, lab: LabLike, scene: Scene, arguments: Arguments, of: str) -> Aim:
        """Resolve the place; `arguments` has a site, and an upstream if one was named.

        Raises BadInput, EnvironmentUnable when it cannot be told.
        """
        ...

    def strike(self, lab: LabLike, aim: Aim) -> Struck:
        """Do it."""
        ...

    def restore(self, lab: LabLike, aim: Aim) -> None:
        """Undo what nobody else undoes. Twice is the same as once: an interrupted drill is undone by the next."""
        ...
