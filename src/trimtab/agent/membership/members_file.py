"""Decides who serves and writes it to the members' file, before any command reaches the proxy: a start or reload of the
proxy at any moment reads the newest membership.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from pathlib import Path

from trimtab.agent.membership.desired import Desired
from trimtab.agent.membership.persistence import members_text, pool_text
from trimtab.agent.membership.pools import PoolDecision
from trimtab.agent.runtime.queue import Pace
from trimtab.agent.runtime.result import DONE, Result
from trimtab.drivers.files import write_atomically

PACE = Pace(window=0.005, spacing=0.1)
After = Callable[[set[str]], None]


class MembersFile:
    """after: told the pools and splits that are another than before, when the file has them."""

    name = "members"

    def __init__(self, desired: Desired, path: Path, after: After, copy: Path | None = None) -> None:
        """copy: a second one, for the day that the first is spoilt."""
        self._desired, self._path, self._after, self._copy = desired, path, after, copy
        self._texts: dict[str, tuple[PoolDecision, str]] = {}
        self._written = b""
        self._due = True  # something is decided anew and not written yet
        self._seen: tuple[int, int, int] | None = None  # what the file was when we wrote it

    def keys(self) -> Collection[str]:
        return self._desired.keys()

    async def reconcile(self, keys: frozenset[str]) -> Result:
        """Raises OSError where the disk does not take the file; the proxy is told all the same."""
        changed = self._desired.refresh(sorted(keys))
        self._due = self._due or bool(changed)
        try:
            await self._write()
        finally:
            self._desired.commit()
            if changed:
                self._after(changed)
        return DONE

    async def _write(self) -> None:
        if not self._due and self._stamp() == self._seen:
            return
        content = self.content()
        if content == self._written and self._stamp() == self._seen:
            self._due = False
            return
        try:
            if (
                self._seen is not None or self._on_disk() != content
            ):  # otherwise it is as our predecessor left it
                await asyncio.to_thread(write_atomically, self._path, content)
            self._written, self._seen, self._due = content, self._stamp(), False
        finally:
            if self._copy is not None:
                await asyncio.to_thread(write_atomically, self._copy, content)

    def content(self) -> bytes:
        """The whole file. Of a pool that did not change the text is kept."""
        decisions = self._desired.decisions
        for name, decision in decisions.items():
            kept = self._texts.get(name)
            if kept is None or kept[0] is not decision:
                self._texts[name] = (decision, pool_text(decision))
        pools = {name: self._texts[name][1] for name in decisions}
        floors = {name: decision.floor for name, decision in decisions.items()}
        return members_text(pools, floors, self._desired.splits)

    def _on_disk(self) -> bytes:
        try:
            return self._path.read_bytes()
        except OSError:
            return b""

    def _stamp(self) -> tuple[int, int, int] | None:
        try:
            found = self._path.stat()
        except OSError:
            return None
        return found.st_ino, found.st_mtime_ns, found.st_size
