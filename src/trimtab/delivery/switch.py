"""What changes on a host between two sets of files, and what its daemons do about it. Pure.

A change moves only what it names: who carries traffic reloads, and is never started anew for a file. What only a start can
take up (a unit's own lines) is said, and holds from the next start on.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from trimtab.daemons.artifact import UNITS, Artifact, TakeUp
from trimtab.daemons.table import table
from trimtab.drivers.units import Active


@dataclass(frozen=True, slots=True)
class Difference:
    """Paths, each in order."""

    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Actions:
    """In the order in which they are done. sysctl: files to load.  reread: the supervisor reads its units anew.  stop, start,
    reload, restart: units.  later: units whose own file has changed, which holds from their next start.
    """

    sysctl: tuple[str, ...] = ()
    reread: bool = False
    stop: tuple[str, ...] = ()
    start: tuple[str, ...] = ()
    reload: tuple[str, ...] = ()
    restart: tuple[str, ...] = ()
    later: tuple[str, ...] = ()

    @property
    def touched(self) -> tuple[str, ...]:
        """Units that have to run afterwards."""
        return _ordered({*self.start, *self.reload, *self.restart})


def generation(artifacts: Iterable[Artifact]) -> str:
    """A name for a set of files: the same for the same files, and for no others."""
    told = hashlib.sha256()
    for artifact in sorted(artifacts, key=lambda a: a.path):
        told.update(repr((artifact.path, artifact.mode, artifact.owner, artifact.content)).encode())
    return told.hexdigest()[:16]


def difference(old: Sequence[Artifact], new: Sequence[Artifact]) -> Difference:
    before, after = _by_path(old), _by_path(new)
    both = before.keys() & after.keys()
    return Difference(
        tuple(sorted(after.keys() - before.keys())),
        tuple(sorted(path for path in both if _told(before[path]) != _told(after[path]))),
        tuple(sorted(before.keys() - after.keys())),
    )


def actions(old: Sequence[Artifact], new: Sequence[Artifact]) -> Actions:
    """What the host's daemons have to do, once the new files are there, to run by them."""
    before, after, found = _by_path(old), _by_path(new), difference(old, new)
    stop = {_unit(before[path]) for path in found.removed if path.startswith(UNITS)}
    start = {_unit(after[path]) for path in found.added if path.startswith(UNITS)}
    own = {path for path in (*found.added, *found.changed, *found.removed) if path.startswith(UNITS)}
    wanted: dict[TakeUp, set[str]] = {"reload": set(), "restart": set(), "daemon-reload": set()}
    for path in (*found.added, *found.changed, *found.removed):
        artifact = after.get(path) or before[path]
        if artifact.unit and artifact.take_up in wanted and _matters(before.get(path), after.get(path)):
            wanted[artifact.take_up].add(artifact.unit)
    here = {_unit(artifact) for path, artifact in after.items() if path.startswith(UNITS)} - start
    restart = wanted["restart"] & here
    return Actions(
        sysctl=tuple(path for path in (*found.added, *found.changed) if after[path].take_up == "sysctl"),
        reread=bool(own),
        stop=_ordered(stop),
        start=_ordered(start),
        reload=_ordered((wanted["reload"] & here) - restart),
        restart=_ordered(restart),
        later=_ordered((wanted["daemon-reload"] & here) - restart),
    )


def joined(one: Actions, other: Actions) -> Actions:
    """What is left of an interrupted delivery, and the next one."""
    restart = {*one.restart, *other.restart}
    start = {*one.start, *other.start} - {*other.stop}
    return Actions(
        sysctl=tuple(dict.fromkeys((*one.sysctl, *other.sysctl))),
        reread=one.reread or other.reread,
        stop=_ordered({*one.stop, *other.stop} - start),
        start=_ordered(start),
        reload=_ordered({*one.reload, *other.reload} - restart - start),
        restart=_ordered(restart - start),
        later=_ordered({*one.later, *other.later} - restart - start),
    )


def verb(unit: str, wanted: Actions, state: Active) -> Literal["start", "restart", "reload"] | None:
    """What a unit of `wanted.touched` is told. Who does not run cannot reload: it is started, by the new files. Nothing is told
    where somebody has stopped it: it stays so, and reads the new files when it is started.
    """
    if unit in wanted.start:
        return "start"
    if state in ("inactive", "deactivating"):
        return None
    return "reload" if unit in wanted.reload and state == "active" else "restart"


def _by_path(artifacts: Iterable[Artifact]) -> dict[str, Artifact]:
    return {artifact.path: artifact for artifact in artifacts}


def _told(artifact: Artifact) -> tuple[str, int, str]:
    return artifact.content, artifact.mode, artifact.owner


def _matters(old: Artifact | None, new: Artifact | None) -> bool:
    """False for a file in which nothing differs but what its daemon reads at its birth."""
    if old is None or new is None or old.mode != new.mode or old.owner != new.owner:
        return True
    daemon = table().daemons.get(new.validator or "")
    once = daemon.at_birth if daemon else None
    return once is None or once.sub("", old.content) != once.sub("", new.content)


def _unit(artifact: Artifact) -> str:
    return artifact.unit or artifact.path.rpartition("/")[2]


def _ordered(units: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(units), key=lambda unit: (table().takes_up(unit), unit)))
