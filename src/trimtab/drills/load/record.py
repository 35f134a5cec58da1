"""The raw record of a load process: gzipped JSON lines. First the columns, last a line with "end".

A file without its last line was cut short and is refused: a part is never taken for the whole.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

BATCH = 200


class Row(NamedTuple):
    """One request. Times in seconds of time.monotonic(), one clock for all namespaces of a machine.

    kind: `new` on a connection of its own, `kept` on one that stood, `opened` on one that may stay.
    start: when it was sent.  late: how far behind its schedule that was.  latency: of the first attempt.
    total: until the client had its answer or gave up, retry included.  attempts: 1 or 2 (a transparent repeat
    on a fresh connection, RFC 9110 9.2.2, is part of the first).  error: "" or why the first attempt failed.
    address: of the first attempt's connection, or the one that was tried.
    """

    kind: str
    family: int
    service: str
    start: float
    late: float
    latency: float
    total: float
    ok: bool
    ok_after_retry: bool
    attempts: int
    error: str
    status: int
    site: str
    backend: str
    address: str = ""


class RecordWriter:
    """Writes rows in batches, so that memory stays small and the loop is held for under a millisecond."""

    def __init__(self, path: Path) -> None:
        self._file = gzip.open(path, "wt", compresslevel=1)  # noqa: SIM115  (closed by `end`)
        self._pending: list[str] = [json.dumps(Row._fields)]
        self.rows = 0

    def add(self, row: Row) -> None:
        self.rows += 1
        self._pending.append(
            json.dumps([round(cell, 5) if isinstance(cell, float) else cell for cell in row])
        )
        if len(self._pending) >= BATCH:
            self._flush()

    def end(self, summary: dict[str, Any]) -> None:
        """Write the last line; without it the record counts as cut short."""
        self._pending.append(json.dumps({"end": True, "rows": self.rows, **summary}))
        self._flush()
        self._file.close()

    def _flush(self) -> None:
        self._file.write("\n".join(self._pending) + "\n")
        self._pending.clear()


class RecordCutShortError(ValueError):
    """The record has no proper end: the load process was killed or could not write."""


def read_record(path: Path) -> tuple[list[Row], dict[str, Any]]:
    """All rows in order of their start, and the summary. Raises RecordCutShortError, or OSError."""
    try:
        lines = list(_lines(path))
    except (EOFError, zlib.error, ValueError, gzip.BadGzipFile) as error:
        raise RecordCutShortError(f"{path}: {error}") from error
    if len(lines) < 2 or not isinstance(lines[-1], dict) or lines[-1].get("rows") != len(lines) - 2:
        raise RecordCutShortError(f"{path}: the last line is missing")
    if lines[0] != list(Row._fields):
        raise RecordCutShortError(f"{path}: columns {lines[0]}")
    return sorted((Row(*line) for line in lines[1:-1]), key=lambda row: row.start), lines[-1]


def _lines(path: Path) -> Iterator[Any]:
    with gzip.open(path, "rt") as file:
        for line in file:
            yield json.loads(line)
