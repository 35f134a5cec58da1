"""Whether a member whose disk was lost is one again: under a number of its own, with a vote, well, and soon."""

from __future__ import annotations

from collections.abc import Iterator

from trimtab.drills.checkers.conduct import Conduct, Doubts, Seen

REJOIN_S = 20.0  # from the stop to the first proposal that it commits


class MembershipConduct(Conduct):
    """rejoins: each member that lost its disk was back within 20 s, with a new number where others remember the old one;
    then and at the end each cluster has the voters from before, nobody else, and all are well.
    """

    name = "membership"
    probe = "membership"

    def wrongs(
        self, wanted: str, before: Seen, during: Seen, after: Seen, told: Seen, doubts: Doubts
    ) -> Iterator[str]:
        if not told:
            doubts.append("no member lost its disk")
        for host, away in told.items():
            for cluster, seconds in away.items():
                first = before.get(cluster, {})
                if not first or any(not seen for seen in first.values()):
                    doubts.append(f"who belonged to {cluster} before the fault is not known: {first}")
                    continue
                if seconds is None or seconds > REJOIN_S:
                    after_s = "not back" if seconds is None else f"back after {seconds:g} s"
                    yield f"{host} in {cluster}: {after_s}, {REJOIN_S:g} s are the limit"
                for when, look in (("after it", during), ("at the end", after)):
                    yield from _unlike(cluster, first, look.get(cluster, {}), when)
                yield from _same_number(host, cluster, first, during.get(cluster, {}))


def _unlike(cluster: str, first: Seen, then: Seen, when: str) -> Iterator[str]:
    for host, seen in first.items():
        now = then.get(host)
        if not now:
            yield f"{cluster} on {host} gives no answer {when}"
        elif not now["healthy"]:
            yield f"{cluster} on {host} is not healthy {when}"
        elif now["voters"] != seen["voters"] or now["others"]:
            yield f"{cluster} as {host} knows it {when}: {now['voters']} vote, {now['others']} do not"


def _same_number(host: str, cluster: str, first: Seen, then: Seen) -> Iterator[str]:
    """A cluster of one begins anew, under the old number: nobody remembers it."""
    now = then.get(host)
    if len(first) > 1 and now and now["id"] == first[host]["id"]:
        yield f"{host} is in {cluster} under the number {now['id']} that it had before it lost its disk"
