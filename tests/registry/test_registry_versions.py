"""Records of a later version: said, kept, not written over, by either engine's way in."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncGenerator

import pytest

from trimtab import agent_config
from trimtab.errors import Outdated
from trimtab.ops.arbiter import records as arbiter
from trimtab.ops.health import record as health
from trimtab.ops.incidents import record as incidents
from trimtab.registry import codec
from trimtab.registry.base import Batch, Snapshot, Write
from trimtab.registry.fields import VERSION, BadRecord, NewerRecord, is_newer
from trimtab.registry.kept import Kept

NEWER = json.dumps({"v": VERSION + 1, "state": "elsewhere", "weight": {"eu": 3}}).encode()
DECODERS = (
    (codec.decode, "hand/api/hk-backend-1"),
    (codec.decode, "members/api/hk-backend-1"),
    (codec.decode, "splits/www/web+web-next"),
    (codec.decode, "proxies/hk-proxy-1"),
    (arbiter.decode, "gate"),
    (arbiter.decode, "freeze"),
    (arbiter.decode, "steer/hk"),
    (arbiter.decode, "decision/0000000001"),
    (health.decode, "view/hk/hk-registry-1"),
    (incidents.decode, "incident/0000000001"),
    (incidents.decode, "open/hk"),
)


@pytest.mark.parametrize(("decode", "key"), DECODERS, ids=[key for _, key in DECODERS])
def test_a_newer_record_is_told_from_a_bad_one(decode: object, key: str) -> None:
    assert callable(decode)
    with pytest.raises(
        NewerRecord, match=rf"{re.escape(key)}.*version {VERSION + 1}, at most {VERSION} is read here"
    ):
        decode(key, NEWER)


def test_a_record_without_a_version_is_of_the_first() -> None:
    value = b'{"state":"drain","by":"kim","reason":"disk","at":1.0}'
    assert codec.decode("hand/api/b1", value) == codec.decode("hand/api/b1", value[:-1] + b',"v":1}')


@pytest.mark.parametrize("version", ["2", 0, -1, True, None, 1.5])
def test_a_version_that_is_none_is_a_bad_record(version: object) -> None:
    with pytest.raises(BadRecord) as caught:
        codec.decode("alive/api/b1", json.dumps({"v": version}).encode())
    assert not isinstance(caught.value, NewerRecord)


@pytest.mark.parametrize(
    ("value", "newer"),
    [
        (NEWER, True),
        (b'{"v" : 9}', True),
        (b'{"v":1}', False),
        (b'{"reason":"say \\"v\\":9"}', False),
        (b'{"shares":{"v":9}}', False),
        (b'["v"]', False),
        (b'"v"', False),
        (b'{"v":9', False),
        (b'{"v":true}', False),
        (b"\xff\xfe" + '{"v":9}'.encode("utf-16-le"), False),
        (b"[" * 100_000 + b'"v"', False),
    ],
)
def test_which_values_are_newer(value: bytes, newer: bool) -> None:
    assert is_newer(value) is newer


class Paper:
    """A registry with a map, and one batch of changes."""

    def __init__(self, records: dict[str, bytes], changes: tuple[tuple[str, bytes | None], ...] = ()) -> None:
        self.records, self.changes, self.ended = records, changes, False

    async def read(self) -> Snapshot:
        return Snapshot(1, dict(self.records))

    async def watch(self, after: int) -> AsyncGenerator[Batch, None]:
        try:
            yield Batch(after + 1, self.changes)
            yield Batch(after + 2, ())
        finally:
            self.ended = True

    async def write(self, change: Write) -> int:
        self.records |= {**change.put, **change.leased}
        for key in change.delete:
            self.records.pop(key, None)
        return 2

    async def grant(self, ttl_s: float) -> int:
        return 7

    async def keep(self, lease: int) -> float:
        return 5.0

    async def close(self) -> None:
        self.ended = True


KEY = "hand/api/b1"


async def written(inner: Paper, change: Write) -> None:
    registry = Kept(inner)
    await registry.read()
    await registry.write(change)


@pytest.mark.parametrize(
    "change",
    [
        Write(put={KEY: b"{}"}),
        Write(leased={KEY: b"{}"}, lease=7),
        Write(delete=(KEY,)),
        Write(put={"alive/api/b1": b"{}", KEY: b"{}"}, equal={KEY: NEWER}),
    ],
    ids=["put", "leased", "delete", "with others"],
)
def test_what_is_newer_is_kept_and_the_whole_write_is_refused(change: Write) -> None:
    inner = Paper({KEY: NEWER})
    with pytest.raises(Outdated, match=f"{KEY} is a record of a later Trimtab") as caught:
        asyncio.run(written(inner, change))
    assert caught.value.hint == "upgrade Trimtab on this host"
    assert inner.records == {KEY: NEWER}


def test_what_is_not_newer_is_written() -> None:
    inner = Paper({KEY: NEWER, "hand/api/b2": b"{}"})
    asyncio.run(written(inner, Write(put={"hand/api/b2": b'{"state":"drain"}'})))
    assert inner.records["hand/api/b2"] == b'{"state":"drain"}'


def test_rows_of_the_past_get_old_whatever_stands_in_them() -> None:
    inner = Paper({"decision/0000000001": NEWER})
    asyncio.run(written(inner, Write(delete=("decision/0000000001",))))
    assert inner.records == {}


def test_a_watch_learns_of_newer_records_and_of_their_end() -> None:
    inner = Paper({}, ((KEY, NEWER), ("hand/api/b2", NEWER), ("hand/api/b2", None)))

    async def watch() -> None:
        registry = Kept(inner)
        await registry.read()
        watched = registry.watch(1)
        await anext(watched)
        with pytest.raises(Outdated):
            await registry.write(Write(put={KEY: b"{}"}))
        await registry.write(Write(put={"hand/api/b2": b"{}"}))
        assert isinstance(watched, AsyncGenerator)
        await watched.aclose()

    asyncio.run(watch())
    assert inner.ended  # the engine's own watch has ended with it


def test_whoever_writes_before_reading_reads_first() -> None:
    inner = Paper({KEY: NEWER})
    with pytest.raises(Outdated):
        asyncio.run(Kept(inner).write(Write(put={KEY: b"{}"})))
    assert inner.records == {KEY: NEWER}


def test_an_answer_that_was_overtaken_forgets_nothing() -> None:
    inner = Paper({}, ((KEY, NEWER),))

    async def overtaken() -> None:
        registry = Kept(inner)
        await registry.read()
        await anext(registry.watch(1))  # revision 2
        await registry.read()  # revision 1, from before
        await registry.write(Write(put={KEY: b"{}"}))

    with pytest.raises(Outdated):
        asyncio.run(overtaken())


def test_a_newer_incident_is_left_to_whom_it_is_of() -> None:
    pointer = incidents.encode(incidents.Open("hk", 3))
    assert incidents.is_later({"open/hk": NEWER}, "hk")
    assert incidents.is_later({"open/hk": pointer, "incident/0000000003": NEWER}, "hk")
    assert not incidents.is_later({"open/hk": pointer, "incident/0000000003": b"{}"}, "hk")
    assert not incidents.is_later({"open/hk": pointer}, "hk")
    assert not incidents.is_later({"open/la": NEWER}, "hk")


@pytest.mark.parametrize("written", [2, "1", True, 0])
def test_an_agent_file_of_a_later_form_names_what_to_do(written: object) -> None:
    text = json.dumps({"format": written, "host": "hk-proxy-1"})
    with pytest.raises(ValueError, match="at most 1 is read here: upgrade the agent of this host first"):
        agent_config.load(text)


def test_an_agent_file_with_a_key_of_tomorrow_names_what_to_do() -> None:
    with pytest.raises(ValueError, match="unknown tomorrow; if a later Trimtab wrote it, upgrade the agent"):
        agent_config.load('{"tomorrow": 1}')
