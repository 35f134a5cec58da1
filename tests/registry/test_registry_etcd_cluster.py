"""Three real etcd members: one is killed, one hangs, two are gone."""

from __future__ import annotations

import asyncio
import itertools
import signal
from collections.abc import Iterator

import pytest
from tests.registry.registry_kit import Member, access, etcd_cluster, eventually, follow, run

from trimtab.drivers.http import Limits
from trimtab.errors import Unreachable
from trimtab.registry.base import Snapshot, Write
from trimtab.registry.etcd.client import Etcd
from trimtab.registry.etcd.watch import Pulse

pytestmark = pytest.mark.daemon
QUICK = Pulse(0.3, 0.3)
_NUMBERS = itertools.count()
SOME = {"hand/api/b-1": b"1"}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Member]]:
    with etcd_cluster(tmp_path_factory.mktemp("etcd"), 3) as members:
        yield members


@pytest.fixture
def members(running: list[Member]) -> Iterator[list[Member]]:
    """All three, in good health again after each test."""
    yield running
    for member in running:
        member.signal(signal.SIGCONT)
        if member.process is None or member.process.poll() is not None:
            member.start()
    for member in running:
        member.ready()


def client_of(members: list[Member], *, first: int = 0) -> Etcd:
    """first: who is asked first."""
    urls = [member.url for member in (*members[first:], *members[:first])]
    limits = Limits(answer_s=0.8)  # an election is over in 0.2 s here
    return Etcd(access(*urls, prefix=f"/trimtab/test-{next(_NUMBERS)}"), limits=limits, pulse=QUICK)


async def write(client: Etcd, change: Write) -> int:
    """An election may be under way."""
    return await eventually(lambda: client.write(change), lambda _: True, "a write")


@pytest.mark.parametrize("victim", [0, 1, 2])
def test_with_one_of_three_killed_the_others_serve_and_who_watches_loses_nothing(
    members: list[Member], victim: int
) -> None:
    """One of the three is the leader."""

    async def test() -> None:
        client = client_of(members, first=victim)
        start = await client.read()
        following = asyncio.create_task(
            follow(client, start, lambda records: records.get("hand/api/last") == b"1")
        )
        for n in range(3):
            await write(client, Write(put={"hand/api/b-1": b"%d" % n}))
        members[victim].kill()
        for n in range(3, 6):
            await write(client, Write(put={"hand/api/b-1": b"%d" % n}))
        await write(client, Write(put={"hand/api/last": b"1"}))
        records, batches, _ = await following
        values = [value for batch in batches for name, value in batch.changes if name == "hand/api/b-1"]
        assert sorted(set(values)) == [b"%d" % n for n in range(6)]
        assert records == (await client.read()).records

    run(test())


def test_a_member_that_hangs_is_left_for_another(members: list[Member]) -> None:
    async def test() -> None:
        client = client_of(members)
        await client.write(Write(put=SOME))
        start = await client.read()
        batches = client.watch(start.revision)
        await client.write(Write(put={"hand/api/b-2": b"1"}))
        batch = await anext(batches)
        members[0].signal(signal.SIGSTOP)
        with pytest.raises(Unreachable, match="given up"):
            await asyncio.wait_for(anext(batches), 30)
        await write(client, Write(put={"hand/api/last": b"1"}))
        records, _, breaks = await follow(client, Snapshot(batch.revision, {}), lambda records: bool(records))
        assert records == {"hand/api/last": b"1"} and breaks == []
        assert (
            str(client._gateway.peers._order[0].address) != members[0].url
        )  # it is not asked first any more

    run(test())


def test_a_minority_reads_nothing_writes_nothing_and_ends_its_watches(members: list[Member]) -> None:
    async def test() -> None:
        client = client_of(members)
        await write(client, Write(put=SOME))
        start = await client.read()
        batches = client.watch(start.revision)
        await write(client, Write(put={"hand/api/b-2": b"1"}))
        await anext(batches)
        for member in members[1:]:
            member.kill()
        with pytest.raises(Unreachable):
            await anext(batches)
        with pytest.raises(Unreachable):
            await client.read()
        with pytest.raises(Unreachable):
            await client.write(Write(put=SOME))
        for member in members[1:]:
            member.start()
        found = await eventually(client.read, lambda found: bool(found.records), "they are back")
        assert found.records == {**SOME, "hand/api/b-2": b"1"}

    run(test())
