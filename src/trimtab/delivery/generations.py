"""A host's files as whole sets, of which one counts: FILES/NAME is a set, FILES/current leads to the one that is read, and
every path that a daemon reads is a link through it. So all of them change with one rename.

FILES/taken leads to the set by which the daemons run: where it is another, a delivery was interrupted. It lies in /etc, because
the units are read before anything else is mounted.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from trimtab.daemons.artifact import Artifact
from trimtab.delivery.switch import generation
from trimtab.errors import BadInput

FILES = "/etc/trimtab/files"
LAID = f"{FILES}/laid.json"  # what there was before the first delivery, for who laid it knows: as `describe` gives it
MANIFEST = ".manifest"
META = ("path", "mode", "owner", "validator", "take_up", "unit")


def describe(artifacts: Iterable[Artifact]) -> str:
    """JSON of everything but the contents."""
    return json.dumps([{key: getattr(artifact, key) for key in META} for artifact in artifacts], indent=0)


class Generations:
    """Below `root`, which is another folder than `/` in tests alone."""

    def __init__(self, root: Path = Path("/")) -> None:
        self.root = root
        self.home = self.at(FILES)

    def at(self, path: str) -> Path:
        return self.root / path.lstrip("/")

    @contextmanager
    def locked(self) -> Iterator[None]:
        """One delivery at a time. Raises BadInput while another is under way."""
        self.home.mkdir(parents=True, exist_ok=True)
        with (self.home / ".lock").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise BadInput(
                    "another delivery to this host is under way", "wait until it has ended"
                ) from error
            yield

    def named(self, link: str) -> str:
        """The set that `current` or `taken` leads to, "" where there is none."""
        try:
            return str((self.home / link).readlink())
        except FileNotFoundError:
            return ""

    def read(self, name: str) -> tuple[Artifact, ...]:
        """A set as it was put there."""
        if not name:
            return ()
        folder = self.home / name
        found = [Artifact(content="", **entry) for entry in json.loads((folder / MANIFEST).read_text())]
        return tuple(replace(a, content=_text(folder / a.path.lstrip("/"))) for a in found)

    def put(self, artifacts: Sequence[Artifact]) -> str:
        """Write a set whole, or not at all; nothing reads it yet. Returns its name."""
        name = generation(artifacts)
        if (self.home / name).is_dir():
            return name
        fresh = self.home / f".new-{name}"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o755, parents=True)
        for artifact in artifacts:
            _write(fresh / artifact.path.lstrip("/"), artifact)
        (fresh / MANIFEST).write_text(describe(artifacts))
        for folder, _, _ in os.walk(fresh):
            _settled(Path(folder))
        fresh.rename(self.home / name)
        return name

    def adopt(self, new: Sequence[Artifact]) -> str:
        """Before the first delivery: what is there becomes a set, and the one that counts. Nothing that is read changes."""
        laid = self.at(LAID)
        known: Iterable[Any] = json.loads(laid.read_text()) if laid.exists() else json.loads(describe(new))
        found = [Artifact(content="", **entry) for entry in known]
        there = [replace(a, content=_text(self.at(a.path))) for a in found if self.at(a.path).is_file()]
        name = self.put(there)
        self.lead("taken", name)
        self.lead("current", name)
        return name

    def strays(self, artifacts: Iterable[Artifact]) -> tuple[Artifact, ...]:
        """Those that are no links to the current set, as they are: somebody has written there by hand."""
        return tuple(
            replace(a, content=_text(self.at(a.path)))
            for a in artifacts
            if self.at(a.path).is_file() and not self._linked(a.path)
        )

    def link(self, paths: Iterable[str]) -> None:
        """Have the paths lead into the current set; a file that stands there goes in the same moment."""
        for path in paths:
            if not self._linked(path):
                place = self.at(path)
                place.parent.mkdir(parents=True, exist_ok=True)
                self._point(place, self._target(path))

    def lead(self, link: str, name: str) -> None:
        """`current` or `taken`: one rename."""
        self._point(self.home / link, name)

    def sweep(self) -> None:
        """Away with the sets that are neither read nor run by, with the links of their own, and with what was left half done."""
        kept = {self.named("current"), self.named("taken")}
        named = {a.path for name in kept for a in self.read(name)}
        for entry in self.home.iterdir():
            if not entry.is_dir() or entry.is_symlink():
                continue
            if (entry / MANIFEST).is_file() and not entry.name.startswith("."):
                self._unlink({a.path for a in self.read(entry.name)} - named)
            if entry.name not in kept:
                shutil.rmtree(entry)

    def _unlink(self, paths: Iterable[str]) -> None:
        for path in paths:
            if self._linked(path):
                self.at(path).unlink()

    def _point(self, place: Path, target: str) -> None:
        """In one rename; the new link is made beside the sets, for some folders are read whole, but not on another disk."""
        beside = place.parent.stat().st_dev == self.home.stat().st_dev
        fresh = (self.home if beside else place.parent) / f".{place.name}.link"
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(target)
        fresh.rename(place)
        _settled(place.parent)

    def _target(self, path: str) -> str:
        return str(self.home / "current" / path.lstrip("/"))

    def _linked(self, path: str) -> bool:
        place = self.at(path)
        return place.is_symlink() and str(place.readlink()) == self._target(path)


def _write(path: Path, artifact: Artifact) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.write(artifact.content.encode(errors="surrogateescape"))
        file.flush()
        os.fsync(file.fileno())
    path.chmod(artifact.mode)
    if artifact.owner != "root":
        shutil.chown(path, artifact.owner, artifact.owner)


def _settled(folder: Path) -> None:
    """A power cut does not undo what was renamed there."""
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def _text(path: Path) -> str:
    return path.read_bytes().decode(errors="surrogateescape")
