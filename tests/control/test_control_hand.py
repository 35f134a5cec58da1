"""The operator's hand: what is planned from a snapshot, what is refused with the figures, and what a host does to itself."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest

from trimtab.control import hand, own_hand
from trimtab.control.hand import Who, seats
from trimtab.drivers.registry.base import Batch, Snapshot, Write
from trimtab.drivers.registry.record import Alive, Claim, Hand, Member, Record, Split, decode, encode, key_of
from trimtab.errors import BadInput, Conflict
from trimtab.render.agent_file import AgentFile, ProxyFile, SplitFile

WHO = Who("li", "a test", 1.0)
A, B = (Member("api", f"b{n}", f"10.0.0.{n}", 8080, n) for n in (1, 2))
SPLIT = Split("www", "web+web-next", {"web": 100, "web-next": 0})


def snapshot(*records: Record) -> Snapshot:
    return Snapshot(7, {key_of(record): encode(record) for record in records})


def put(write: Write | None, key: str) -> Record:
    assert write is not None
    return decode(key, write.put[key])


def test_seats_join_registration_hand_and_word() -> None:
    found = seats(snapshot(A, B, Alive("api", "b1"), Hand("api", "b2", "drain")), "api")
    assert [(s.name, s.weight, s.health) for s in found] == [("b1", 100, "passing"), ("b2", 0, "unknown")]


def test_members_of_the_file_have_seats_too() -> None:
    assert [s.name for s in seats(snapshot(Hand("web", "h1", weight=7)), "web", ["h1", "h2"])] == ["h1", "h2"]
    assert seats(snapshot(Hand("web", "h1", weight=7)), "web", ["h1"])[0].weight == 7


@pytest.mark.parametrize(
    ("state", "weight", "left"), [("drain", None, 0), ("maint", None, 0), ("ready", 20, 20)]
)
def test_a_hand_is_written_once_and_only_over_what_was_read(
    state: str, weight: int | None, left: int
) -> None:
    before = snapshot(A, B)
    write = hand.plan_hand(before, seats(before, "api"), "b1", state, weight, WHO)  # type: ignore[arg-type]
    found = put(write, "hand/api/b1")
    assert isinstance(found, Hand) and (found.by, found.reason) == ("li", "a test")
    assert write is not None and write.absent == ("hand/api/b1",)
    after = snapshot(A, B, found)
    assert seats(after, "api")[0].weight == left
    assert hand.plan_hand(after, seats(after, "api"), "b1", state, weight, WHO) is None  # type: ignore[arg-type]
    again = hand.plan_hand(after, seats(after, "api"), "b1", "ready", None, WHO)
    assert again is not None and again.equal == {"hand/api/b1": encode(found)}


@pytest.mark.parametrize(
    ("name", "state", "weight", "says"),
    [
        ("b9", "drain", None, "no member 'b9'"),
        ("b1", "ready", 900, "weight 900"),
        ("b1", "drain", None, "nobody left"),
    ],
)
def test_a_hand_that_cannot_be_is_refused(name: str, state: str, weight: int | None, says: str) -> None:
    now = snapshot(A, B, Hand("api", "b2", "maint"))
    with pytest.raises(BadInput, match=says):
        hand.plan_hand(now, seats(now, "api"), name, state, weight, WHO)  # type: ignore[arg-type]


def test_a_split_moves_and_goes_back() -> None:
    write = hand.plan_split(snapshot(), SPLIT, {"web": 95, "web-next": 5}, "cookie", WHO)
    moved = put(write, "splits/www/web+web-next")
    assert isinstance(moved, Split)
    assert (moved.shares, moved.by, moved.before) == ({"web": 95, "web-next": 5}, "cookie", SPLIT.shares)
    now = snapshot(moved)
    assert hand.plan_split(now, SPLIT, {"web": 95, "web-next": 5}, None, WHO) is None
    back = put(hand.plan_back(now, SPLIT, WHO), "splits/www/web+web-next")
    assert isinstance(back, Split) and (back.shares, back.before) == (SPLIT.shares, moved.shares)


def test_blue_green_and_instant_back() -> None:
    green = put(hand.plan_split(snapshot(), SPLIT, {"web-next": 1}, None, WHO), key_of(SPLIT))
    assert isinstance(green, Split) and green.shares == {"web": 0, "web-next": 1}
    assert hand.plan_back(snapshot(green), SPLIT, WHO) is not None


@pytest.mark.parametrize(
    ("shares", "says"),
    [({"web": 0, "web-next": 0}, "shares of nothing"), ({"moon": 1}, "'moon' is not in this split")],
)
def test_a_split_that_cannot_be_is_refused(shares: Mapping[str, int], says: str) -> None:
    with pytest.raises(BadInput, match=says):
        hand.plan_split(snapshot(), SPLIT, shares, None, WHO)


def test_back_where_nobody_has_changed_anything_is_nothing_to_do() -> None:
    assert hand.plan_back(snapshot(), SPLIT, WHO) is None


def test_another_way_to_divide_leaves_the_way_back() -> None:
    canary = put(hand.plan_split(snapshot(), SPLIT, {"web": 95, "web-next": 5}, None, WHO), key_of(SPLIT))
    by_cookie = put(
        hand.plan_split(snapshot(canary), SPLIT, {"web": 95, "web-next": 5}, "cookie", WHO), key_of(SPLIT)
    )
    back = put(hand.plan_back(snapshot(by_cookie), SPLIT, WHO), key_of(SPLIT))
    assert isinstance(back, Split) and (back.shares, back.by) == (SPLIT.shares, "cookie")


@pytest.mark.parametrize(
    "reason", ["roll out 5%", "wegen \u00fcberlast", "CORP\\li said so", 'the "other" one']
)
def test_a_reason_is_what_people_write(reason: str) -> None:
    now = snapshot(A, B)
    assert (
        hand.plan_hand(now, seats(now, "api"), "b1", "drain", None, Who("CORP\\li", reason, 1.0)) is not None
    )


def test_a_reason_that_no_agent_would_read_is_refused_here() -> None:
    now = snapshot(A, B)
    for reason in ("x" * 201, "a\x1b[2Jb"):
        with pytest.raises(BadInput, match="reason"):
            hand.plan_hand(now, seats(now, "api"), "b1", "drain", None, Who("li", reason, 1.0))


def test_a_split_of_other_pools_than_the_estates_does_not_count() -> None:
    stale = Split("www", "web+web-next", {"web": 1, "gone": 9})
    assert hand.current_split(snapshot(stale), SPLIT) is SPLIT


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
    assert hand.canary_shares(declared, percent, pool) == found


@pytest.mark.parametrize("declared", [{"a": 50, "b": 50}, {"a": 1, "b": 2, "c": 3}])
def test_which_one_the_canary_is_has_to_be_clear(declared: dict[str, int]) -> None:
    with pytest.raises(BadInput, match="which of"):
        hand.canary_shares(declared, 5, None)
    with pytest.raises(BadInput, match="not in this split"):
        hand.canary_shares(declared, 5, "moon")


def test_registering_takes_the_lowest_number_and_keeps_it() -> None:
    write = hand.plan_register(snapshot(A, Claim("api", 1, "b1")), "api", "b7", "10.0.0.7", 80, 100, "v1", ())
    assert write is not None and write.absent == ("ids/api/2",)
    new = put(write, "members/api/b7")
    assert isinstance(new, Member) and new.id == 2
    now = snapshot(A, Claim("api", 1, "b1"), new, Claim("api", 2, "b7"))
    assert hand.plan_register(now, "api", "b7", "10.0.0.7", 80, 100, "v1", ()) is None
    changed = hand.plan_register(now, "api", "b7", "10.0.0.7", 80, 50, "v2", ())
    assert changed is not None and changed.absent == ()
    gone = hand.plan_deregister(now, "api", "b7")
    assert gone.delete == ("members/api/b7", "ids/api/2")


@pytest.mark.parametrize("address", ["127.0.0.1", "host.example", "0.0.0.0", "10.0.0.1; shutdown"])
def test_an_address_that_no_agent_would_take_is_refused(address: str) -> None:
    with pytest.raises(BadInput, match="address"):
        hand.plan_register(snapshot(), "api", "b7", address, 80, 100, "", ())


@pytest.mark.parametrize(
    "words", [["web"], ["web=x"], ["web=1", "web=2"], ["web=-1"], ["web=9999999"], ["=5"]]
)
def test_shares_that_cannot_be_read(words: list[str]) -> None:
    with pytest.raises(BadInput):
        found = hand.read_shares(words)
        hand.plan_split(snapshot(), SPLIT, found, None, WHO)


class FakeRegistry:
    """A map; `rivals` other writers come first."""

    def __init__(self, *records: Record, rivals: int = 0) -> None:
        self.records = dict(snapshot(*records).records)
        self.rivals = rivals

    async def read(self) -> Snapshot:
        return Snapshot(1, dict(self.records))

    def watch(self, after: int) -> AsyncIterator[Batch]:
        raise NotImplementedError

    async def write(self, change: Write) -> int:
        if self.rivals:
            self.rivals -= 1
            raise Conflict("somebody else was first")
        self.records.update(change.put)
        return 2

    async def grant(self, ttl_s: float) -> int:
        raise NotImplementedError

    async def keep(self, lease: int) -> float:
        raise NotImplementedError

    async def close(self) -> None:
        """Nothing is open."""


def agent_file(**parts: object) -> AgentFile:
    return AgentFile("b1", "hk", "shop", "10.0.0.1", 8407, "systemd", **parts)  # type: ignore[arg-type]


def do(registry: FakeRegistry, agent: AgentFile, what: str, words: list[str], folder: Path) -> str:
    return asyncio.run(own_hand.do(registry, agent, what, words, "a test", "li", folder))


def test_a_host_drains_itself_everywhere_and_comes_back(tmp_path: Path) -> None:
    (tmp_path / "api.json").write_text(json.dumps({"pool": "api", "port": 8080}))
    (tmp_path / "broken.json").write_text("{")
    registry, agent = FakeRegistry(A, B, rivals=2), agent_file(serves={"web": 2})
    assert do(registry, agent, "drain", [], tmp_path) == "drain in api, web"
    assert {"hand/api/b1", "hand/web/b1"} <= set(registry.records)
    assert do(registry, agent, "drain", [], tmp_path) == "is so already"
    assert do(registry, agent, "ready", [], tmp_path) == "ready in api, web"


def test_the_last_registered_member_stays(tmp_path: Path) -> None:
    (tmp_path / "api.json").write_text(json.dumps({"pool": "api", "port": 8080}))
    with pytest.raises(BadInput, match="nobody left"):
        do(FakeRegistry(A), agent_file(), "drain", [], tmp_path)


def test_the_last_member_of_the_file_stays(tmp_path: Path) -> None:
    registry, agent = FakeRegistry(Hand("web", "b2", "maint")), agent_file(serves={"web": 2})
    with pytest.raises(BadInput, match="nobody left: b1 is the last of 2"):
        do(registry, agent, "drain", [], tmp_path)


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
    assert do(registry, agent, "split", words, tmp_path) == "is so already"
    with pytest.raises(BadInput, match="no split 'www'"):
        do(registry, agent, "split", ["www", "web=9"], tmp_path)
