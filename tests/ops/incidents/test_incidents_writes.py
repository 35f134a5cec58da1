"""The transactions of incidents: they hold for what was read, numbers rise, and what is old goes."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.ops.incidents.incident_kit import opened

from trimtab.errors import Refused
from trimtab.ops.incidents.incident import Incident
from trimtab.ops.incidents.record import Open, encode, held_of, key_of, numbers_of, opens_of
from trimtab.ops.incidents.writes import MAX_INCIDENTS, MOST_DELETED, after, write_of
from trimtab.registry.base import Snapshot, Write


def store(*records: Incident | Open, **more: bytes) -> Snapshot:
    return Snapshot(9, {key_of(each): encode(each) for each in records} | more)


def done(snapshot: Snapshot, change: Write) -> Snapshot:
    """What it is conditioned on has to hold."""
    assert not [key for key in change.absent if key in snapshot.records]
    assert not [key for key, value in change.equal.items() if snapshot.records.get(key) != value]
    return after(snapshot, change)


def test_a_new_one_has_the_next_number_and_its_site_points_to_it() -> None:
    change = write_of(store(), opened())
    assert sorted(change.absent) == ["incident/0000000001", "open/hk"] and not change.equal
    found = done(store(), change)
    assert held_of(found.records, "hk") == replace(opened(), number=1)
    assert opens_of(found.records) == {"hk": 1}
    second = write_of(found, replace(opened(), site="la"))
    assert sorted(second.put) == ["incident/0000000002", "open/la"]


def test_the_next_write_holds_for_both_as_they_were_read_and_the_last_takes_the_pointer() -> None:
    found = done(store(), write_of(store(), opened()))
    first = held_of(found.records, "hk")
    assert first is not None
    change = write_of(found, first.told("acted", first.last, "", state="acted"))
    assert sorted(change.equal) == ["incident/0000000001", "open/hk"] and not change.absent
    later = done(found, change)
    closed = done(later, write_of(later, replace(first, state="closed", closed=5.0)))
    assert sorted(closed.records) == ["incident/0000000001"]
    assert held_of(closed.records, "hk") is None


@pytest.mark.parametrize(
    "value",
    [
        b"nonsense",
        b'{"number":7}',
        b'{"number":2}',
        b'{"number":3}',
        b'{"number":4}',
        b'{"number":99999999999}',
    ],
)
def test_a_pointer_that_leads_nowhere_is_replaced(value: bytes) -> None:
    """There is no 7; 2 is of another site, 3 is closed, 4 cannot be read."""
    others = [replace(opened(), number=2, site="la"), replace(opened(), number=3, state="closed")]
    found = store(*others, **{"incident/0000000004": b"{", "open/hk": value})
    assert held_of(found.records, "hk") is None
    change = write_of(found, opened())
    assert change.equal == {"open/hk": value}
    assert opens_of(done(found, change).records) == {"hk": 5}


def test_the_last_200_are_kept_whatever_stands_in_them_and_those_that_are_open() -> None:
    rows = {f"incident/{number:010d}": b"{" for number in range(1, MAX_INCIDENTS + 5)}
    first = replace(opened(), number=1, site="la")
    found = Snapshot(9, {**rows, **store(first, Open("la", 1)).records, "incident/x": b""})
    change = write_of(found, opened())
    assert change.delete == tuple(f"incident/{number:010d}" for number in range(2, 7))
    kept = done(found, change).records
    assert (len(numbers_of(kept)), opens_of(kept)) == (MAX_INCIDENTS, {"hk": 205, "la": 1})
    assert "incident/x" in kept


def test_of_very_many_only_some_go_with_one_write() -> None:
    rows = {f"incident/{number:010d}": b"{" for number in range(1, 1000)}
    assert len(write_of(Snapshot(9, rows), opened()).delete) == MOST_DELETED


def test_after_the_last_number_there_is_none() -> None:
    with pytest.raises(Refused, match="incident/9999999999 is in the estate store") as caught:
        write_of(Snapshot(9, {"incident/9999999999": b"{"}), opened())
    assert caught.value.hint == "delete incident/9999999999"
