"""What an agent says: one JSON object a line on standard error, for the journal.

    {"time":"2026-11-22T07:14:03.120Z","level":"warning","event":"registry unreachable, serving the cached state","why":"..."}

Texts of others are escaped by JSON and cut, so no line is forged and none fills a disk. Secrets never come here: an agent
knows them as paths.
"""

from __future__ import annotations

import json
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Literal, TextIO

Level = Literal["info", "warning", "error"]
LONGEST, LONGEST_TRACE, MOST = 400, 6000, 50  # characters, characters, entries of a list


class Log:
    """now: seconds since 1970. A stream that nobody reads any more stops nothing."""

    def __init__(self, stream: TextIO | None = None, now: Callable[[], float] = time.time) -> None:
        self._stream, self._now = stream if stream is not None else sys.stderr, now

    def info(self, event: str, **fields: Any) -> None:
        self.say("info", event, fields)

    def warning(self, event: str, **fields: Any) -> None:
        self.say("warning", event, fields)

    def error(self, event: str, **fields: Any) -> None:
        self.say("error", event, fields)

    def crash(self, event: str, error: BaseException, **fields: Any) -> None:
        """A defect: with its traceback."""
        trace = "".join(traceback.format_exception(error))[-LONGEST_TRACE:]
        self.say("error", event, {**fields, "why": _short(repr(error)), "traceback": trace})

    def say(self, level: Level, event: str, fields: dict[str, Any]) -> None:
        at = (
            datetime.fromtimestamp(self._now(), UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        )
        body = {k: v if k == "traceback" else _short(v) for k, v in fields.items()}
        line = json.dumps(
            {"time": at, "level": level, "event": event, **body}, separators=(",", ":"), default=str
        )
        with suppress(OSError, ValueError):
            self._stream.write(line + "\n")
            self._stream.flush()


class Sparing:
    """Whether one more line of a kind may be written: whoever fills a registry shall not fill the disk. The figures go
    on counting. now: seconds, never backwards.
    """

    def __init__(self, log: Log, most: int = 100, per_s: float = 60.0) -> None:
        self._log, self._most, self._per_s = log, most, per_s
        self._begun, self._count = 0.0, 0

    def __call__(self, now: float) -> bool:
        if now - self._begun >= self._per_s:
            self._begun, self._count = now, 0
        self._count += 1
        if self._count == self._most + 1:
            self._log.warning("more of this kind is only counted", for_s=self._per_s)
        return self._count <= self._most


def _short(value: Any) -> Any:
    if isinstance(value, int | float | bool) or value is None:
        return value
    if isinstance(value, list | tuple | set | frozenset):
        items = sorted(value, key=str) if isinstance(value, set | frozenset) else list(value)
        return [_short(each) for each in items[:MOST]] + (["..."] if len(items) > MOST else [])
    text = str(value)
    return text if len(text) <= LONGEST else text[:LONGEST] + "..."
