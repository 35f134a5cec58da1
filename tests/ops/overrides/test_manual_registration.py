"""Members by hand, and the way back of a split: what is refused, who is named, what `--force` overrules."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from test_override_member import ALIVE, SPLIT, WHO, A, B, FakeRegistry, out, put, snapshot, wanted

from trimtab.errors import BadInput
from trimtab.ops.overrides import manual_registration as by_hand
from trimtab.ops.overrides import member as override
from trimtab.ops.overrides import split as split_override
from trimtab.ops.overrides.member import Who
from trimtab.registry.base import Snapshot, Write
from trimtab.registry.record import Claim, Member, Override, Split, key_of

CLAIMS = (Claim("api", 1, "b1"), Claim("api", 2, "b2"))


def registry_after(now: Snapshot, write: Write | None) -> FakeRegistry:
    """What stands there once that is written."""
    registry = FakeRegistry()
    registry.records = dict(now.records)
    assert write is not None
    asyncio.run(registry.write(write))
    return registry


def test_what_an_agent_registers_is_not_overwritten() -> None:
    now = snapshot(A, B, *ALIVE, *CLAIMS)
    moved = replace(A, address="10.0.0.9")
    with pytest.raises(BadInput, match=r"by its host's agent, which is alive, at 10\.0\.0\.1:8080"):
        by_hand.plan_register(now, moved, WHO)
    silent = snapshot(A, B, *CLAIMS)
    assert put(by_hand.plan_register(silent, moved, WHO), "members/api/b1") == moved
    assert by_hand.plan_register(now, A, WHO) is None  # the same again


def test_an_address_and_port_belong_to_one_member() -> None:
    now = snapshot(A, B, *CLAIMS)
    with pytest.raises(BadInput, match=r"10\.0\.0\.2:8080 is that of b2 in api"):
        by_hand.plan_register(now, wanted("b7", address="10.0.0.2", port=8080), WHO)
    assert by_hand.plan_register(now, wanted("b7", address="10.0.0.2", port=8081), WHO) is not None
    six = snapshot(Member("api", "b1", "2001:db8::7", 80, 1))
    with pytest.raises(BadInput, match=r"\[2001:db8::7\]:80 is that of b1"):
        by_hand.plan_register(six, wanted("b7", address="2001:DB8:0::7"), WHO)


def test_force_registers_and_who_and_why_are_kept() -> None:
    now = snapshot(A, B, *ALIVE, *CLAIMS)
    registry = registry_after(now, by_hand.plan_register(now, replace(A, weight=5), WHO, force=True))
    after = override.records(Snapshot(8, registry.records))
    assert after["members/api/b1"] == replace(A, weight=5)
    assert after["hand/api/b1"] == Override("api", "b1", "ready", None, "li", "a test", 1.0)
    second = by_hand.plan_register(now, wanted("b7", address="10.0.0.2", port=8080), WHO, force=True)
    assert second is not None and "members/api/b7" in second.put


def test_a_word_that_stands_keeps_its_reason_under_force() -> None:
    drained = Override("api", "b1", "drain", None, "wu", "bad RAM")
    now = snapshot(A, B, *ALIVE, *CLAIMS, drained)
    registry = registry_after(now, out(now, "b1", force=True))
    after = override.records(Snapshot(8, registry.records))
    assert after["hand/api/b1"] == drained and "members/api/b1" not in after and "alive/api/b1" not in after


def test_whose_agent_is_alive_is_not_taken_out() -> None:
    now = snapshot(A, B, *ALIVE, *CLAIMS)
    with pytest.raises(BadInput, match="put it back") as caught:
        out(now, "b1")
    assert "its agent registers it: delete its file in register.d on that host" in caught.value.hint
    registry = registry_after(now, out(now, "b1", force=True))
    assert {"members/api/b1", "alive/api/b1", "ids/api/1"} & set(registry.records) == set()
    assert override.records(Snapshot(8, registry.records))["hand/api/b1"] == Override(
        "api", "b1", by="li", reason="a test", at=1.0
    )


def test_the_last_one_that_takes_requests_is_not_taken_out() -> None:
    for now in (snapshot(A, *CLAIMS), snapshot(A, B, *CLAIMS, Override("api", "b2", "drain"))):
        for force in (False, True):
            with pytest.raises(BadInput, match=r"no member would remain in \w+: b1 is the last of"):
                out(now, "b1", force)
    silent = snapshot(A, B, *CLAIMS)
    with pytest.raises(BadInput, match=r"only b2 \(unknown\)"):
        out(silent, "b1")
    well = snapshot(A, B, *CLAIMS, ALIVE[1])
    assert out(well, "b1").delete == ("members/api/b1", "ids/api/1")


def test_two_that_are_taken_out_at_once_do_not_both_leave() -> None:
    now = snapshot(A, B, *CLAIMS)
    one, other = out(now, "b1", force=True), out(now, "b2", force=True)
    registry = registry_after(now, one)
    with pytest.raises(Exception, match="not as it was read"):
        asyncio.run(registry.write(other))
    assert "members/api/b2" in registry.records


# ---- the way back of a split


def test_back_twice_is_back_once() -> None:
    canary = put(
        split_override.plan_split(snapshot(), SPLIT, {"web": 95, "web-next": 5}, "cookie", WHO), key_of(SPLIT)
    )
    back = put(split_override.plan_back(snapshot(canary), SPLIT, WHO), key_of(SPLIT))
    now = snapshot(back)
    assert split_override.plan_back(now, SPLIT, Who("li", "another reason", 9.0)) is None
    assert split_override.why_not_back(now, SPLIT) == split_override.UNCHANGED
    again = put(split_override.plan_split(now, SPLIT, {"web": 50, "web-next": 50}, None, WHO), key_of(SPLIT))
    home = put(split_override.plan_back(snapshot(again), SPLIT, WHO), key_of(SPLIT))
    assert isinstance(home, Split) and (home.shares, home.by) == (SPLIT.shares, "percent")


@pytest.mark.parametrize("before", [None, {"web": 1, "gone": 1}])
def test_shares_of_somebody_else_have_no_way_back_but_home(before: dict[str, int] | None) -> None:
    strange = Split(SPLIT.service, SPLIT.name, {"web": 1, "web-next": 9}, "cookie", before, at=9e10)
    assert split_override.plan_back(snapshot(strange), SPLIT, WHO) is None
    assert "--home" in split_override.why_not_back(snapshot(strange), SPLIT)
    assert split_override.why_not_back(snapshot(), SPLIT) == split_override.UNCHANGED
