"""The clients of a drill: how long they wait, and when the shop's own order client tries again."""

from __future__ import annotations

from trimtab.timing.interval import NOTHING, UNTIL_REPAIR, Interval
from trimtab.timing.parts import Part, Term, after, one_of

# A read has this long; less than the second after which the kernel repeats a lost SYN.
PATIENCE_S = 0.9
# A gap between acknowledgements that is not longer than twice that of an undisturbed run counts as none.
UNNOTICED_S = 0.15

ORDER_CLIENT = Term(
    "client",
    "an order under way waits for its time-out, then for its repetition",
    Interval(0.0, 0.9),
    "trimtab-storefront order: time-out 0.6 s and a back-off up to 0.3 s",
)
ORDER_REFUSED = Term(
    "client",
    "an order under way is refused and tried again after 50 to 100 ms",
    Interval(0.0, 0.3),
    "trimtab-storefront order: back-off",
)
SERVES_ON = Term("client", "clients are served all the time", NOTHING, "nothing on their way is touched")
NO_REQUEST_HIT = Term(
    "client",
    "no request is under way at the moment of the change",
    NOTHING,
    "definition of outage_s: docs/drills.md",
)
NO_GAP = Term(
    "client",
    "the gap between acknowledgements is lost in that of an undisturbed run",
    NOTHING,
    "definition of write_outage_s: docs/drills.md",
)


NEXT_ADDRESS = Term(
    "client",
    "who gets no connection within 250 ms tries the name's next address as well",
    NOTHING,
    "RFC 8305, 5 (Connection Attempt Delay): a slow request, none that fails",
)
KEPT_TO_THE_LOST = Term(
    "client",
    "each connection that was kept to the lost address fails once, when it is used next",
    Interval(0.0, PATIENCE_S),
    "docs/drills.md: the load; measured: 0.06–0.21 s",
)


def if_hit(part: Part) -> Part:
    """The path lives until the moment of a change: a request fails if it is under way then, and no other does."""
    if part.time.low == UNTIL_REPAIR:
        return part
    return one_of(NO_REQUEST_HIT, part)


def orders(path: Part, retry: Term = ORDER_CLIENT) -> Part:
    """Writes over a path that is out for `path`; short gaps are no outage."""
    if path.time.low == UNTIL_REPAIR:
        return path
    whole = after(path, retry)
    return whole if path.time.low >= UNNOTICED_S else one_of(NO_GAP, whole)
