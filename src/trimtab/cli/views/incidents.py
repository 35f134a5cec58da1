"""What happened to sites: the list, and one with all its events."""

from __future__ import annotations

from trimtab.answers.incidents import Incident, Incidents, Row
from trimtab.cli.output import clock
from trimtab.ops.incidents.incident import CLASSES, span


def lines(answer: Incidents) -> list[str]:
    """No line where there are none."""
    head = f"{'ID':<5} {'site':<10} {'class':<11} {'state':<10} {'detected':<19} {'away':<12} last"
    rows = [
        f"{row.id:<5} {row.site:<10} {row.class_:<11} {row.state:<10} "
        f"{clock(row.detected):<19} {_away(row):<12} {row.last}"
        for row in answer.incidents
    ]
    return [head, *rows] if rows else []


def _away(row: Row) -> str:
    """How long a quorum found that it does not serve."""
    if row.away is not None:
        return span(row.away)
    return "until now" if row.open else "not closed"


def one(found: Incident) -> list[str]:
    away = f", after {span(found.verified - found.since)} in which it did not serve" if found.verified else ""
    state = "is open" if found.open else "is over" if found.closed else "is not followed any more"
    events = [f"  {clock(event.at)}  {event.kind:<10} {event.text}" for event in found.events]
    if found.left_out:
        events.insert(len(events) // 2, f"  {found.left_out} events are left out here")
    return [
        f"{found.id}: {found.site}, {found.class_}: {CLASSES[found.class_]}",
        f"it {state}: {found.state}{away}",
        *events,
        *(f"  said by {line}" for line in found.said),
    ]
