"""What became of the hosts that carry a site at once: one is lost, and the others' routes have not moved."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from trimtab.drills.checkers.conduct import Conduct, Doubts, Seen, same_moment

Since = Mapping[str, str]


class CarriersConduct(Conduct):
    """one-leaves: upstreams hear one host less until the repair; one-restarts: they lose it, and may hear it again before.

    Both: what the other hosts told stands since before the fault, and at the end all are heard.
    """

    name = "carriers"
    probe = "carriers"

    def wrongs(
        self, wanted: str, before: Seen, during: Seen, after: Seen, told: Seen, doubts: Doubts
    ) -> Iterator[str]:
        for prefix, upstreams in before.items():
            for upstream, first in upstreams.items():
                then, at_last = during[prefix][upstream], after[prefix][upstream]
                who = f"{upstream}, {prefix}"
                if first is None or then is None or at_last is None:
                    doubts.append(f"{upstream} gave no answer about {prefix}")
                elif not first:
                    doubts.append(f"{who}: not heard before the fault")
                else:
                    yield from _lost(who, wanted, first, then)
                    if missing := sorted(first.keys() - at_last.keys()):
                        yield f"{who}: {', '.join(missing)} are not heard again"


def _lost(who: str, wanted: str, first: Since, then: Since) -> Iterator[str]:
    gone = sorted(first.keys() - then.keys())
    anew = sorted(each for each in first.keys() & then.keys() if not same_moment(first[each], then[each]))
    moved = gone if wanted == "one-leaves" else gone + anew
    if len(moved) != 1:
        yield f"{who}: {', '.join(moved) or 'nobody'} of {len(first)} hosts left; it should be one"
    if wanted == "one-leaves" and anew:
        yield f"{who}: {', '.join(anew)} left too, and came back"
