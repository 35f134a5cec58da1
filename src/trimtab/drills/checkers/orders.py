"""No acknowledged order is lost, none is written twice, none that was refused turns up."""

from __future__ import annotations

from collections.abc import Iterable

from trimtab.drills.history import History
from trimtab.drills.verdict import Claims, Verdict

SHOWN = 5


class OrdersKept:
    """true.

    Each acknowledged order is stored exactly once, refused ones are not there; unknown ones may be either.
    """

    name = "orders"

    def check(self, history: History, claims: Claims) -> Verdict:
        assert claims.lost is not None
        orders = list(history.all_orders())
        if not orders:
            return Verdict(
                self.name, "unknown", ("no service of the estate has a ledger, so no order was sent",)
            )
        if history.stored is None:
            return Verdict(self.name, "unknown", ("the stored orders could not be read back",))
        by_outcome = {
            kind: [order.key for order in orders if order.outcome == kind] for kind in ("ok", "failed")
        }
        lost = [key for key in by_outcome["ok"] if key not in history.stored]
        twice = [order.key for order in orders if history.stored.get(order.key, 0) > 1]
        ghosts = [key for key in by_outcome["failed"] if key in history.stored]
        figures = {
            "acknowledged_orders": len(by_outcome["ok"]), "lost_orders": len(lost),
            "duplicated_orders": len(twice), "refused_but_stored_orders": len(ghosts),
            "unknown_orders": sum(order.outcome == "unknown" for order in orders),
        }  # fmt: skip
        reasons = tuple(
            f"{len(keys)} {what}: {_some(keys)}"
            for keys, allowed, what in (
                (lost, claims.lost, "acknowledged orders are lost"),
                (twice, 0, "orders were written more than once"),
                (ghosts, 0, "orders were reported as not stored and are stored"),
            )
            if len(keys) > allowed
        )
        if not reasons and not by_outcome["ok"]:
            return Verdict(self.name, "unknown", ("not a single order was acknowledged",), figures)
        return Verdict(self.name, "false" if reasons else "true", reasons, figures)


def _some(keys: Iterable[str]) -> str:
    found = sorted(keys)
    return ", ".join(found[:SHOWN]) + (", ..." if len(found) > SHOWN else "")
