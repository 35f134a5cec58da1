"""What every engine of the registry has to do, asked of each: a real etcd, three real servers of Consul, directly and
through a client agent, and the stand-in for Consul, so that it stays one.

A third engine adds one entry to SITES and nothing else.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from tests.registry.consul_kit import Datacentre, consul_datacentre
from tests.registry.consul_stand_in import ConsulStandIn
from tests.registry.registry_kit import (
    DEADLINE_S,
    Member,
    access,
    etcd_cluster,
    eventually,
    first,
    follow,
    free_port,
    run,
)

from trimtab.agent_config import RegistryAccess
from trimtab.errors import BadInput, Compacted, Conflict, LeaseGone, Outdated, Unreachable
from trimtab.registry.base import Registry, Snapshot, Write
from trimtab.registry.codec import encode
from trimtab.registry.consul.client import Consul
from trimtab.registry.etcd.client import Etcd
from trimtab.registry.kept import Kept
from trimtab.registry.record import Alive, Claim, HostState, Override, Record, Split, key_of
from trimtab.registry.record import Member as Endpoint

_NUMBERS = itertools.count()
LONGEST_S = 120.0  # each site has a deadline of its own


@dataclass
class Site:
    """A registry for one test. ttl_s: of its shortest lease; deadline_s: until what hung on it is gone for certain.

    access: what a client of these URLs with this prefix has to know.
    """

    url: str
    engine: str
    connect: Callable[..., Registry]
    ttl_s: float
    access: Callable[..., RegistryAccess] = access
    deadline_s: float = DEADLINE_S
    prefix: str = field(default_factory=lambda: f"/trimtab/test-{next(_NUMBERS)}")

    def client(self, *urls: str, prefix: str = "") -> Registry:
        found = self.access(*(urls or (self.url,)), prefix=prefix or self.prefix, engine=self.engine)
        return self.connect(found)


@pytest.fixture(scope="module")
def etcd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Member]:
    with etcd_cluster(tmp_path_factory.mktemp("etcd"), 1) as (member,):
        yield member


@pytest.fixture(scope="module")
def datacentre(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Datacentre]:
    with consul_datacentre(tmp_path_factory.mktemp("consul")) as found:
        yield found


Stack = AsyncExitStack
Find = Callable[[str], object]


async def _etcd(find: Find, stack: Stack) -> Site:
    member = find("etcd")
    assert isinstance(member, Member)
    return Site(member.url, "etcd", Etcd, 1)


async def _stand_in(find: Find, stack: Stack) -> Site:
    """A twentieth of its time."""
    consul = await stack.enter_async_context(ConsulStandIn(scale=0.05))
    return Site(consul.url, "consul", _consul, 10)


async def _servers(find: Find, stack: Stack) -> Site:
    return _real(find, follower=True)


async def _agent(find: Find, stack: Stack) -> Site:
    return _real(find, follower=False)


def _real(find: Find, follower: bool) -> Site:
    """A session lasts 10 s at least, and Consul may let it live as long again (its documentation: "Sessions")."""
    found = find("datacentre")
    assert isinstance(found, Datacentre)
    url = found.follower().url if follower else found.client.url
    return Site(url, "consul", _consul, 10, found.access, deadline_s=2 * 10 + DEADLINE_S)


def _consul(access: RegistryAccess) -> Consul:
    return Consul(access, wait_s=0.5)


REAL = (pytest.mark.daemon, pytest.mark.full)
# Name → the site, and the daemons that it needs.
SITES: Mapping[str, tuple[Callable[[Find, Stack], Awaitable[Site]], str]] = {
    "etcd": (_etcd, "etcd"),
    "consul-stand-in": (_stand_in, ""),
    "consul-server": (_servers, "datacentre"),
    "consul-agent": (_agent, "datacentre"),
}
MARKS = {"etcd": (pytest.mark.daemon,), "consul-server": REAL, "consul-agent": REAL}


@pytest.fixture(params=[pytest.param(name, marks=MARKS.get(name, ())) for name in SITES])
def check(request: pytest.FixtureRequest) -> Callable[[Callable[[Site, Registry], Awaitable[None]]], None]:
    """Runs a test against the engine: its site, and a client of it that is closed afterwards."""
    made, daemon = SITES[request.param]
    if daemon:
        request.getfixturevalue(daemon)

    async def main(test: Callable[[Site, Registry], Awaitable[None]]) -> None:
        async with AsyncExitStack() as stack:
            found = await made(request.getfixturevalue, stack)
            client = found.client()
            stack.push_async_callback(client.close)
            async with asyncio.timeout(found.deadline_s):
                await test(found, client)

    return lambda test: run(main(test), within=LONGEST_S)


Check = Callable[[Callable[[Site, Registry], Awaitable[None]]], None]


def endpoint(name: str = "b-1", **more: object) -> Endpoint:
    values: dict[str, object] = {"address": "10.0.0.7", "port": 8080, "id": 7, **more}
    return Endpoint("api", name, **values)  # type: ignore[arg-type]


def puts(*records: Record) -> dict[str, bytes]:
    return {key_of(record): encode(record) for record in records}


def test_an_empty_registry_is_read_as_empty(check: Check) -> None:
    async def test(site: Site, client: Registry) -> None:
        assert dict((await client.read()).records) == {}

    check(test)


def test_every_kind_of_record_comes_back_as_it_was_written(check: Check) -> None:
    async def test(site: Site, client: Registry) -> None:
        written = puts(
            endpoint(weight=0, tags=("eu", "canary"), version="1.2.3 (stable)"),
            endpoint("b-2.lan", address="2001:db8::7", id=65535, weight=256),
            Alive("api", "b-1", "failing"),
            Override("api", "b-1", "drain", 0, "ops", "kernel update", 1.5),
            Claim("api", 7, "b-1"),
            Split(
                "shop", "front+back", {"api": 90, "api-next": 10}, "cookie", {"api": 1}, "ops", "canary", 2.0
            ),
            HostState("hk-proxy-1", {"haproxy.service": "running"}, 3.0),
        )
        await client.write(Write(put=written))
        assert dict((await client.read()).records) == written

    check(test)


def test_a_later_write_has_a_higher_revision_and_a_read_is_at_least_there(check: Check) -> None:
    async def test(site: Site, client: Registry) -> None:
        one = await client.write(Write(put=puts(endpoint())))
        two = await client.write(Write(put=puts(Alive("api", "b-1"))))
        three = await client.write(Write(delete=("members/api/b-1",)))
        found = await client.read()
        assert one < two < three <= found.revision
        assert list(found.records) == ["alive/api/b-1"]

    check(test)


def test_deleting_what_is_not_there_is_no_error(check: Check) -> None:
    async def test(site: Site, client: Registry) -> None:
        await client.write(Write(delete=("members/api/b-1", "hand/api/b-1")))
        assert dict((await client.read()).records) == {}

    check(test)


def test_two_estates_in_one_registry_do_not_see_each_other(check: Check) -> None:
    async def test(site: Site, client: Registry) -> None:
        neighbour = site.client(prefix=site.prefix + "0")  # one begins with the other
        await client.write(Write(put=puts(endpoint(), Alive("api", "b-1"))))
        await neighbour.write(Write(put=puts(endpoint("n-1"), Override("api", "n-1"))))
        assert sorted((await client.read()).records) == ["alive/api/b-1", "members/api/b-1"]
        assert sorted((await neighbour.read()).records) == ["hand/api/n-1", "members/api/n-1"]
        await neighbour.close()

    check(test)


# ---- conditions


@pytest.mark.parametrize("taken", [Claim("api", 7, "b-2"), endpoint()])
def test_what_has_to_be_absent_is_a_conflict_when_it_is_there_and_nothing_is_written(
    check: Check, taken: Record
) -> None:
    async def test(site: Site, client: Registry) -> None:
        change = Write(put={**puts(taken), **puts(Override("api", "b-1"))}, absent=(key_of(taken),))
        await client.write(change)
        before = await client.read()
        with pytest.raises(Conflict):
            await client.write(Write(put={**change.put, **puts(Alive("api", "b-9"))}, absent=change.absent))
        assert (await client.read()).records == before.records

    check(test)


@pytest.mark.parametrize(
    ("old", "new"), [(Claim("api", 7, "b-1"), Claim("api", 7, "b-2")), (endpoint(), endpoint(weight=3))]
)
def test_what_has_to_be_equal_is_a_conflict_when_it_is_not(check: Check, old: Record, new: Record) -> None:
    async def test(site: Site, client: Registry) -> None:
        was, becomes = puts(old), puts(new)
        with pytest.raises(Conflict):  # not there at all
            await client.write(Write(put=becomes, equal=was))
        await client.write(Write(put=was))
        await client.write(Write(put=becomes, equal=was))
        with pytest.raises(Conflict):
            await client.write(Write(put=was, equal=was))
        with pytest.raises(Conflict):
            await client.write(Write(delete=tuple(was), equal=was))
        with pytest.raises(Conflict):  # a condition on a key that the write does not touch
            await client.write(Write(put=puts(Override("api", "b-1")), equal=was))
        assert (await client.read()).records == becomes
        await client.write(Write(put=puts(Override("api", "b-1")), equal=becomes))
        await client.write(Write(delete=tuple(becomes), equal=becomes))
        assert list((await client.read()).records) == ["hand/api/b-1"]

    check(test)


def test_a_record_of_a_later_version_is_kept_by_whoever_knows_only_this_one(check: Check) -> None:
    async def test(site: Site, client: Registry) -> None:
        newer = b'{"state":"elsewhere","v":2}'
        await client.write(Write(put={"hand/api/b-1": newer}))
        older = Kept(site.client())
        hand = Override("api", "b-1", "drain")
        try:
            with pytest.raises(Outdated, match="hand/api/b-1 is a record of a later Trimtab"):
                await older.write(Write(put=puts(hand)))
            with pytest.raises(Outdated):
                await older.write(Write(delete=(key_of(hand),), put=puts(Override("api", "b-2", "drain"))))
            assert dict((await client.read()).records) == {"hand/api/b-1": newer}
            await client.write(Write(put=puts(hand)))  # whoever knows it has put it back
            watched = older.watch((await older.read()).revision)
            await older.write(Write(delete=(key_of(hand),)))
            assert (await anext(watched)).changes == ((key_of(hand), None),)
        finally:
            await older.close()

    check(test)


def test_of_two_that_want_the_same_number_one_gets_it(check: Check) -> None:
    async def test(site: Site, client: Registry) -> None:
        claims = [Write(put=puts(Claim("api", 7, f"b-{n}")), absent=("ids/api/7",)) for n in range(8)]
        found = await asyncio.gather(*(client.write(claim) for claim in claims), return_exceptions=True)
        assert sorted(type(each).__name__ for each in found) == ["Conflict"] * 7 + ["int"]

    check(test)


# ---- leases


def test_what_hangs_on_a_lease_ends_with_it_and_the_rest_stays(check: Check) -> None:
    async def test(site: Site, client: Registry) -> None:
        lease = await client.grant(site.ttl_s)
        await client.write(Write(put=puts(endpoint()), leased=puts(Alive("api", "b-1")), lease=lease))
        found = await client.read()
        assert sorted(found.records) == ["alive/api/b-1", "members/api/b-1"]
        batch = await first(client.watch(found.revision))
        assert batch.changes == (("alive/api/b-1", None),)
        assert list((await client.read()).records) == ["members/api/b-1"]
        with pytest.raises(LeaseGone):
            await client.keep(lease)
        with pytest.raises(LeaseGone):
            await client.write(Write(leased=puts(Alive("api", "b-1")), lease=lease))

    check(test)


def test_a_lease_that_is_kept_does_not_end(check: Check) -> None:
    async def test(site: Site, client: Registry) -> None:
        kept, other = await client.grant(site.ttl_s), await client.grant(site.ttl_s)
        await client.write(Write(leased=puts(Alive("api", "kept")), lease=kept))
        await client.write(Write(leased=puts(Alive("api", "other")), lease=other))

        async def keep_and_read() -> Snapshot:
            assert await client.keep(kept) >= site.ttl_s
            return await client.read()

        found = await eventually(
            keep_and_read, lambda s: len(s.records) < 2, "the other lease ends", site.deadline_s
        )
        assert list(found.records) == ["alive/api/kept"]

    check(test)


def test_what_is_written_again_with_another_lease_or_with_none_no_longer_ends_with_the_old_one(
    check: Check,
) -> None:
    """An endpoint that was restarted comes back before its old lease has ended."""

    async def test(site: Site, client: Registry) -> None:
        old = await client.grant(site.ttl_s)
        three = [Alive("api", f"b-{n}") for n in range(3)]
        await client.write(Write(leased=puts(*three), lease=old))
        new = await client.grant(site.ttl_s * 20)
        await client.write(Write(leased=puts(Alive("api", "b-1", "failing")), lease=new))
        await client.write(Write(put=puts(Alive("api", "b-2"))))
        found = await eventually(
            client.read, lambda s: len(s.records) < 3, "the old lease ends", site.deadline_s
        )
        assert found.records == puts(Alive("api", "b-1", "failing"), Alive("api", "b-2"))

    check(test)


@pytest.mark.parametrize("lease", [0, 0x5EED])
def test_a_lease_that_never_was(check: Check, lease: int) -> None:
    async def test(site: Site, client: Registry) -> None:
        with pytest.raises(LeaseGone):
            await client.write(Write(put=puts(endpoint()), leased=puts(Alive("api", "b-1")), lease=lease))
        with pytest.raises(LeaseGone):
            await client.keep(lease)
        assert dict((await client.read()).records) == {}

    check(test)


# ---- watching


def test_a_watch_gives_each_change_after_the_read_and_none_from_before(check: Check) -> None:
    async def test(site: Site, client: Registry) -> None:
        await client.write(Write(put=puts(endpoint("old"))))
        start = await client.read()
        writer = site.client()

        async def work() -> None:
            for n in range(6):
                await writer.write(Write(put=puts(endpoint("b-1", id=n + 1), Claim("api", n + 1, "b-1"))))
            await writer.write(
                Write(put=puts(Override("api", "b-1")), delete=("members/api/old", "ids/api/3"))
            )

        task = asyncio.create_task(work())
        records, batches, breaks = await follow(client, start, lambda records: "hand/api/b-1" in records)
        await task
        assert breaks == []
        assert records == (await client.read()).records
        revisions = [batch.revision for batch in batches]
        assert revisions == sorted(set(revisions)) and revisions[0] > start.revision
        assert ("members/api/old", puts(endpoint("old"))["members/api/old"]) not in batches[0].changes
        await writer.close()

    check(test)


def test_one_transaction_is_one_batch(check: Check) -> None:
    async def test(site: Site, client: Registry) -> None:
        start = await client.read()
        written = puts(endpoint(), Claim("api", 7, "b-1"), Alive("api", "b-1"))
        task = asyncio.create_task(first(client.watch(start.revision)))
        revision = await client.write(Write(put=written))
        batch = await task
        assert dict(batch.changes) == written and batch.revision >= revision

    check(test)


def test_a_watch_that_was_left_is_taken_up_where_it_was(check: Check) -> None:
    async def test(site: Site, client: Registry) -> None:
        start = await client.read()
        await client.write(Write(put=puts(endpoint("b-1"))))
        batch = await first(client.watch(start.revision))
        await client.write(Write(put=puts(endpoint("b-2")), delete=("members/api/b-1",)))
        batch = await first(client.watch(batch.revision))
        assert dict(batch.changes) == {**puts(endpoint("b-2")), "members/api/b-1": None}

    check(test)


def test_a_revision_of_the_future_is_a_registry_that_was_made_anew(check: Check) -> None:
    async def test(site: Site, client: Registry) -> None:
        start = await client.read()
        with pytest.raises(Compacted):
            await first(client.watch(start.revision + 1000))

    check(test)


def test_several_watches_at_once(check: Check) -> None:
    async def test(site: Site, client: Registry) -> None:
        start = await client.read()
        tasks = [asyncio.create_task(first(client.watch(start.revision))) for _ in range(4)]
        await client.write(Write(put=puts(endpoint())))
        assert {dict(batch.changes) == puts(endpoint()) for batch in await asyncio.gather(*tasks)} == {True}

    check(test)


# ---- endpoints


def test_a_dead_endpoint_is_passed_over(check: Check) -> None:
    async def test(site: Site, client: Registry) -> None:
        half_dead = site.client(f"http://127.0.0.1:{free_port()}", site.url)
        await half_dead.write(Write(put=puts(Claim("api", 7, "b-1")), absent=("ids/api/7",)))
        start = await half_dead.read()
        await client.write(Write(delete=("ids/api/7",)))
        assert (await first(half_dead.watch(start.revision))).changes == (("ids/api/7", None),)
        await half_dead.close()

    check(test)


def test_nobody_answers(check: Check) -> None:
    async def test(site: Site, client: Registry) -> None:
        nobody = site.client(*(f"http://127.0.0.1:{free_port()}" for _ in range(2)))
        calls: Mapping[str, Callable[[], Awaitable[object]]] = {
            "read": nobody.read,
            "write": lambda: nobody.write(Write(put=puts(endpoint()))),
            "grant": lambda: nobody.grant(10),
            "keep": lambda: nobody.keep(7),
        }
        for call in calls.values():
            with pytest.raises(Unreachable):
                await call()

    check(test)


@pytest.mark.parametrize(
    "url", ["http://10.0.0.1", "ftp://10.0.0.1:21", "http://10.0.0.1:80/x", "10.0.0.1:2379"]
)
def test_an_endpoint_that_is_none(check: Check, url: str) -> None:
    async def test(site: Site, client: Registry) -> None:
        with pytest.raises(BadInput, match=r"expected http://HOST:PORT"):
            site.client(url)

    check(test)


def test_no_endpoint_and_files_that_are_not_there(check: Check, tmp_path: Path) -> None:
    async def test(site: Site, client: Registry) -> None:
        with pytest.raises(BadInput, match="no endpoint"):
            site.connect(access(engine=site.engine))
        with pytest.raises(BadInput, match="is not there"):
            site.connect(access("https://10.0.0.1:1", engine=site.engine, ca=str(tmp_path / "none.pem")))
        with pytest.raises(BadInput, match="together"):
            site.connect(access("https://10.0.0.1:1", engine=site.engine, certificate="/x"))

    check(test)
