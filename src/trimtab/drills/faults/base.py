"""What a kind of fault must be able to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from trimtab.drills.scene import LabLike, Scene


@dataclass(frozen=True, slots=True)
class Aim:
    """What exactly is going to be hit, resolved just before. says: in words, for people."""

    site: str
    nodes: tuple[str, ...]
    unit: str
    says: str


class FaultKind(Protocol):
    """`places` are the values of `of` that a scenario may write."""

    @property
    def kind(self) -> str: ...
    @property
    def places(self) -> tuple[str, ...]: ...

    def aim(self, lab: LabLike, scene: Scene, site: str, of: str) -> Aim:
        """Resolve the place. Raises BadInput, EnvironmentUnable when it cannot be told."""
        ...

    def strike(self, lab: LabLike, aim: Aim) -> float:
        """Do it; the time.monotonic() at which it happened."""
        ...

    def restore(self, lab: LabLike, aim: Aim) -> None:
        """Undo what nobody else undoes."""
        ...
