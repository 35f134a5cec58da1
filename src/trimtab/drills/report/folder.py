"""Where reports are: DIR/SCENARIO/report.html and report.json, catchment.svg where routes were looked at, and an index where DIR
has several.

Files are replaced by a rename: a reader sees the old one or the new one, never a part.
"""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from trimtab.drills.report.document import FORMAT, dumps
from trimtab.drills.report.page import index, page, picture
from trimtab.drills.report.shape import NEEDED, faults
from trimtab.errors import BadInput

Json = dict[str, Any]
PAGE, DATA, INDEX = "report.html", "report.json", "index.html"
PICTURE = "catchment.svg"
FAULTS_TOLD = 3


def folder_names(scenarios: Sequence[str]) -> list[str]:
    """A folder for each scenario of a call; one that is run twice gets a second one, `NAME-2`."""
    found: list[str] = []
    for scenario in scenarios:
        name = re.sub(r"[^A-Za-z0-9._-]+", "-", scenario).strip(".-") or "scenario"
        number = 2
        while name in found:
            name, number = f"{name.removesuffix(f'-{number - 1}')}-{number}", number + 1
        found.append(name)
    return found


def prepare(folder: Path) -> None:
    """Make a folder for reports and see that it can be written. Raises BadInput where it cannot."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise BadInput(
            f"no report can be written to {folder}: {error.strerror or error}",
            "name another directory: --report DIR",
        ) from error


def _silent(note: str) -> None:
    """Nobody is told."""


def write(root: Path, name: str, report: Mapping[str, Any], tell: Callable[[str], None] = _silent) -> Path:
    """Write a scenario's report, and the index if there are several. Returns the page's path. Raises OSError.

    tell: is told of a neighbour that the index leaves out.
    """
    folder = root / name
    folder.mkdir(parents=True, exist_ok=True)
    _replace(folder / DATA, dumps(report) + "\n")
    _replace(folder / PAGE, page(report))
    drawn = picture(report)
    if drawn is not None:
        _replace(folder / PICTURE, drawn)
    all_of = {path.parent.name: found for path in stored(root) if (found := _neighbour(path, tell))}
    if len(all_of) > 1:
        _replace(root / INDEX, index(all_of))
    return folder / PAGE


def _replace(path: Path, text: str) -> None:
    handle, draft = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        Path(draft).chmod(0o644)
        Path(draft).replace(path)
    except BaseException:
        Path(draft).unlink(missing_ok=True)
        raise


def stored(folder: Path) -> list[Path]:
    """The report files of a directory: its own, or those of its folders."""
    return [folder / DATA] if (folder / DATA).is_file() else sorted(folder.glob(f"*/{DATA}"))


def load(place: Path) -> list[Json]:
    """The reports of a file or a directory. Raises BadInput where there is none, or one cannot be read."""
    paths = stored(place) if place.is_dir() else [place]
    if not paths:
        raise BadInput(f"{place} has no report", f"a directory that `drill run --report` wrote, or a {DATA}")
    return [_load(path) for path in paths]


def _neighbour(path: Path, tell: Callable[[str], None]) -> Json | None:
    """A report that an index can tell of; whatever else lies there must not cost the others theirs."""
    try:
        found = _load(path)
        index({path.parent.name: found})
    except BadInput as error:
        tell(f"left out of the index: {error.message}")
        return None
    except Exception as error:
        tell(f"left out of the index: {path} lacks what a page needs ({type(error).__name__}: {error})")
        return None
    return found


def _load(path: Path) -> Json:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        said = error.strerror if isinstance(error, OSError) else f"no JSON ({error})"
        raise BadInput(f"{path}: {said}", f"a {DATA} that `drill run --report` wrote") from error
    if not isinstance(found, dict) or any(key not in found for key in NEEDED):
        raise BadInput(f"{path} is no report of a drill", f"a {DATA} that `drill run --report` wrote")
    written = found.get("format")
    if type(written) is not int or written != FORMAT:
        raise BadInput(
            f"{path} has format {_short(written)}, this version reads {FORMAT}", "run the drill again"
        )
    wrong = list(faults(found))
    if wrong:
        told = "; ".join(f"`{key}` should be {wanted}" for key, wanted in wrong[:FAULTS_TOLD])
        more = f"; {len(wrong) - FAULTS_TOLD} more" if len(wrong) > FAULTS_TOLD else ""
        raise BadInput(f"{path} is no report of a drill: {told}{more}", "run the drill again")
    return found


def _short(value: Any) -> str:
    return json.dumps(value)[:40]
