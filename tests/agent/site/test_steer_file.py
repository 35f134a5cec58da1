"""What is written is what is read; anything else is refused."""

from __future__ import annotations

import asyncio
import contextlib
import json
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.agent.steer_kit import A6, OURS, A, B, conf_of

from trimtab.agent.site.steer_file import Disk, Steered, memory, read, remembered, text
from trimtab.ops.steering.wish import STEPS, Committed, Doing, Orders, PermitRef

NEUTRAL = (ip_network("0.0.0.0/32"), ip_network("::/128"))

v4 = st.builds(
    lambda n, bits: IPv4Network((n, bits), strict=False), st.integers(0, 2**32 - 1), st.integers(0, 32)
)
v6 = st.builds(
    lambda n, bits: IPv6Network((n, bits), strict=False), st.integers(0, 2**128 - 1), st.integers(0, 128)
)
prefixes = st.lists((v4 | v6).filter(lambda each: each not in NEUTRAL), max_size=8)


def test_the_text() -> None:
    assert conf_of("serve").splitlines()[1:5] == [
        "define PREFER_AWAY4 = [ 0.0.0.0/32 ];",
        "define WITHDRAWN4 = [ 0.0.0.0/32 ];",
        "define PREFER_AWAY6 = [ ::/128 ];",
        "define WITHDRAWN6 = [ ::/128 ];",
    ]
    lines = text(Steered((A6, A, B, A), ())).splitlines()
    assert lines[1] == "define PREFER_AWAY4 = [ 192.88.9.0/24, 198.18.1.0/24 ];"
    assert lines[3] == "define PREFER_AWAY6 = [ 2001:db8:1::/48 ];"
    assert len(lines) == 5


def test_what_bird_is_asked_of_the_sets() -> None:
    assert Steered((A, A6), ()).members((A, A6)) == {
        (A, "PREFER_AWAY4"): True,
        (A, "WITHDRAWN4"): False,
        (A6, "PREFER_AWAY6"): True,
        (A6, "WITHDRAWN6"): False,
    }


@given(prefixes, prefixes)
def test_there_and_back(one: list[Any], other: list[Any]) -> None:
    steered = Steered(tuple(one), tuple(each for each in other if each not in one))
    assert read(text(steered)) == steered
    assert text(steered) == text(Steered(tuple(reversed(one)), steered.withdrawn)), "whatever their order"


@given(st.sampled_from(STEPS), st.data())
def test_a_file_that_was_changed_anywhere_is_refused_or_another_one(step: Any, data: st.DataObject) -> None:
    """With a digit changed it may be that of another prefix."""
    content = conf_of(step)
    at = data.draw(st.integers(0, len(content) - 1))
    put = data.draw(st.characters())
    changed = content[:at] + put + content[at + data.draw(st.booleans()) :]
    with contextlib.suppress(ValueError):
        assert text(read(changed)) == changed
        assert changed == content or put in "0123456789abcdef"


@pytest.mark.parametrize(
    "content",
    [
        "",
        "garbage",
        conf_of("prefer") * 2,
        conf_of("prefer") + 'protocol static x { ipv4; route 0.0.0.0/0 via "lo"; }\n',
        conf_of("prefer").replace("198.18.1.0/24", "198.18.1.0/24+"),
        conf_of("prefer").replace("198.18.1.0/24", "198.18.1.7/24"),
        conf_of("prefer").replace("[ 192", "[192"),
        conf_of("serve").replace("[ ::/128 ]", "[ ]"),
        conf_of("serve").replace("\n", "\r\n"),
        conf_of("serve").rstrip("\n"),
        conf_of("serve").partition("define WITHDRAWN6")[0],
        "x" * (1 << 20) + conf_of("serve"),
    ],
)
def test_anything_else_is_refused(content: str) -> None:
    with pytest.raises(ValueError):
        read(content)


@pytest.mark.parametrize("bad", [((A,), (A,)), ((NEUTRAL[0],), ()), ((), (NEUTRAL[1],))])
def test_what_cannot_be_said(bad: tuple[Any, Any]) -> None:
    with pytest.raises(ValueError):
        Steered(*bad)


# ---- the memory

COMMITTED = Committed("a", "withdraw", "ann", 'the "works"\n', 1e9, "p0")
DOING = Doing("a", "prefer", "p1", 3, 30.0)
ALL = Orders(COMMITTED, DOING, (PermitRef("p1", "drain", "a", 60.0),), 123.456)


@pytest.mark.parametrize("orders", [ALL, Orders(None, None, (), 0.0), Orders(COMMITTED, None, (), 5.0)])
def test_a_successor_knows_what_its_predecessor_knew(orders: Orders) -> None:
    assert remembered(json.loads(memory(orders, "boot-1")), "boot-1") == orders


@pytest.mark.parametrize(("written", "reads"), [("boot-1", "boot-2"), ("", ""), ("boot-1", "")])
def test_after_a_boot_only_the_committed_word_is_left(written: str, reads: str) -> None:
    assert remembered(json.loads(memory(ALL, written)), reads) == Orders(COMMITTED, None, (), ALL.heard)


def spoilt(**more: Any) -> dict[str, Any]:
    return {**json.loads(memory(ALL, "b")), **more}


DOES = json.loads(memory(ALL, "b"))["doing"]


@pytest.mark.parametrize(
    "saved",
    [
        None, [], "x", 3, {},
        spoilt(version=2),
        spoilt(committed={}),
        spoilt(committed=[]),
        spoilt(committed={"site": "a", "step": "explode", "by": "", "reason": "", "at": 0, "permit": ""}),
        spoilt(doing={**DOES, "token": "7"}),
        spoilt(doing={**DOES, "token": True}),
        spoilt(doing={**DOES, "ttl_s": float("inf")}),
        spoilt(doing={**DOES, "ttl_s": 10**400}),
        spoilt(doing={**DOES, "more": 1}),
        spoilt(doing={**DOES, "site": None}),
        spoilt(permits=None),
        spoilt(permits=[7]),
        spoilt(heard=None),
        spoilt(heard=True),
    ],
)  # fmt: skip
def test_a_memory_that_cannot_be_one_is_refused(saved: Any) -> None:
    with pytest.raises(ValueError):
        remembered(saved, "b")


def test_what_the_disk_has_is_written_once(tmp_path: Path) -> None:
    disk = Disk(tmp_path, "boot-1")
    path = tmp_path / "steered.json"

    def written(orders: Orders) -> bool:
        before = path.stat().st_ino if path.exists() else 0
        asyncio.run(disk.remember(orders))
        return path.stat().st_ino != before

    def at(heard: float) -> Orders:
        return Orders(COMMITTED, DOING, ALL.permits, heard)

    assert written(at(100.0)) and not written(at(100.0))
    assert not written(at(107.5)), "a quarter of its time has not passed"
    assert written(at(107.6)) and disk.saved() == at(107.6)
    assert written(at(90.0)), "time that went back is kept as it is"
    assert written(Orders(COMMITTED, None, (), 90.0)) and not written(Orders(COMMITTED, None, (), 9999.0))
    path.write_text("{")
    assert disk.saved() is None and written(Orders(None, None, (), 1.0))


def test_a_file_that_bird_cannot_read_is_put_right_and_another_one_stays(tmp_path: Path) -> None:
    disk = Disk(tmp_path / "new", "b")
    for there, then in ((None, "serve"), ("garbage", "serve"), (conf_of("withdraw"), "withdraw")):
        if there is not None:
            disk.conf.write_text(there)
        asyncio.run(disk.keep())
        assert disk.conf.read_text() == (text(Steered()) if then == "serve" else there)


def test_all_of_ours_are_meant() -> None:
    assert read(conf_of("withdraw")).withdrawn == (B, A, A6)
    assert Steered.of("serve", OURS) == Steered()
