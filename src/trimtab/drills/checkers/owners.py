"""Who held the addresses while a change was under way."""

from __future__ import annotations

from collections.abc import Iterator

from trimtab.drills.checkers.conduct import Conduct, Doubts, Seen
from trimtab.drills.faults.half_roll import NAME


class OwnersConduct(Conduct):
    """one: never two hosts held an address, and none went to another host, between the first file and the last."""

    name = "owners"
    probe = "vip"

    def wrongs(
        self, wanted: str, before: Seen, during: Seen, after: Seen, told: Seen, doubts: Doubts
    ) -> Iterator[str]:
        heard = told.get(NAME)
        if heard is None:
            doubts.append("nobody watched the addresses while the files were delivered")
            return
        yield from (f"two owners: {each}" for each in heard["two"][:4])
        yield from (f"moved: {each}" for each in heard["moved"][:4])
