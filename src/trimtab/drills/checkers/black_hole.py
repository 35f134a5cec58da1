"""One address is given up for the others: it is dropped upstream, everything else is served, and its end brings it back."""

from __future__ import annotations

from collections.abc import Iterator

from trimtab.drills.checkers.conduct import Conduct, Doubts, Seen
from trimtab.drills.history import History
from trimtab.drills.load.record import Row
from trimtab.drills.verdict import Claims, Verdict

# What is under way when it begins may be answered still; what waits when it ends may fail still.
SETTLES_S = 2.0


class BlackHoleConduct(Conduct):
    """one-address: the address is dropped by its site's routers and by the upstreams that accept it, so that no packet of it comes to us;
    no request to anything else fails; and it is served again, though nobody has lifted it.
    """

    name = "blackhole"
    probe = "blackhole"

    def check(self, history: History, claims: Claims) -> Verdict:
        found = super().check(history, claims)
        told = history.evidence.get("told", {})
        if "address" not in told:
            return Verdict(self.name, "unknown", (*found.reasons, "nothing was black-holed"), found.figures)
        wrongs = tuple(_served(history, told))
        figures = {**found.figures, "failed_beside": sum(map(len, _beside(history, told).values()))}
        return Verdict(self.name, "false" if wrongs else found.value, (*wrongs, *found.reasons), figures)

    def wrongs(
        self, wanted: str, before: Seen, during: Seen, after: Seen, told: Seen, doubts: Doubts
    ) -> Iterator[str]:
        yield from _before(before, doubts)
        yield from _during(during, doubts)
        yield from _after(before, after, doubts)


def _before(before: Seen, doubts: Doubts) -> Iterator[str]:
    if True in (*before["ours"].values(), *before["upstreams"].values()):
        doubts.append(f"{before['address']} was dropped before the fault already")
    if not any(before["arrives"].values()):
        doubts.append(f"no packet to {before['address']} arrived before the fault: nothing was proved")
    yield from ()


def _during(during: Seen, doubts: Doubts) -> Iterator[str]:
    address = during["address"]
    for name, drops in {**during["ours"], **during["upstreams"]}.items():
        accepts = name in during["ours"] or name in during["drops"]
        if drops is None:
            doubts.append(f"{name} gave no answer")
        elif drops != accepts:
            yield f"{name} {'drops' if drops else 'does not drop'} {address}"
    for router, came in during["arrives"].items():
        if came is None:
            doubts.append(f"{router} could not count packets")
        elif came:
            yield f"{came} packets to {address} arrived at {router}"


def _after(before: Seen, after: Seen, doubts: Doubts) -> Iterator[str]:
    for name, drops in {**after["ours"], **after["upstreams"]}.items():
        if drops:
            yield f"{name} drops {after['address']} still"
    if any(before["arrives"].values()) and not any(after["arrives"].values()):
        yield f"no packet to {after['address']} arrives again"
    if not after["records"]:
        doubts.append("what became of the record nobody could say")
    elif after["records"][0]["state"] != "over":
        yield f"its record says `{after['records'][0]['state']}`: it did not end by itself"


def _served(history: History, told: Seen) -> Iterator[str]:
    """What clients saw."""
    for region, rows in _beside(history, told).items():
        if rows:
            first = rows[0]
            yield (
                f"{region}: {len(rows)} requests to others failed, the first to {first.service} over IPv{first.family}: "
                f"{first.error}"
            )
    for region in told["regions"]:
        rows = [row for row in history.reads[region] if is_hit(row, told)]
        if came := [
            r for r in rows if told["since"] + SETTLES_S < r.start < told["until"] - SETTLES_S and r.ok
        ]:
            yield f"{region}: {len(came)} requests to {told['address']} were answered while it was black-holed"
        since = history.events.phase("after")[0] + SETTLES_S
        again = [row for row in rows if row.start > since]
        if lost := [row for row in again if not row.ok_after_retry]:
            yield f"{region}: {len(lost)} requests to {told['address']} failed after its end: {lost[0].error}"
        elif not again:
            yield f"{region}: nobody asked at {told['address']} after its end"


def _beside(history: History, told: Seen) -> dict[str, list[Row]]:
    """The failures that are not the address's own, from the fault to the end."""
    fault = history.events.fault
    return {
        region: [
            row
            for row in rows
            if not row.ok
            and row.start + row.total > fault
            and not (region in told["regions"] and is_hit(row, told))
        ]
        for region, rows in history.reads.items()
    }


def is_hit(row: Row, told: Seen) -> bool:
    return (row.service, row.family) == (told["service"], 6 if ":" in told["address"] else 4)
