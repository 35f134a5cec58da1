"""etcd as a registry, one real process: pages, compaction, a killed member, a registry that was made anew."""

from __future__ import annotations

import asyncio
import itertools
import json
import shutil
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from tests.registry.registry_kit import (
    Member,
    access,
    answer,
    etcd_cluster,
    eventually,
    first,
    follow,
    run,
    serving,
)

from trimtab.drivers.http import Limits
from trimtab.errors import Compacted, InvalidResponse, Refused, Unreachable
from trimtab.registry.base import Write
from trimtab.registry.etcd import wire
from trimtab.registry.etcd.client import Etcd
from trimtab.registry.etcd.watch import Pulse

pytestmark = pytest.mark.daemon
QUICK = Pulse(0.3, 0.3)
_NUMBERS = itertools.count()


@pytest.fixture(scope="module")
def etcd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Member]:
    with etcd_cluster(tmp_path_factory.mktemp("etcd"), 1) as (member,):
        yield member


@pytest.fixture
def client(etcd: Member) -> Etcd:
    return Etcd(access(etcd.url, prefix=f"/trimtab/test-{next(_NUMBERS)}"), pulse=QUICK, page=7)


def some(count: int, value: bytes) -> dict[str, bytes]:
    return {f"hand/api/b-{n:03}": value for n in range(count)}


# ---- reading


def test_many_pages_are_one_read(client: Etcd) -> None:
    async def test() -> None:
        await client.write(Write(put=some(100, b"1")))
        assert (await client.read()).records == some(100, b"1")
        await client.write(Write(delete=tuple(some(100, b"1"))[:93]))
        assert len((await client.read()).records) == 7  # exactly one page

    run(test())


def test_pages_are_of_one_revision_while_somebody_writes(client: Etcd) -> None:
    async def test() -> None:
        writing = asyncio.create_task(_write_on(client, 100))
        await eventually(client.read, lambda found: len(found.records) == 100, "the first write")
        seen = set()
        for _ in range(10):
            values = set((await client.read()).records.values())
            assert len(values) == 1
            seen |= values
        writing.cancel()
        with suppress(asyncio.CancelledError):
            await writing
        assert len(seen) > 1

    run(test())


async def _write_on(client: Etcd, count: int) -> None:
    for n in itertools.count():
        await client.write(Write(put=some(count, b"%d" % n)))


def test_a_page_that_fails_fails_the_read(etcd: Member, client: Etcd) -> None:
    """The first page is the real one, the second one never comes."""

    async def test() -> None:
        await client.write(Write(put=some(20, b"1")))
        pages = itertools.count()

        def page(path: str, body: bytes) -> bytes:
            if next(pages):
                return answer('{"error":"etcdserver: request timed out","message":"x","code":14}', 503)
            return answer(_forwarded(etcd, path, body))

        async with serving(page) as url:
            broken = Etcd(access(url, prefix=client._space.begin.decode()[:-1]), page=7)
            with pytest.raises(Unreachable):
                await broken.read()

    run(test())


def _forwarded(etcd: Member, path: str, body: bytes) -> str:
    return json.dumps(etcd.post(path, json.loads(body)))


def test_history_that_goes_away_between_two_pages_fails_the_read(etcd: Member, client: Etcd) -> None:
    async def test() -> None:
        await client.write(Write(put=some(20, b"1")))
        pages = itertools.count()

        def page(path: str, body: bytes) -> bytes:
            if not next(pages):
                return answer(_forwarded(etcd, path, body))
            return answer(
                '{"message":"etcdserver: mvcc: required revision has been compacted","code":11}', 400
            )

        async with serving(page) as url:
            broken = Etcd(access(url, prefix=client._space.begin.decode()[:-1]), page=7)
            with pytest.raises(Unreachable, match="changed under the read"):
                await broken.read()

    run(test())


# ---- watching


def test_a_watch_whose_past_was_thrown_away_ends_with_compacted(etcd: Member, client: Etcd) -> None:
    async def test() -> None:
        start = await client.read()
        await client.write(Write(put=some(1, b"1")))
        batch = await first(client.watch(start.revision))
        for value in (b"2", b"3", b"4"):
            last = await client.write(Write(put=some(1, value)))
        etcd.post("/v3/kv/compaction", {"revision": str(last)})
        with pytest.raises(Compacted):
            await first(client.watch(batch.revision))
        task = asyncio.create_task(first(client.watch((await client.read()).revision)))
        await client.write(Write(put=some(1, b"5")))
        assert dict((await task).changes) == some(1, b"5")

    run(test())


def test_a_member_that_is_killed_and_comes_back_loses_nothing_for_who_watches(
    etcd: Member, client: Etcd
) -> None:
    async def test() -> None:
        start = await client.read()
        following = asyncio.create_task(
            follow(client, start, lambda records: records.get("hand/api/last") == b"1")
        )
        for n in range(5):
            await client.write(Write(put={"hand/api/b-1": b"before %d" % n}))
        etcd.kill()
        await asyncio.sleep(0)
        etcd.start()
        for n in range(5):
            change = Write(put={"hand/api/b-1": b"after %d" % n})
            await eventually(lambda change=change: client.write(change), lambda _: True, "etcd is back")  # type: ignore[misc]
        await client.write(Write(put={"hand/api/last": b"1"}))
        records, batches, breaks = await following
        values = [value for batch in batches for name, value in batch.changes if name == "hand/api/b-1"]
        assert values == [b"before %d" % n for n in range(5)] + [b"after %d" % n for n in range(5)]
        assert breaks and records == (await client.read()).records

    run(test())


def test_a_member_that_hangs_is_noticed(etcd: Member, client: Etcd) -> None:
    async def test() -> None:
        patient = Etcd(access(etcd.url, prefix="/trimtab/hang"))  # with the times of production
        batches = patient.watch((await patient.read()).revision)
        await patient.write(Write(put=some(1, b"1")))
        await anext(batches)
        task = asyncio.ensure_future(anext(batches))
        etcd.signal(signal.SIGSTOP)
        try:
            with pytest.raises(Unreachable, match="given up"):
                await asyncio.wait_for(task, 30)
        finally:
            etcd.signal(signal.SIGCONT)

    run(test())


@pytest.mark.parametrize("writes", [0, 40])
def test_a_registry_that_was_made_anew_is_read_again(tmp_path: Path, writes: int) -> None:
    """At the same address, with the same cluster: wiped, and after that below the revision that was read or beyond."""

    async def test(member: Member) -> None:
        client = Etcd(access(member.url), pulse=QUICK)
        for n in range(20):
            await client.write(Write(put={"hand/api/b-1": b"%d" % n}))
        start = await client.read()
        member.kill()
        shutil.rmtree(member.folder / member.name)
        member.start()
        other = Etcd(access(member.url))
        await eventually(other.read, lambda found: found.revision < start.revision, "etcd is back")
        for n in range(writes):
            await other.write(Write(put={"hand/api/b-1": b"another %d" % n}))
        with pytest.raises(Compacted):
            await first(client.watch(start.revision))
        found = await client.read()
        assert len(found.records) == (1 if writes else 0)
        task = asyncio.create_task(first(client.watch(found.revision)))
        await other.write(Write(put={"hand/api/b-2": b"1"}))
        assert (await task).changes == (("hand/api/b-2", b"1"),)

    with etcd_cluster(tmp_path, 1) as (member,):
        run(test(member))


def test_a_key_that_is_no_text_is_no_reason_to_begin_anew_for_ever(etcd: Member, client: Etcd) -> None:
    async def test() -> None:
        odd = {"key": wire.text(client._space.begin + b"hand/\xff"), "value": wire.text(b"{}")}
        await client.write(Write(put=some(1, b"1")))
        etcd.post("/v3/kv/put", odd)
        start = await client.read()
        assert sorted(start.records) == ["hand/\\xff", "hand/api/b-000"]
        batches = client.watch(start.revision)
        etcd.post("/v3/kv/put", odd)
        batch = await anext(batches)
        await batches.aclose()  # type: ignore[attr-defined]
        assert batch.changes == (("hand/\\xff", b"{}"),)
        await client.write(Write(put=some(1, b"2")))
        assert dict((await first(client.watch(batch.revision))).changes) == some(1, b"2")

    run(test())


# ---- leases


def test_etcd_lengthens_a_lease_that_is_too_short(client: Etcd) -> None:
    async def test() -> None:
        assert await client.keep(await client.grant(0.1)) >= 1
        assert await client.keep(await client.grant(7.2)) == 8

    run(test())


# ---- limits


def test_more_in_one_transaction_than_etcd_takes_is_refused_and_nothing_happens(client: Etcd) -> None:
    async def test() -> None:
        with pytest.raises(Refused, match="too many operations"):
            await client.write(Write(put=some(200, b"1")))
        assert (await client.read()).records == {}

    run(test())


def test_an_answer_that_is_larger_than_the_limit_is_nonsense(etcd: Member) -> None:
    async def test() -> None:
        await Etcd(access(etcd.url, prefix="/trimtab/large")).write(Write(put=some(50, b"x" * 50)))
        client = Etcd(access(etcd.url, prefix="/trimtab/large"), limits=Limits(max_body=2000))
        with pytest.raises(InvalidResponse, match="more than 2000 bytes"):
            await client.read()

    run(test())
