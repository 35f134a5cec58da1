"""What became of a site whose proxies have a public address each: one is lost, and who is at another one does not notice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from trimtab.drills.checkers.conduct import Conduct, Doubts, Seen
from trimtab.drills.history import History
from trimtab.drills.measure import episodes
from trimtab.drills.verdict import Claims, Verdict

Serves = Mapping[str, Mapping[str, bool]]


class AddressesConduct(Conduct):
    """one-leaves: one proxy's addresses serve nobody until the repair, all others do, and all of them at the end. From the fault to
    the end no request fails that was at another address, and some were there.
    """

    name = "addresses"
    probe = "addresses"

    def check(self, history: History, claims: Claims) -> Verdict:
        verdict = super().check(history, claims)
        during = history.evidence.get("during", {}).get(self.probe)
        if verdict.value != "true" or during is None:
            return verdict
        others = {address for own in during.values() for address, serves in own.items() if serves}
        sent, failed = _at(history, others)
        figures = {**verdict.figures, "sent": sent, "failed": len(failed)}
        if failed:
            return Verdict(self.name, "false", tuple(_reasons(failed)), figures)
        if not sent:
            return Verdict(self.name, "unknown", ("no request was sent to another address",), figures)
        return Verdict(self.name, "true", (), figures)

    def wrongs(
        self, wanted: str, before: Serves, during: Serves, after: Serves, told: Seen, doubts: Doubts
    ) -> Iterator[str]:
        if not before:
            doubts.append("no client of the site could be asked")
        for proxy, own in before.items():
            if mute := [address for address, serves in own.items() if not serves]:
                doubts.append(f"{proxy}: {', '.join(mute)} did not serve before the fault")
        lost = [proxy for proxy, own in during.items() if not any(own.values())]
        if before and len(lost) != 1:
            yield f"{', '.join(lost) or 'no proxy'} of {len(before)} serves nobody any more; it should be one"
        for proxy, own in during.items():
            if proxy not in lost and (mute := [address for address, serves in own.items() if not serves]):
                yield f"{proxy}: {', '.join(mute)} did not serve while another one was gone"
        for proxy, own in after.items():
            if mute := [address for address, serves in own.items() if not serves]:
                yield f"{proxy}: {', '.join(mute)} does not serve at the end"


def _at(history: History, addresses: set[str]) -> tuple[int, list[tuple[str, str]]]:
    """(requests from the fault to the end at these addresses, [(address, error)] of those that failed)."""
    since, until = history.events.fault, history.events.end
    sent, failed = 0, []
    for rows in history.reads.values():
        sent += sum(row.address in addresses and since <= row.start < until for row in rows)
        for one in episodes(rows, since, until, arriving=True, leaving=True):
            failed += [(row.address, row.error) for row in one.reads if row.address in addresses]
    return sent, failed


def _reasons(failed: list[tuple[str, str]]) -> Iterator[str]:
    for (address, error), count in Counter(failed).most_common(3):
        yield f"{count} requests at {address} failed, which was not hit: {error}"
