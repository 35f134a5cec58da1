"""Whether an upgrade was one: another version serves, and after the way back the one from before."""

from __future__ import annotations

from collections.abc import Iterator

from trimtab.drills.checkers.conduct import Conduct, Doubts, Seen


class ReleasesConduct(Conduct):
    """upgraded: on each host that was upgraded every program serves with another branch (2.6, 3.0) than before the fault,
    and at the end with the one from before.
    """

    name = "releases"
    probe = "releases"

    def wrongs(
        self, wanted: str, before: Seen, during: Seen, after: Seen, told: Seen, doubts: Doubts
    ) -> Iterator[str]:
        if not told:
            doubts.append("nobody was upgraded")
        for host in told:
            seen = [look.get(host) or {} for look in (before, during, after)]
            if not seen[0] or any(each.keys() != seen[0].keys() for each in seen):
                doubts.append(f"{host}: not every program told its version: {', '.join(map(str, seen))}")
                continue
            for program in seen[0]:
                first, then, last = (each[program] for each in seen)
                if branch(first) == branch(then):
                    yield f"{host}: {program} served with {first} before the upgrade and with {then} after it"
                if branch(last) != branch(first):
                    yield f"{host}: {program} serves with {last} after the way back, with {first} before"


def branch(version: str) -> str:
    """`2.6.12` → `2.6`."""
    return ".".join(version.split(".")[:2])
