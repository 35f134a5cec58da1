"""What has been struck and not yet undone, written down before it is struck: a drill may be killed at any line, and
the next one in the same twin undoes what it left."""

from __future__ import annotations

import json
from dataclasses import asdict

from trimtab import codec
from trimtab.drills.faults import FAULTS
from trimtab.drills.faults.base import Aim, Struck
from trimtab.drills.scene import LabLike
from trimtab.errors import EnvironmentUnable


class Journal:
    """One file beside the records of a twin, a line a fault."""

    def __init__(self, lab: LabLike) -> None:
        self._lab = lab
        self._path = lab.scratch / "struck.jsonl"

    def strike(self, kind: str, aim: Aim) -> Struck:
        """Write it down, then do it."""
        self._write([*self._read(), (kind, aim)])
        return FAULTS[kind].strike(self._lab, aim)

    def restore(self) -> None:
        """Undo everything, the latest first. What fails stays written down, and raises."""
        entries = self._read()
        while entries:
            kind, aim = entries[-1]
            if kind not in FAULTS:
                raise EnvironmentUnable(
                    f"{self._path} has a fault of the kind {kind!r}, which this version cannot undo",
                    "take the twin down and start it again: trimtab lab down",
                )
            FAULTS[kind].restore(self._lab, aim)
            entries.pop()
            self._write(entries)

    def forget(self) -> None:
        """Nothing is left to undo: somebody else, a supervisor, has done it."""
        self._path.unlink(missing_ok=True)

    def _read(self) -> list[tuple[str, Aim]]:
        if not self._path.exists():
            return []
        found = [json.loads(line) for line in self._path.read_text().splitlines()]
        return [(entry["kind"], codec.read(Aim, entry["aim"], "an aim")) for entry in found]

    def _write(self, entries: list[tuple[str, Aim]]) -> None:
        draft = self._path.with_suffix(".draft")
        draft.write_text("".join(json.dumps({"kind": k, "aim": asdict(a)}) + "\n" for k, a in entries))
        draft.rename(self._path)
