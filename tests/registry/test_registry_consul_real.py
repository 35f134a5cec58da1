"""What only Consul itself can show: tokens that see a part, servers that die, hang, lose their majority or their disks."""

from __future__ import annotations

import asyncio
import json
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.registry.consul_kit import Agent, Datacentre, consul_datacentre, policy
from tests.registry.registry_kit import eventually, first, follow, run

from trimtab.drivers.http import Limits
from trimtab.errors import Conflict, LeaseGone, Refused, Unreachable
from trimtab.registry.base import Write
from trimtab.registry.codec import encode
from trimtab.registry.consul import wire
from trimtab.registry.consul.client import Consul
from trimtab.registry.record import Alive, Claim, Member, key_of

pytestmark = [pytest.mark.daemon, pytest.mark.full]

PREFIX = "/trimtab/test"
ENDPOINT = Member("api", "b-1", "10.0.0.7", 8080, 7, 50, "1.2", ("eu",))
CLAIM = Claim("api", 7, "b-1")
SOME = {key_of(each): encode(each) for each in (ENDPOINT, CLAIM)}
ELECTION_S = (
    30.0  # until three servers that were killed have a leader again, on a machine that does other things
)


@pytest.fixture(scope="module")
def healthy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Datacentre]:
    with consul_datacentre(tmp_path_factory.mktemp("consul")) as found:
        yield found


@pytest.fixture
def mortal(tmp_path: Path) -> Iterator[Datacentre]:
    """For one test, which may break it."""
    with consul_datacentre(tmp_path) as found:
        yield found


@asynccontextmanager
async def client(found: Datacentre, *urls: str, **more: str) -> AsyncIterator[Consul]:
    made = Consul(found.access(*urls, **more))
    try:
        yield made
    finally:
        await made.close()


def play(test: Callable[[], Awaitable[None]], within: float = 60.0) -> None:
    async def main() -> None:
        await test()

    run(main(), within=within)


# ---- what a token may


@pytest.mark.parametrize(
    ("rules", "hidden"),
    [
        ("", 'key "trimtab/test/", node "trimtab-test", service ""'),
        ('key_prefix "" { policy = "write" }', 'node "trimtab-test", service ""'),
        (policy(PREFIX).replace("node ", "agent "), 'node "trimtab-test"'),
        (policy(PREFIX).replace("service_prefix", "agent_prefix"), 'service ""'),
    ],
)
def test_a_token_that_sees_a_part_is_refused_and_not_an_empty_registry(
    healthy: Datacentre, rules: str, hidden: str
) -> None:
    token = healthy.token(rules)

    async def test() -> None:
        async with client(healthy) as writer:
            await writer.write(Write(put=SOME))
        for urls in (healthy.urls, (healthy.client.url,)):
            async with client(healthy, *urls, password=token) as stranger:
                with pytest.raises(Refused, match="may not read") as caught:
                    await stranger.read()
                assert hidden in caught.value.message and "docs/agent.md" in caught.value.hint

    play(test)


def test_the_token_may_not_write_what_is_not_the_estate_s(healthy: Datacentre) -> None:
    async def test() -> None:
        async with client(healthy) as ours:
            other = Member("web", "b-1", "10.0.0.7", 8080, 7)
            with pytest.raises(Refused):
                await ours.write(Write(put={key_of(other): encode(other)}))
        token = healthy.access().password
        async with client(healthy, prefix="/trimtab/other", password=token) as stranger:
            for work in (stranger.write(Write(put=SOME)), stranger.grant(10), stranger.read()):
                with pytest.raises(Refused):
                    await work

    play(test)


def test_rights_that_are_lost_while_it_is_followed_are_no_empty_registry(mortal: Datacentre) -> None:
    secret = Path(mortal.access().password).read_text().strip()

    async def test() -> None:
        async with client(mortal) as ours:
            await ours.write(Write(put=SOME))
            start = await ours.read()
            task = asyncio.create_task(first(ours.watch(start.revision)))
            leader = await asyncio.to_thread(mortal.leader)
            _, own = await asyncio.to_thread(leader.ask, "GET", "/v1/acl/token/self", token=secret)
            _, made = await asyncio.to_thread(leader.ask, "PUT", "/v1/acl/policy", {"Name": "none"})
            changed = {**own, "Policies": [{"ID": made["ID"]}]}
            await asyncio.to_thread(leader.ask, "PUT", f"/v1/acl/token/{own['AccessorID']}", changed)
            with pytest.raises(Refused, match="may not read"):
                await task
            for urls in (mortal.urls, (mortal.client.url,)):  # an agent may not know yet: the leader is asked
                ours_too = Consul(mortal.access(*urls))
                ours_too._states = ours._states
                with pytest.raises(Refused, match="may not read"):
                    await ours_too.read()
                await ours_too.close()

    play(test)


def test_a_token_that_is_gone_is_refused(healthy: Datacentre, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("6f3d9a2e-0000-4000-8000-5d5b4c1f2e11\n")

    async def test() -> None:
        async with client(healthy, password=str(tmp_path / "token")) as stranger:
            for work in (stranger.read(), stranger.grant(10), stranger.write(Write(put=SOME))):
                with pytest.raises(Refused, match="ACL not found"):
                    await work

    play(test)


# ---- what others see of us, and we of them


def test_consul_itself_finds_our_members_and_an_operator_s_weight_is_followed(healthy: Datacentre) -> None:
    async def ask(method: str, path: str, body: Any = None) -> Any:
        status, said = await asyncio.to_thread(healthy.client.ask, method, path, body)
        assert status == 200, said
        return said

    async def test() -> None:
        async with client(healthy) as ours:
            await ours.write(Write(put=SOME))
            (seen,) = await ask("GET", "/v1/health/service/api?passing=true&tag=eu")
            assert (seen["Service"]["Address"], seen["Service"]["Port"]) == ("10.0.0.7", 8080)
            start = await ours.read()
            task = asyncio.create_task(first(ours.watch(start.revision)))
            weights = {"Passing": 9, "Warning": 9}
            service = {
                "ID": "api/b-1",
                "Service": "api",
                **{k: seen["Service"][k] for k in ("Address", "Port", "Tags", "Meta")},
            }
            body = {
                "Node": "trimtab-test",
                "SkipNodeUpdate": True,
                "Service": {**service, "Weights": weights},
            }
            await ask("PUT", "/v1/catalog/register", body)
            ((name, value),) = (await task).changes
            assert (name, json.loads(value or b"")["weight"]) == ("members/api/b-1", 9)

    play(test)


def test_what_consul_says_when_it_says_no(healthy: Datacentre) -> None:
    """Each reply as 1.8.7 gives it, as a server and through an agent: it is understood, whoever passes it on."""
    space, none = wire.Space(PREFIX), "6f3d9a2e-0000-4000-8000-5d5b4c1f2e11"
    lock = wire.key_step(space, "lock", "alive/api/b-1", Value="", Session=none)
    twice = [wire.key_step(space, "check-not-exists", wire.MARK)]
    stale = wire.service_step(space, "cas", key_of(ENDPOINT), encode(ENDPOINT), 1)
    asked: list[tuple[str, Any, type[Exception]]] = [
        ("/v1/txn", [lock], LeaseGone),
        (f"/v1/session/renew/{none}", None, LeaseGone),
        ("/v1/txn", twice, Conflict),
        ("/v1/txn", [stale], Conflict),
        ("/v1/txn", [wire.key_step(space, "set", wire.MARK, Value="")] * 65, Refused),
        ("/v1/session/create", wire.new_session(space, 5), Unreachable),  # 500, as much of what is no fault
        ("/v1/nonsense", None, Refused),
    ]

    async def seed() -> None:
        async with client(healthy) as ours:
            await ours.write(Write(put=SOME))

    play(seed)
    for agent in (healthy.follower(), healthy.client):
        for path, body, kind in asked:
            status, said = agent.ask("PUT", path, body)
            text = said if isinstance(said, str) else json.dumps(said)
            assert status != 200
            assert type(wire.fault_of(agent.url, status, text.encode())) is kind, (
                agent.name,
                path,
                status,
                text,
            )


# ---- servers that die


def alive(name: str) -> dict[str, bytes]:
    return {key_of(Alive("api", name)): encode(Alive("api", name))}


async def written(ours: Consul, records: dict[str, bytes]) -> None:
    """Some write during an election may have happened, and is done again: the same puts."""

    async def write() -> int:
        return await ours.write(Write(put=records))

    await eventually(write, lambda _: True, "it is written", ELECTION_S)


def test_of_three_servers_the_leader_dies(mortal: Datacentre) -> None:
    async def test() -> None:
        async with client(mortal) as ours, client(mortal, mortal.client.url) as through_agent:
            lease = await ours.grant(60)
            await ours.write(Write(put=SOME, leased=alive("b-1"), lease=lease))
            start = await ours.read()
            task = asyncio.create_task(follow(ours, start, lambda records: "alive/api/b-2" in records))
            (await asyncio.to_thread(mortal.leader)).kill()
            await written(through_agent, alive("b-2"))
            records, _, _ = await task
            assert records == {**SOME, **alive("b-1"), **alive("b-2")}
            assert await ours.keep(lease) == 60

    play(test)


def test_without_a_majority_nothing_is_served_and_with_it_everything_is_there(mortal: Datacentre) -> None:
    async def test() -> None:
        async with client(mortal) as ours, client(mortal, mortal.client.url) as through_agent:
            await ours.write(Write(put=SOME))
            start = await ours.read()
            for server in mortal.servers[:2]:
                server.kill()
            begun = time.monotonic()
            with pytest.raises(Unreachable):
                while time.monotonic() - begun < ELECTION_S:
                    await first(ours.watch(start.revision))
            for each in (ours, through_agent):
                with pytest.raises(Unreachable):
                    await each.read()
                with pytest.raises(Unreachable):
                    await each.write(Write(put=alive("lost")))
            for server in mortal.servers[:2]:
                server.start()
            await written(ours, alive("b-2"))
            records, _, _ = await follow(ours, start, lambda records: "alive/api/b-2" in records)
            assert records.items() >= {**SOME, **alive("b-2")}.items()

    play(test, within=120)


def test_a_server_that_hangs_is_left(mortal: Datacentre) -> None:
    """The client is with a follower, which is stopped with its sockets open."""
    hanging = mortal.follower()

    async def test() -> None:
        urls = (hanging.url, *(url for url in mortal.urls if url != hanging.url))
        async with client(mortal, *urls) as ours, client(mortal, *urls[1:]) as writer:
            start = await ours.read()
            task = asyncio.create_task(follow(ours, start, lambda records: len(records) > 0))
            hanging.signal(signal.SIGSTOP)
            try:
                await written(writer, SOME)
                records, _, _ = await task
            finally:
                hanging.signal(signal.SIGCONT)
            assert records == SOME

    play(test)


def test_a_consul_that_was_made_anew_is_empty_and_says_so(mortal: Datacentre) -> None:
    secret = Path(mortal.access().password).read_text().strip()

    def anew() -> None:
        for agent in mortal.all:
            agent.kill()
            agent.forget()
        for agent in mortal.all:
            agent.start()
        mortal.ready()

    async def test() -> None:
        async with client(mortal) as ours:
            await ours.write(Write(put=SOME))
            start = await ours.read()
            await asyncio.to_thread(anew)
            with pytest.raises(Refused, match="ACL not found"):  # its token went with the rest
                await ours.read()
            await asyncio.to_thread(mortal.token, policy(PREFIX), secret)
            batch = await first(ours.watch(start.revision))
            assert dict(batch.changes) == dict.fromkeys(SOME)
            await ours.write(Write(put=SOME, absent=(key_of(CLAIM),)))
            assert dict((await first(ours.watch(batch.revision))).changes) == SOME

    play(test, within=120)


# ---- leases


def test_a_lease_outlives_the_server_that_granted_it_and_ends_by_its_time(mortal: Datacentre) -> None:
    async def test() -> None:
        granter: Agent = await asyncio.to_thread(mortal.follower)
        async with client(mortal, granter.url) as one, client(mortal) as ours:
            lease = await one.grant(10)
            await one.write(Write(put=SOME, leased=alive("b-1"), lease=lease))
            granter.kill()
            assert await ours.keep(lease) == 10
            await eventually(ours.read, lambda found: "alive/api/b-1" not in found.records, "it ends", 40)
            with pytest.raises(LeaseGone):
                await ours.keep(lease)
            assert dict((await ours.read()).records) == SOME

    play(test, within=90)


def test_the_driver_s_own_limits_are_the_ones_of_production() -> None:
    assert Limits().answer_s < 7  # a server without a leader holds a question for 7 s before it says so
