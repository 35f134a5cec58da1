"""What was sent once was done once, by a ledger that knows no idempotency key."""

from __future__ import annotations

from collections.abc import Iterator

from trimtab.drills.checkers.conduct import Conduct, Doubts, Seen


class LedgerConduct(Conduct):
    """once: no POST was executed twice, and each that was acknowledged was executed.

    Unknown unless members died while they answered: an executed POST must have been answered otherwise than by 201.
    """

    name = "ledger"
    probe = "members"

    def wrongs(
        self, wanted: str, before: Seen, during: Seen, after: Seen, told: Seen, doubts: Doubts
    ) -> Iterator[str]:
        if not told.get("sent"):
            doubts.append("no POST was sent to the ledger")
            return
        if twice := told["twice"]:
            yield f"{len(twice)} of {told['sent']} POSTs were executed more than once: {_some(twice)}"
        if lost := told["lost"]:
            yield f"{len(lost)} of {told['sent']} POSTs were answered 201 and are in no ledger: {_some(lost)}"
        for version, count in told["unanswered"].items():
            if not count and not twice:
                doubts.append(f"no member died while it answered a POST of {version}: {told['kills']} kills")


def _some(found: list[str]) -> str:
    return ", ".join(found[:3]) + (" …" if len(found) > 3 else "")
