"""What a router's upstreams are told of its site beside what the estate has: `shift.conf`, and whether it has left so.

The file is all the memory there is: as long as the store has not been heard, what stands there stays. Whether BIRD runs on it says
its number; what has left is asked of the export filter, whose words are what the peer was told once `steer` finds the prefix told.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path
from typing import Protocol

from trimtab.daemons.bird.shift_file import CONF, Left, Row, ShiftFile, read, text
from trimtab.daemons.bird.wire import Prefix
from trimtab.drivers.files import write_atomically
from trimtab.errors import Refused
from trimtab.ops.steering.shift import Shift, UpstreamShift, amiss
from trimtab.ops.steering.wish import Session

NOT_INCLUDED = (
    "shift.conf is not part of the speaker's configuration: deliver the files of this release to this host"
)


class ShiftBird(Protocol):
    """What is used of `daemons.bird.client.Bird`."""

    async def runs_shift(self, number: int) -> bool: ...
    async def leaving(self, protocol: str, prefixes: Collection[Prefix]) -> Mapping[Prefix, Left]: ...


class ShiftedRoutes:
    """folder: of `shift.conf`.  word: what the store says of our site; None as long as it cannot be known.
    Raises as `bird`, and OSError where the disk does not take the file.
    """

    def __init__(self, folder: Path, bird: ShiftBird, word: Callable[[], Shift | None]) -> None:
        self._conf, self._bird, self._word = folder / CONF, bird, word
        self.follows = 0.0  # the word's `at`

    async def put(self, ramp: int) -> bool:
        """The file as it should be. ramp: AS numbers more, for a site that comes back. False: it was so already."""
        content, word = self._content(), self._word()
        self.follows = word.at if word is not None else self.follows
        wanted = text(self._wanted(content, word, ramp))
        if content == wanted:
            return False
        await asyncio.to_thread(write_atomically, self._conf, wanted.encode())
        return True

    async def in_force(self) -> bool:
        """Whether BIRD runs on it; True too where its configuration knows nothing of it, for then there is nothing to wait for."""
        return await self._runs() is not False

    async def amiss(self, sessions: Iterable[Session]) -> list[str]:
        """What has not left as the file has it, in words."""
        file, found = self._stands(), list[str]()
        if file != ShiftFile() and await self._runs() is None:
            return [NOT_INCLUDED]
        for session in sessions:
            wanted = _of(file, session.name)
            if session.up and session.told and wanted != UpstreamShift(wanted.upstream):
                left = await self._bird.leaving(session.name, list(session.told))
                found += [
                    f"{session.name}: {each}"
                    for each in amiss(wanted, {str(prefix): one for prefix, one in left.items()})
                ]
        return found

    async def _runs(self) -> bool | None:
        """None: its configuration is of an earlier release."""
        try:
            return await self._bird.runs_shift(self._stands().number)
        except Refused:
            return None

    def _wanted(self, content: str, word: Shift | None, ramp: int) -> ShiftFile:
        if word is None:
            return _read(content)
        rows = {each.upstream: Row(each.prepend, each.med, each.communities) for each in word.upstreams}
        return ShiftFile(ramp, rows)

    def _stands(self) -> ShiftFile:
        return _read(self._content())

    def _content(self) -> str:
        try:
            return self._conf.read_text()
        except (OSError, ValueError):
            return ""


def _of(file: ShiftFile, session: str) -> UpstreamShift:
    """session: as `daemons.announcing.session_name` has it; names of upstreams have no `_`."""
    name = session.removeprefix("up_")[:-1].replace("_", "-")
    row = file.upstreams.get(name, Row())
    return UpstreamShift(name, file.ramp + row.prepend, row.med, row.communities)


def _read(content: str) -> ShiftFile:
    """Of what nobody has written so, nothing is shifted."""
    try:
        return read(content)
    except ValueError:
        return ShiftFile()
