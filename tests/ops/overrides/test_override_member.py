"""An operator's override: what is planned from a snapshot, what is refused with the figures, and what a host does to itself."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from trimtab.agent import host_override as own_hand
from trimtab.agent_config import AgentFile, ProxyFile, SplitFile
from trimtab.errors import BadInput, Conflict
from trimtab.ops.overrides import manual_registration as by_hand
from trimtab.ops.overrides import member as override
from trimtab.ops.overrides import split as split_override
from trimtab.ops.overrides.member import Who, pool_members
from trimtab.registry.base import Batch, Snapshot, Write
from trimtab.registry.codec import decode, encode
from trimtab.registry.record import (
    MAX_PAST,
    Alive,
    Claim,
    Member,
    Override,
    Past,
    Record,
    Split,
    State,
    key_of,
)

WHO = Who("li", "a test", 1.0)
A, B = (Member("api", f"b{n}", f"10.0.0.{n}", 8080, n) for n in (1, 2))
ALIVE = (Alive("api", "b1"), Alive("api", "b2"))
SPLIT = Split("www", "web+web-next", {"web": 100, "web-next": 0})


def snapshot(*records: Record) -> Snapshot:
    return Snapshot(7, {key_of(record): encode(record) for record in records})


def put(write: Write | None, key: str) -> Record:
    assert write is not None
    return decode(key, write.put[key])


def wanted(name: str, **more: object) -> Member:
    return Member("api", name, **{"address": "10.0.0.7", "port": 80, "id": 1, **more})  # type: ignore[arg-type]


def out(now: Snapshot, name: str, force: bool = False) -> Write:
    return by_hand.plan_deregister(now, pool_members(now, "api"), "api", name, WHO, force=force)


def test_seats_join_registration_hand_and_word() -> None:
    found = pool_members(snapshot(A, B, Alive("api", "b1"), Override("api", "b2", "drain")), "api")
    assert [(s.name, s.weight, s.health) for s in found] == [("b1", 100, "passing"), ("b2", 0, "unknown")]


def test_members_of_the_file_have_seats_too() -> None:
    assert [s.name for s in pool_members(snapshot(Override("web", "h1", weight=7)), "web", ["h1", "h2"])] == [
        "h1",
        "h2",
    ]
    assert pool_members(snapshot(Override("web", "h1", weight=7)), "web", ["h1"])[0].weight == 7


@pytest.mark.parametrize(
    ("state", "weight", "left"), [("drain", None, 0), ("maint", None, 0), ("ready", 20, 20)]
)
def test_a_hand_is_written_once_and_only_over_what_was_read(
    state: str, weight: int | None, left: int
) -> None:
    before = snapshot(A, B, *ALIVE)
    write = override.plan_override(before, pool_members(before, "api"), "b1", state, weight, WHO)  # type: ignore[arg-type]
    found = put(write, "hand/api/b1")
    assert isinstance(found, Override) and (found.by, found.reason) == ("li", "a test")
    assert write is not None and write.absent == ("hand/api/b1", "hand/api/b2")  # of the whole pool
    after = snapshot(A, B, *ALIVE, found)
    assert pool_members(after, "api")[0].weight == left
    assert override.plan_override(after, pool_members(after, "api"), "b1", state, weight, WHO) is None  # type: ignore[arg-type]
    again = override.plan_override(after, pool_members(after, "api"), "b1", "ready", None, WHO)
    assert again is not None and again.equal == {"hand/api/b1": encode(found)}
    assert again.absent == ("hand/api/b2",)


@pytest.mark.parametrize(
    ("name", "state", "weight", "says"),
    [
        ("b9", "drain", None, "no member 'b9'"),
        ("b1", "ready", 900, "weight 900"),
        ("b1", "drain", None, "no member would remain"),
    ],
)
def test_a_hand_that_cannot_be_is_refused(name: str, state: str, weight: int | None, says: str) -> None:
    now = snapshot(A, B, Override("api", "b2", "maint"))
    with pytest.raises(BadInput, match=says):
        override.plan_override(now, pool_members(now, "api"), name, state, weight, WHO)  # type: ignore[arg-type]


def test_a_split_moves_and_goes_back() -> None:
    write = split_override.plan_split(snapshot(), SPLIT, {"web": 95, "web-next": 5}, "cookie", WHO)
    moved = put(write, "splits/www/web+web-next")
    assert isinstance(moved, Split)
    assert (moved.shares, moved.by, moved.before) == ({"web": 95, "web-next": 5}, "cookie", SPLIT.shares)
    now = snapshot(moved)
    assert split_override.plan_split(now, SPLIT, {"web": 95, "web-next": 5}, None, WHO) is None
    back = put(split_override.plan_back(now, SPLIT, WHO), "splits/www/web+web-next")
    assert isinstance(back, Split) and (back.shares, back.before) == (SPLIT.shares, SPLIT.shares)


def test_blue_green_and_instant_back() -> None:
    green = put(
        split_override.plan_split(snapshot(), SPLIT, {"web": 0, "web-next": 1}, None, WHO), key_of(SPLIT)
    )
    assert isinstance(green, Split) and green.shares == {"web": 0, "web-next": 1}
    assert split_override.plan_back(snapshot(green), SPLIT, WHO) is not None


@pytest.mark.parametrize(
    ("shares", "says"),
    [
        ({"web": 0, "web-next": 0}, "shares of nothing"),
        ({"moon": 1}, "'moon' is not in this split"),
        ({"web-next": 5}, "web: no share is given"),
    ],
)
def test_a_split_that_cannot_be_is_refused(shares: Mapping[str, int], says: str) -> None:
    with pytest.raises(BadInput, match=says):
        split_override.plan_split(snapshot(), SPLIT, shares, None, WHO)


def test_a_pool_that_is_left_out_is_asked_for_with_the_line_to_type() -> None:
    with pytest.raises(BadInput) as caught:
        split_override.every_pool(SPLIT, {"web-next": 5}, "trimtab split www")
    assert caught.value.hint.endswith(": trimtab split www web=100 web-next=5")


def test_back_brings_back_what_divides_too() -> None:
    shares = {"web": 95, "web-next": 5}
    moved = put(split_override.plan_split(snapshot(), SPLIT, shares, "cookie", WHO), key_of(SPLIT))
    back = put(split_override.plan_back(snapshot(moved), SPLIT, WHO), key_of(SPLIT))
    assert isinstance(back, Split) and (back.shares, back.by) == (SPLIT.shares, "percent")
    assert split_override.plan_back(snapshot(back), SPLIT, WHO) is None


def test_back_where_only_the_way_to_divide_was_changed() -> None:
    by = put(split_override.plan_split(snapshot(), SPLIT, SPLIT.shares, "header", WHO), key_of(SPLIT))
    back = put(split_override.plan_back(snapshot(by), SPLIT, WHO), key_of(SPLIT))
    assert isinstance(back, Split) and (back.shares, back.by) == (SPLIT.shares, "percent")
    assert split_override.plan_back(snapshot(back), SPLIT, WHO) is None


def test_a_split_of_before_the_way_to_divide_was_kept_is_read() -> None:
    old = decode(key_of(SPLIT), b'{"shares":{"web":1,"web-next":1},"before":{"web":1,"web-next":0}}')
    assert isinstance(old, Split) and old.before_by is None
    back = put(split_override.plan_back(snapshot(old), SPLIT, WHO), key_of(SPLIT))
    assert isinstance(back, Split) and back.by == "percent"


def test_back_where_nobody_has_changed_anything_is_nothing_to_do() -> None:
    assert split_override.plan_back(snapshot(), SPLIT, WHO) is None


def test_another_way_to_divide_leaves_the_way_back() -> None:
    canary = put(
        split_override.plan_split(snapshot(), SPLIT, {"web": 95, "web-next": 5}, None, WHO), key_of(SPLIT)
    )
    by_cookie = put(
        split_override.plan_split(snapshot(canary), SPLIT, {"web": 95, "web-next": 5}, "cookie", WHO),
        key_of(SPLIT),
    )
    back = put(split_override.plan_back(snapshot(by_cookie), SPLIT, WHO), key_of(SPLIT))
    assert isinstance(back, Split) and (back.shares, back.by) == (SPLIT.shares, "percent")


@pytest.mark.parametrize(
    "reason", ["roll out 5%", "wegen \u00fcberlast", "CORP\\li said so", 'the "other" one']
)
def test_a_reason_is_what_people_write(reason: str) -> None:
    now = snapshot(A, B, *ALIVE)
    assert (
        override.plan_override(
            now, pool_members(now, "api"), "b1", "drain", None, Who("CORP\\li", reason, 1.0)
        )
        is not None
    )


def test_a_reason_that_no_agent_would_read_is_refused_here() -> None:
    now = snapshot(A, B, *ALIVE)
    for reason in ("x" * 201, "a\x1b[2Jb"):
        with pytest.raises(BadInput, match="reason"):
            override.plan_override(now, pool_members(now, "api"), "b1", "drain", None, Who("li", reason, 1.0))


def test_a_split_of_other_pools_than_the_estates_does_not_count() -> None:
    stale = Split("www", "web+web-next", {"web": 1, "gone": 9})
    assert split_override.current_split(snapshot(stale), SPLIT) is SPLIT


@pytest.mark.parametrize(
    ("declared", "percent", "pool", "found"),
    [
        ({"web": 100, "web-next": 0}, 5, None, {"web": 9500, "web-next": 500}),
        ({"web": 95, "web-next": 5}, 0.5, None, {"web": 9950, "web-next": 50}),
        ({"a": 50, "b": 50}, 10, "a", {"a": 1000, "b": 9000}),
        ({"a": 60, "b": 20, "c": 20}, 20, "c", {"a": 6000, "b": 2000, "c": 2000}),
        ({"web": 0, "web-next": 100}, 100, "web-next", {"web": 0, "web-next": 10_000}),
        ({"web": 0, "web-next": 100}, 20, "web-next", {"web": 8000, "web-next": 2000}),
    ],
)
def test_a_canary_in_shares(
    declared: dict[str, int], percent: float, pool: str | None, found: dict[str, int]
) -> None:
    assert split_override.canary_shares(declared, percent, pool) == found


@pytest.mark.parametrize("declared", [{"a": 50, "b": 50}, {"a": 1, "b": 2, "c": 3}])
def test_which_one_the_canary_is_has_to_be_clear(declared: dict[str, int]) -> None:
    with pytest.raises(BadInput, match="which of"):
        split_override.canary_shares(declared, 5, None)
    with pytest.raises(BadInput, match="not in this split"):
        split_override.canary_shares(declared, 5, "moon")


def test_registering_takes_the_lowest_number_and_keeps_it() -> None:
    write = by_hand.plan_register(snapshot(A, Claim("api", 1, "b1")), wanted("b7", version="v1"), WHO)
    assert write is not None and write.absent == ("members/api/b7", "ids/api/2")
    new = put(write, "members/api/b7")
    assert isinstance(new, Member) and new.id == 2
    now = snapshot(A, Claim("api", 1, "b1"), new, Claim("api", 2, "b7"))
    assert by_hand.plan_register(now, wanted("b7", version="v1"), WHO) is None
    changed = by_hand.plan_register(now, wanted("b7", weight=50, version="v2"), WHO)
    assert changed is not None and changed.absent == ()
    gone = out(now, "b7", force=True)
    assert gone.delete == ("members/api/b7", "ids/api/2")
    assert gone.equal == {key: now.records[key] for key in (*gone.delete, "members/api/b1")}


def test_a_number_that_is_claimed_for_another_is_not_taken_over() -> None:
    now = snapshot(A, Claim("api", 1, "b9"))
    write = by_hand.plan_register(now, A, WHO)
    assert write is not None and "ids/api/1" not in write.put and write.absent == ("ids/api/2",)
    assert write.equal == {"members/api/b1": now.records["members/api/b1"]}


def test_a_claim_that_was_lost_is_written_again_and_spare_ones_are_given_back() -> None:
    lost = by_hand.plan_register(snapshot(A), A, WHO)
    assert lost is not None and lost.absent == ("ids/api/1",)
    now = snapshot(A, Claim("api", 1, "b1"), Claim("api", 5, "b1"))
    spare = by_hand.plan_register(now, replace(A, weight=50), WHO)
    assert spare is not None and spare.delete == ("ids/api/5",) and "ids/api/5" in spare.equal


def test_a_member_whose_record_is_damaged_can_be_taken_out_and_its_hand_stays() -> None:
    good = snapshot(A, Claim("api", 1, "b1"), Claim("api", 4, "b1"), Claim("api", 2, "b2"), *ALIVE)
    records = {**good.records, "members/api/b1": b"{", **snapshot(Override("api", "b1", "drain")).records}
    gone = out(Snapshot(7, records), "b1", force=True)
    assert set(gone.delete) == {"members/api/b1", "ids/api/1", "ids/api/4", "alive/api/b1"}
    assert set(gone.equal) == {"members/api/b1", "ids/api/1", "ids/api/4"}
    only_claimed = out(snapshot(Claim("api", 1, "b1")), "b1")
    assert only_claimed.delete == ("ids/api/1",)
    with pytest.raises(BadInput, match="not registered"):
        out(snapshot(Override("api", "b1")), "b1")


# ---- the last that serves


def test_who_is_left_has_to_say_that_he_is_well() -> None:
    now = snapshot(A, B, ALIVE[0])  # the agent of b2 is silent
    with pytest.raises(BadInput, match=r"only b2 \(unknown\)"):
        override.plan_override(now, pool_members(now, "api"), "b1", "drain", None, WHO)
    assert (
        override.plan_override(now, pool_members(now, "api"), "b1", "drain", None, WHO, force=True)
        is not None
    )
    assert override.plan_override(now, pool_members(now, "api"), "b2", "drain", None, WHO) is not None
    failing = snapshot(A, B, Alive("api", "b2", "failing"))
    with pytest.raises(BadInput, match=r"only b2 \(failing\)"):
        override.plan_override(failing, pool_members(failing, "api"), "b1", "ready", 0, WHO)


def test_force_leaves_somebody_all_the_same() -> None:
    now = snapshot(A, B, *ALIVE, Override("api", "b2", "maint"))
    with pytest.raises(BadInput, match=r"no member would remain in \w+: b1 is the last of 2"):
        override.plan_override(now, pool_members(now, "api"), "b1", "drain", None, WHO, force=True)


def test_one_that_is_out_already_goes_further_out_without_a_word_of_the_others() -> None:
    now = snapshot(A, B, Override("api", "b1", "drain"))
    assert override.plan_override(now, pool_members(now, "api"), "b1", "maint", None, WHO) is not None


def test_members_of_the_estate_count_without_a_word() -> None:
    now = snapshot()
    assert (
        override.plan_override(now, pool_members(now, "web", ["h1", "h2"]), "h1", "drain", None, WHO)
        is not None
    )


def test_what_registers_in_a_pool_of_hosts_serves_nobody() -> None:
    stray = Member("web", "stray", "10.0.0.9", 80, 9)
    now = snapshot(stray, Alive("web", "stray"))
    assert [s.name for s in pool_members(now, "web", ["h1"], registers=False)] == ["h1"]


def test_a_drain_keeps_the_weight_for_the_way_back() -> None:
    now = snapshot(A, B, *ALIVE, Override("api", "b1", "ready", 20))
    drained = put(
        override.plan_override(now, pool_members(now, "api"), "b1", "drain", None, WHO), "hand/api/b1"
    )
    assert isinstance(drained, Override) and (drained.state, drained.weight) == ("drain", 20)


def test_a_pool_larger_than_a_transaction_is_held_by_one_that_stays() -> None:
    many = [Member("api", f"b{n}", "10.0.0.1", 80, n) for n in range(1, 400)]
    now = snapshot(*many, Alive("api", "b300"))
    write = override.plan_override(now, pool_members(now, "api"), "b1", "drain", None, WHO)
    assert write is not None and len(write.absent) + len(write.equal) == override.CONDITIONS
    assert {"hand/api/b1", "hand/api/b300"} <= set(write.absent)


@pytest.mark.parametrize("address", ["127.0.0.1", "host.example", "0.0.0.0", "10.0.0.1; shutdown"])
def test_an_address_that_no_agent_would_take_is_refused(address: str) -> None:
    with pytest.raises(BadInput, match="address"):
        by_hand.plan_register(snapshot(), wanted("b7", address=address), WHO)


@pytest.mark.parametrize(
    "words", [["web"], ["web=x"], ["web=1", "web=2"], ["web=-1"], ["web=9999999"], ["=5"]]
)
def test_shares_that_cannot_be_read(words: list[str]) -> None:
    with pytest.raises(BadInput):
        found = split_override.read_shares(words)
        split_override.plan_split(snapshot(), SPLIT, found, None, WHO)


class FakeRegistry:
    """A map; `rivals` other writers come first."""

    def __init__(self, *records: Record, rivals: int = 0) -> None:
        self.records = dict(snapshot(*records).records)
        self.rivals, self.writes = rivals, 0

    async def read(self) -> Snapshot:
        return Snapshot(1, dict(self.records))

    def watch(self, after: int) -> AsyncIterator[Batch]:
        raise NotImplementedError

    async def write(self, change: Write) -> int:
        if self.rivals:
            self.rivals -= 1
            raise Conflict("somebody else was first")
        if any(key in self.records for key in change.absent) or any(
            self.records.get(key) != value for key, value in change.equal.items()
        ):
            raise Conflict("not as it was read")
        self.records.update(change.put)
        for key in change.delete:
            self.records.pop(key, None)
        self.writes += 1
        return 2

    async def grant(self, ttl_s: float) -> int:
        raise NotImplementedError

    async def keep(self, lease: int) -> float:
        raise NotImplementedError

    async def close(self) -> None:
        """Nothing is open."""


def agent_file(**parts: object) -> AgentFile:
    return AgentFile("b1", "hk", "shop", "10.0.0.1", 8407, "systemd", **parts)  # type: ignore[arg-type]


def do(
    registry: FakeRegistry,
    agent: AgentFile,
    what: str,
    words: list[str],
    folder: Path,
    force: bool = False,
    reason: str = "a test",
) -> str:
    who = own_hand.who_here(agent, "root", reason)
    return asyncio.run(own_hand.do(registry, agent, what, words, who, folder, force))


def registers_api(folder: Path, **more: object) -> None:
    (folder / "api.json").write_text(json.dumps({"pool": "api", "port": 8080, **more}))


def hand_of(registry: FakeRegistry, key: str) -> Override:
    found = decode(key, registry.records[key])
    assert isinstance(found, Override)
    return found


WEB = {"web": ("b1..2",)}
BOTH: list[Record] = [A, B, *ALIVE]


def test_a_host_drains_itself_everywhere_and_comes_back(tmp_path: Path) -> None:
    registers_api(tmp_path)
    (tmp_path / "broken.json").write_text("{")
    registry, agent = FakeRegistry(*BOTH, rivals=2), agent_file(serves=WEB)
    assert do(registry, agent, "drain", [], tmp_path) == "drain in api, web"
    assert {"hand/api/b1", "hand/web/b1"} <= set(registry.records) and registry.writes == 1
    assert hand_of(registry, "hand/api/b1").by == "root@b1"
    assert do(registry, agent, "drain", [], tmp_path) == "no change"
    assert do(registry, agent, "ready", [], tmp_path) == "ready in api, web"


def test_a_host_is_out_of_all_its_pools_or_of_none(tmp_path: Path) -> None:
    registers_api(tmp_path)
    registry = FakeRegistry(*BOTH, Override("web", "b2", "maint"))
    with pytest.raises(BadInput, match="no member would remain in web"):
        do(registry, agent_file(serves=WEB), "drain", [], tmp_path)
    assert "hand/api/b1" not in registry.records


def test_the_last_registered_member_stays(tmp_path: Path) -> None:
    registers_api(tmp_path)
    with pytest.raises(BadInput, match="no member would remain"):
        do(FakeRegistry(A), agent_file(), "drain", [], tmp_path)


def test_the_last_member_of_the_file_stays(tmp_path: Path) -> None:
    registry, agent = FakeRegistry(Override("web", "b2", "maint")), agent_file(serves=WEB)
    with pytest.raises(BadInput, match=r"no member would remain in \w+: b1 is the last of 2"):
        do(registry, agent, "drain", [], tmp_path)


def test_hands_of_others_than_the_estates_members_do_not_count(tmp_path: Path) -> None:
    """A host that was retired has left a hand behind; counted as a member it would let the last one go."""
    registry = FakeRegistry(Override("web", "b7", "ready", 5), Override("web", "b2", "maint"))
    with pytest.raises(BadInput, match=r"no member would remain in \w+: b1 is the last of 2"):
        do(registry, agent_file(serves=WEB), "drain", [], tmp_path)


def test_two_hosts_that_leave_at_once_do_not_both_leave(tmp_path: Path) -> None:
    class Rival(FakeRegistry):
        async def read(self) -> Snapshot:
            found = await super().read()
            self.records |= snapshot(
                Override("web", "b2", "drain", by="root@b2")
            ).records  # right after it was read
            return found

    registry = Rival()
    with pytest.raises(BadInput, match="no member would remain"):
        do(registry, agent_file(serves=WEB), "drain", [], tmp_path)
    assert set(registry.records) == {"hand/web/b2"}


def test_a_host_that_is_the_whole_pool_under_two_names_stays(tmp_path: Path) -> None:
    registers_api(tmp_path)
    (tmp_path / "second.json").write_text(json.dumps({"pool": "api", "port": 8081, "name": "b2"}))
    registry = FakeRegistry(*BOTH)
    with pytest.raises(BadInput, match="no member would remain"):
        do(registry, agent_file(), "drain", [], tmp_path)
    third = Member("api", "b3", "10.0.0.3", 80, 3)
    registry = FakeRegistry(*BOTH, third, Alive("api", "b3"))
    assert do(registry, agent_file(), "drain", [], tmp_path) == "drain in api, api"


def test_what_is_not_registered_yet_keeps_nothing_from_being_done(tmp_path: Path) -> None:
    registers_api(tmp_path)
    said = do(FakeRegistry(), agent_file(serves=WEB), "drain", [], tmp_path)
    assert said == "drain in web; api: b1 is not registered"
    with pytest.raises(BadInput, match="no member 'b1'"):
        do(FakeRegistry(), agent_file(), "drain", [], tmp_path)


def test_a_weight_of_an_operator_outlives_a_deployment(tmp_path: Path) -> None:
    registry, agent = (
        FakeRegistry(Override("web", "b1", "ready", 20, "li", "slow disk")),
        agent_file(serves=WEB),
    )
    assert do(registry, agent, "ready", [], tmp_path) == "no change; web: weight 20 by li stays"
    assert do(registry, agent, "drain", [], tmp_path) == "drain in web"
    assert do(registry, agent, "ready", [], tmp_path) == "ready in web; web: weight 20 stays"
    assert hand_of(registry, "hand/web/b1").weight == 20
    assert do(registry, agent, "ready", [], tmp_path, force=True) == "ready in web"
    assert hand_of(registry, "hand/web/b1").weight is None


def test_a_new_reason_is_kept_though_the_value_is_the_same(tmp_path: Path) -> None:
    """Also of the last one that is out: nothing else changes."""
    registry = FakeRegistry(
        Override("web", "b1", "drain", None, "root@b1", "disk"), Override("web", "b2", "maint")
    )
    agent = agent_file(serves=WEB)
    assert do(registry, agent, "drain", [], tmp_path, reason="") == "no change"
    assert hand_of(registry, "hand/web/b1").reason == "disk"
    assert do(registry, agent, "drain", [], tmp_path, reason="fan") == "drain in web"
    assert hand_of(registry, "hand/web/b1").reason == "fan"


def test_a_new_reason_for_a_split_keeps_the_way_back() -> None:
    moved = put(
        split_override.plan_split(snapshot(), SPLIT, {"web": 9, "web-next": 1}, None, WHO), key_of(SPLIT)
    )
    other = Who("wu", "still fine", 2.0)
    write = split_override.plan_split(snapshot(moved), SPLIT, {"web": 9, "web-next": 1}, None, other)
    found = put(write, key_of(SPLIT))
    assert isinstance(found, Split) and isinstance(moved, Split)
    past = (Past({"web": 9, "web-next": 1}, "percent", "li", "a test", 1.0),)
    assert found == replace(moved, who="wu", reason="still fine", at=2.0, past=past)


@pytest.mark.parametrize(("reason", "kept"), [("a test", MAX_PAST), ("试" * 200, 2)])
def test_a_split_keeps_its_changes_as_far_as_the_record_holds_them(reason: str, kept: int) -> None:
    """A reason in another alphabet takes six bytes a letter."""
    stands: Split = SPLIT
    for n in range(1, 15):
        who = Who("li", reason, float(n))
        write = split_override.plan_split(snapshot(stands), SPLIT, {"web": 100 - n, "web-next": n}, None, who)
        found = put(write, key_of(SPLIT))
        assert isinstance(found, Split)
        stands = found
    assert stands.at == 14.0 and [each.at for each in stands.past] == [13.0 - n for n in range(kept)]
    assert [each.shares["web-next"] for each in stands.past] == [13 - n for n in range(kept)]
    back = put(split_override.plan_back(snapshot(stands), SPLIT, Who("wu", "back", 15.0)), key_of(SPLIT))
    assert isinstance(back, Split) and back.past[0].shares == {"web": 86, "web-next": 14}


@pytest.mark.parametrize("state", ["drain", "maint"])
@pytest.mark.parametrize("by", ["li", "li@b1", ""])
def test_what_another_took_out_stays_out(tmp_path: Path, state: State, by: str) -> None:
    registry, agent = FakeRegistry(Override("web", "b1", state, None, by, "bad RAM")), agent_file(serves=WEB)
    said = f"web: {state} by {by or 'somebody'} stands (bad RAM)"
    assert do(registry, agent, "drain", [], tmp_path) == f"no change; {said}"
    with pytest.raises(BadInput) as caught:
        do(registry, agent, "ready", [], tmp_path)
    assert caught.value.message == said and "trimtab-agent ready --force --reason WHY" in caught.value.hint
    assert hand_of(registry, "hand/web/b1").by == by
    assert do(registry, agent, "ready", [], tmp_path, force=True) == "ready in web"


def test_the_maint_of_a_host_does_not_replace_the_drain_of_an_operator(tmp_path: Path) -> None:
    registry = FakeRegistry(Override("web", "b1", "drain", None, "li"))
    with pytest.raises(BadInput, match="drain by li stands"):
        do(registry, agent_file(serves=WEB), "maint", [], tmp_path)


def test_force_needs_a_reason_and_helps_no_split(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="--force needs a reason"):
        do(FakeRegistry(), agent_file(serves=WEB), "drain", [], tmp_path, force=True, reason="")


def test_a_host_that_serves_nothing_says_so(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="serves no pool"):
        do(FakeRegistry(), agent_file(), "drain", [], tmp_path)
    with pytest.raises(BadInput, match="nothing is expected"):
        do(FakeRegistry(A), agent_file(), "drain", ["api"], tmp_path)


def test_a_proxy_host_moves_the_splits_that_it_has(tmp_path: Path) -> None:
    proxy = ProxyFile(
        "haproxy", "haproxy.service", splits=(SplitFile("www", "web+web-next", {"web": 1, "web-next": 0}),)
    )
    agent, registry = agent_file(proxy=proxy), FakeRegistry()
    words = ["www/web+web-next", "web=9", "web-next=1"]
    assert do(registry, agent, "split", words, tmp_path) == "split www/web+web-next web=9 web-next=1"
    assert do(registry, agent, "split", words, tmp_path) == "no change"
    with pytest.raises(BadInput, match="web-next: no share is given") as caught:
        do(registry, agent, "split", ["www/web+web-next", "web=9"], tmp_path)
    assert "trimtab-agent split www/web+web-next web=9 web-next=0" in caught.value.hint
    with pytest.raises(BadInput, match="--force does not belong"):
        do(registry, agent, "split", words, tmp_path, force=True)
    with pytest.raises(BadInput, match="no split 'moon'"):
        do(registry, agent, "split", ["moon", "web=9"], tmp_path)


def test_a_split_has_the_name_of_its_service_where_that_has_one(tmp_path: Path) -> None:
    one = SplitFile("www", "web+web-next", {"web": 1, "web-next": 0})
    agent, registry = agent_file(proxy=ProxyFile("haproxy", "haproxy.service", splits=(one,))), FakeRegistry()
    do(registry, agent, "split", ["www", "web=9", "web-next=1"], tmp_path)
    assert json.loads(registry.records["splits/www/web+web-next"])["shares"] == {"web": 9, "web-next": 1}
    two = ProxyFile("haproxy", "haproxy.service", splits=(one, replace(one, name="a+b")))
    with pytest.raises(BadInput, match="www has 2 splits") as caught:
        do(registry, agent_file(proxy=two), "split", ["www", "web=1", "web-next=1"], tmp_path)
    assert "www/a+b, www/web+web-next" in caught.value.hint
    with pytest.raises(BadInput, match="is no proxy") as caught:
        do(registry, agent_file(), "split", ["www", "web=1", "web-next=1"], tmp_path)
    assert caught.value.hint == "splits are set on a proxy, or with `trimtab split`"
