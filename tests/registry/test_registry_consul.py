"""Consul's replies as 1.8.7 gave them (`recorded/consul/replies.json`: what was asked, status, reply), and its stand-in
where the two halves of a snapshot move or an answer is odd.

What every engine has to do is in `test_registry_contract.py`, what only real servers show in `_consul_real.py`.
"""

from __future__ import annotations

import asyncio
import itertools
import json
from base64 import b64encode
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import pytest
from tests.registry.consul_stand_in import ConsulStandIn
from tests.registry.registry_kit import access, answer, eventually, first, follow, run, serving

from trimtab.drivers.http import Limits
from trimtab.errors import Compacted, Conflict, DriverError, InvalidResponse, LeaseGone, Refused, Unreachable
from trimtab.registry.base import Write
from trimtab.registry.codec import decode, encode
from trimtab.registry.consul import rights, wire
from trimtab.registry.consul.client import Consul
from trimtab.registry.consul.steps import difference, steps_of
from trimtab.registry.consul.wire import Half, Space
from trimtab.registry.record import Alive, Claim, Member, Override, key_of


class Recorded(NamedTuple):
    status: int
    said: Any


FILE = Path(__file__).parent / "recorded" / "consul" / "replies.json"
RECORDED = {each["what"]: Recorded(each["status"], each["said"]) for each in json.loads(FILE.read_text())}
SPACE = Space("/trimtab/test")
NOTHING = Half(0, {}, {})
ENDPOINT = Member("api", "b-1", "10.0.0.7", 8080, 7, 50, "1.2", ("eu",))
SOME = {key_of(ENDPOINT): encode(ENDPOINT)}
INDEX = "X-Consul-Index: 7\r\n"
LIMITS = Limits(connect_s=0.5, answer_s=0.3, whole_s=1, max_body=100_000)


def client_of(*urls: str, wait_s: float = 0.5, **more: str) -> Consul:
    return Consul(access(*urls, engine="consul", **more), wait_s=wait_s)


# ---- what is sent


def test_where_an_estate_lies() -> None:
    assert SPACE.folder == "trimtab/test/"  # `/v1/kv//trimtab` would be redirected
    assert SPACE.node == "trimtab-test"
    assert SPACE.keys() == "/v1/kv/trimtab/test/?recurse=true&"
    assert SPACE.services() == "/v1/catalog/node/trimtab-test"


def test_a_member_is_a_service_that_others_can_use() -> None:
    steps = steps_of(SPACE, Write(put=SOME), "", NOTHING, "mark")
    assert steps == [
        {"Node": {"Verb": "set", "Node": {"Node": "trimtab-test", "Address": "127.0.0.1"}}},
        {
            "Service": {
                "Verb": "set",
                "Node": "trimtab-test",
                "Service": {
                    "ID": "api/b-1",
                    "Service": "api",
                    "ModifyIndex": 0,
                    "Address": "10.0.0.7",
                    "Port": 8080,
                    "Tags": ["eu"],
                    "Weights": {"Passing": 50, "Warning": 50},
                    "Meta": {"trimtab": "trimtab/test/", "id": "7", "version": "1.2"},
                },
            }
        },
        {"KV": {"Verb": "set", "Key": "trimtab/test/.revision", "Value": "bWFyaw=="}},
    ]


def test_conditions_come_first_and_a_key_leaves_its_session() -> None:
    change = Write(
        put={"ids/api/7": b"x"},
        delete=("hand/api/b-1",),
        leased={"alive/api/b-1": b"y"},
        lease=1,
        absent=("ids/api/7",),
        equal={"hand/api/b-1": b"z"},
    )
    steps = steps_of(SPACE, change, "S", Half(0, {"hand/api/b-1": b"z"}, {"hand/api/b-1": 12}), "mark")
    verbs = [(step["KV"]["Verb"], step["KV"]["Key"].removeprefix(SPACE.folder)) for step in steps]
    assert verbs == [
        ("check-not-exists", "ids/api/7"),
        ("check-index", "hand/api/b-1"),
        ("delete", "hand/api/b-1"),
        ("delete", "ids/api/7"),
        ("delete", "alive/api/b-1"),
        ("set", "ids/api/7"),
        ("lock", "alive/api/b-1"),
        ("set", ".revision"),
    ]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (Write(leased=SOME, lease=1), "does not hang on a session"),
        (Write(put={"members/api/b-1": b"{}"}), "Consul keeps members as services"),
        (Write(absent=("members/api/b-1",)), "only while it registers it"),
        (
            Write(put={f"hand/api/b-{n}": b"{}" for n in range(40)}),
            "81 steps in one transaction: Consul takes 64",
        ),
    ],
)
def test_what_consul_cannot_do_is_refused(change: Write, reason: str) -> None:
    with pytest.raises(Refused, match=reason):
        steps_of(SPACE, change, "session", NOTHING, "mark")


# ---- what a reply says


def test_services_as_they_were_recorded() -> None:
    """`GET /v1/catalog/node/:node_name`: two of ours, one of weight 0, and one of somebody else."""
    spare = Member("api", "b-2", "10.0.0.8", 8080, 8, 0)
    found = wire.services_of(SPACE, 40, RECORDED["services"].said)
    assert found.records == {**SOME, key_of(spare): encode(spare)}
    assert set(found.stamps.values()) == {20}
    for hidden in ("no node yet", "services hidden"):  # the same words: only the rights tell them apart
        assert wire.services_of(SPACE, 40, RECORDED[hidden].said) == Half(40, {}, {})


def test_who_may_not_see_all_is_told_from_an_empty_registry() -> None:
    assert [(each["Resource"], each["Segment"]) for each in rights.rights(SPACE)] == [
        ("key", "trimtab/test/"), ("node", "trimtab-test"), ("service", ""),
    ]  # fmt: skip
    assert rights.missing_rights(RECORDED["may all"].said) == []
    assert rights.missing_rights(RECORDED["may a part"].said) == ['node "trimtab-test"', 'service ""']
    assert rights.missing_rights([{"Resource": "key", "Allow": 1}]) == ['key ""']
    assert rights.no_such_question(401, b"ACL support disabled") and rights.no_such_question(404, b"")
    assert not rights.no_such_question(403, b"ACL not found")


@pytest.mark.parametrize("weight", [0, 1, 256])
def test_a_weight_comes_back_although_consul_knows_no_zero(weight: int) -> None:
    member = Member("api", "b-1", "10.0.0.7", 8080, 7, weight)
    sent = wire.service_step(SPACE, "set", key_of(member), encode(member))["Service"]["Service"]
    assert sent["Weights"]["Passing"] >= 1
    found = wire.services_of(SPACE, 1, {"Services": {"x": sent}})
    assert decode(key_of(member), found.records[key_of(member)]) == member


def test_a_weight_that_an_operator_set_in_consul_counts_as_far_as_ours_reach() -> None:
    sent = wire.service_step(SPACE, "set", key_of(ENDPOINT), encode(ENDPOINT))["Service"]["Service"]
    for set_, read in ((9, 9), (65_535, 256)):
        service = {**sent, "Weights": {"Passing": set_, "Warning": 1}}
        record = wire.services_of(SPACE, 1, {"Services": {"x": service}}).records[key_of(ENDPOINT)]
        assert json.loads(record)["weight"] == read


def test_what_somebody_else_registers_as_ours_is_judged_by_the_record() -> None:
    bad = {
        "ID": "weird",
        "Service": "API",
        "Meta": {"trimtab": "trimtab/test/", "id": "x" * 500},
        "Address": "; rm",
    }
    found = wire.services_of(SPACE, 1, {"Services": {"weird": bad}})
    assert list(found.records) == ["members/API/weird"]
    with pytest.raises(ValueError, match="members/API/weird"):
        decode("members/API/weird", found.records["members/API/weird"])


def test_keys_as_they_were_recorded() -> None:
    found = wire.keys_of(SPACE, 22, RECORDED["keys"].said)
    assert found.records == {"alive/api/b-1": b"{}", "hand/api/b-1": b"{}"}
    assert found.stamps == {"alive/api/b-1": 22, "hand/api/b-1": 20}


def test_what_was_written_and_what_was_renewed_as_recorded() -> None:
    written = [wire.written_of(SPACE, RECORDED[what].said) for what in ("written", "locked")]
    assert written == [20, 22]
    assert wire.seconds_of(RECORDED["renewed"].said) == 90


def test_keys_that_are_none_of_the_registry_s() -> None:
    value = b64encode(b"{}").decode()
    common = {"CreateIndex": 100, "LockIndex": 0, "Flags": 0, "Value": value}
    held = {"LockIndex": 1, "Session": "adf4238a-882b-9ddc-4a9d-5b6758e4159e"}
    pairs = [
        {**common, **held, "Key": "trimtab/test/alive/api/b-1", "ModifyIndex": 200},
        {**common, "Key": "trimtab/test/hand/api/b-1", "ModifyIndex": 201, "Value": None},
        {**common, "Key": "trimtab/test/.revision", "ModifyIndex": 202},
        {**common, "Key": "trimtab/test/members/api/b-1", "ModifyIndex": 203},
        {**common, "Key": "trimtab/test/", "ModifyIndex": 204, "Value": None},
    ]
    found = wire.keys_of(SPACE, 204, pairs)
    assert found.records == {"alive/api/b-1": b"{}", "hand/api/b-1": b""}
    assert found.stamps == {"alive/api/b-1": 200, "hand/api/b-1": 201}


@pytest.mark.parametrize(
    "work",
    [
        lambda: wire.reply_of(b"<html>"),
        lambda: wire.reply_of(b"[" * 5000),
        lambda: wire.services_of(SPACE, 1, []),
        lambda: wire.services_of(SPACE, 1, {"Services": [1]}),
        lambda: wire.services_of(SPACE, 1, {"Services": {"x": 1}}),
        lambda: wire.services_of(SPACE, 1, {"Services": {"x": {"Meta": 1}}}),
        lambda: wire.keys_of(SPACE, 1, {}),
        lambda: wire.keys_of(SPACE, 1, [{"Key": "other/x"}]),
        lambda: wire.keys_of(SPACE, 1, [{"Key": "trimtab/test/x", "Value": "%"}]),
        lambda: wire.keys_of(SPACE, 1, [{"Key": "trimtab/test/x", "Value": 7}]),
        lambda: wire.keys_of(SPACE, 1, [{"Key": "trimtab/test/x", "ModifyIndex": "1"}]),
        lambda: wire.written_of(SPACE, {"Results": []}),
        lambda: wire.written_of(SPACE, {"Results": None}),
        lambda: wire.seconds_of([]),
        lambda: wire.seconds_of([{"TTL": ""}]),
        lambda: wire.index_of({}),
        lambda: wire.index_of({"x-consul-index": "-1"}),
    ],
)
def test_a_reply_that_is_none(work: Any) -> None:
    with pytest.raises(InvalidResponse):
        work()


def test_an_index_below_one_would_not_block() -> None:
    assert wire.index_of({"x-consul-index": "0"}) == 1


@pytest.mark.parametrize(("ttl", "seconds"), [("10s", 10), ("1m30s", 90), ("1h0m0s", 3600), ("500ms", 0.5)])
def test_a_duration(ttl: str, seconds: float) -> None:
    assert wire.seconds_of([{"TTL": ttl}]) == seconds


QUIET = ("no keys yet", "gets of what is not there")  # answers, although their status is none of success
NO: dict[str, type[DriverError]] = {
    "key exists": Conflict,
    "key has changed": Conflict,
    "service has changed": Conflict,
    "service has changed and is not deleted": Conflict,
    "locked by another": Conflict,
    "no node in a transaction": Conflict,
    "no such session": LeaseGone,
    "no such session to renew": LeaseGone,
    "may not write": Refused,
    "no session allowed": Refused,
    "no such token": Refused,
    "too many steps": Refused,
    "no such question": Refused,
    "too short": Unreachable,  # 500 is much; what we ask for is never too short
    "no node registered": Unreachable,
    "no leader": Unreachable,
    "no leader, through an agent": Unreachable,
}


def test_each_recorded_no_is_understood() -> None:
    said_no = {what: each for what, each in RECORDED.items() if each.status != 200 and what not in QUIET}
    assert said_no.keys() == NO.keys()
    for what, each in said_no.items():
        text = each.said if isinstance(each.said, str) else json.dumps(each.said)
        assert type(wire.fault_of("https://10.0.0.1:8501", each.status, text.encode())) is NO[what], what


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (403, "Permission denied: token lacks permission", Refused),
        (401, "", Refused),
        (400, "Failed to parse body", Refused),
        (429, "Your IP is issuing too many concurrent connections", Unreachable),
        (500, "rpc error: Permission denied", Refused),
        (503, "", Unreachable),
        (301, "", InvalidResponse),
    ],
)
def test_what_other_releases_and_what_stands_before_them_say(
    status: int, body: str, kind: type[DriverError]
) -> None:
    found = wire.fault_of("http://10.0.0.1:8500", status, body.encode())
    assert type(found) is kind and "http://10.0.0.1:8500" in found.message


def test_what_differs_between_two_states() -> None:
    old, new = {"a": b"1", "b": b"2", "c": b"3"}, {"b": b"2", "c": b"4", "d": b"5"}
    assert difference(old, new) == (("a", None), ("c", b"4"), ("d", b"5"))
    assert difference(new, new) == ()


# ---- on the stand-in


def test_services_that_move_while_the_keys_are_read_are_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """The writer moves a member and its number at once; no snapshot may have the one without the other."""

    monkeypatch.setattr(
        "trimtab.registry.consul.client.PAUSE_S", 0.0
    )  # who writes on for ever is not waited for

    async def write_on(client: Consul) -> None:
        for n in itertools.count(1):
            member = Member("api", "b-1", "10.0.0.7", 8080, n)
            await client.write(Write(put={key_of(member): encode(member), "hand/api/b-1": b"%d" % n}))
            await asyncio.sleep(0.003)  # about as long as a read: some are disturbed, some are not

    async def test() -> None:
        async with ConsulStandIn() as consul:
            client, writer = client_of(consul.url), client_of(consul.url)
            writing = asyncio.create_task(write_on(writer))
            await eventually(client.read, lambda found: len(found.records) == 2, "the first write")
            seen = set()
            for _ in range(20):
                try:
                    records = (await client.read()).records
                except Unreachable as error:
                    assert "times while the keys were read" in error.message
                    continue
                number = json.loads(records["members/api/b-1"])["id"]
                assert number == int(records["hand/api/b-1"])
                seen.add(number)
            writing.cancel()
            await asyncio.gather(writing, return_exceptions=True)
            assert len(seen) > 1

    run(test())


def test_an_index_that_goes_backwards_loses_nothing() -> None:
    async def test() -> None:
        async with ConsulStandIn() as consul:
            client, writer = client_of(consul.url, wait_s=0.1), client_of(consul.url)
            await writer.write(Write(put={**SOME, "hand/api/b-1": b"{}"}))
            start = await client.read()
            batches = client.watch(start.revision)
            await consul.set_back()
            gone = await anext(batches)
            assert gone.changes == (("hand/api/b-1", None), ("members/api/b-1", None))
            await writer.write(Write(put={"hand/api/b-2": b"{}"}))
            came = await anext(batches)
            assert came.changes == (("hand/api/b-2", b"{}"),)
            assert start.revision < gone.revision < came.revision
            await consul.reap()
            await writer.write(Write(delete=("hand/api/b-2",)))
            assert (await anext(batches)).changes == (("hand/api/b-2", None),)
            await batches.aclose()

    run(test())


def test_a_reply_without_a_change_is_no_batch_and_no_load() -> None:
    async def test() -> None:
        async with ConsulStandIn() as consul:
            client = client_of(consul.url, wait_s=0.3)
            await client.write(Write(put=SOME))
            start = await client.read()
            before = len(consul.requests)
            task = asyncio.create_task(first(client.watch(start.revision)))
            await eventually(
                lambda: asyncio.sleep(0.01, len(consul.requests) - before), lambda n: n >= 4, "it asks again"
            )
            lists = [target for verb, target in consul.requests[before:] if verb == "GET"]
            assert lists and all("index=" in target for target in lists)  # else: whether it still may read
            await client.write(Write(delete=("members/api/b-1",)))
            assert (await task).changes == (("members/api/b-1", None),)

    run(test())


def test_another_object_knows_nothing_of_a_revision() -> None:
    async def test() -> None:
        async with ConsulStandIn() as consul:
            start = await client_of(consul.url).read()
            with pytest.raises(Compacted, match="no history"):
                await first(client_of(consul.url).watch(start.revision))

    run(test())


def test_a_lease_is_a_session_of_ten_seconds_at_least() -> None:
    async def test() -> None:
        async with ConsulStandIn() as consul:
            client = client_of(consul.url)
            short, long = await client.grant(1), await client.grant(33.3)
            assert (await client.keep(short), await client.keep(long)) == (10, 34)
            assert str(UUID(int=short)) in consul.store.sessions
            assert consul.store.sessions[str(UUID(int=short))]["Behavior"] == "delete"

    run(test())


def test_the_token_is_sent_and_without_the_right_one_nothing_is_read(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("b1gs33cr3t\n")

    async def test() -> None:
        async with ConsulStandIn(token="b1gs33cr3t") as consul:
            client = client_of(consul.url, password=str(tmp_path / "token"))
            start = await client.read()
            await client.write(Write(put=SOME))
            assert dict((await first(client.watch(start.revision))).changes) == SOME
            for stranger in (client_of(consul.url), client_of(consul.url, password=str(tmp_path / "none"))):
                with pytest.raises(Refused):
                    await stranger.read()
                with pytest.raises(Refused):
                    await stranger.grant(10)

    run(test())


def test_a_part_of_the_registry_is_refused() -> None:
    """An ACL that hides some services is no error for Consul, only a line in the head, and in 1.8 not even that."""

    async def test() -> None:
        async with ConsulStandIn() as consul:
            consul.fields = {"X-Consul-Results-Filtered-By-ACLs": "true"}
            with pytest.raises(Refused, match="a part is worse than nothing"):
                await client_of(consul.url).read()

    run(test())


def test_what_is_hidden_and_what_is_gone_as_recorded() -> None:
    names = ("members/api/none", "hand/api/none", rights.NODE, wire.MARK)
    assert rights.absent(names, RECORDED["gets of what is not there"].said) == {
        "members/api/none",
        "hand/api/none",
    }
    there = (wire.MARK, rights.NODE, "members/api/b-1")
    assert rights.seen(SPACE, there, RECORDED["gets"].said) == set(there)
    with pytest.raises(Refused, match=r"may not read \.node, members/api/b-1, and Consul has it"):
        rights.seen(SPACE, there, RECORDED["gets with a part hidden"].said)
    assert rights.absent(names, {"Errors": [{"OpIndex": 0, "What": "Permission denied"}]}) == set()


def test_of_what_went_one_of_each_kind_and_pool_is_asked_for() -> None:
    names = ["members/api/b-1", "members/api/b-2", "members/web/b-1", "ids/api/1", "hosts/hk-1", "hosts/hk-2"]
    asked = ("hosts/hk-2", "ids/api/1", "members/api/b-2", "members/web/b-1")
    assert rights.samples(names) == (rights.NODE, *asked)
    assert rights.samples(names[3:]) == ("hosts/hk-2", "ids/api/1")


@pytest.mark.parametrize("hidden", ["key", "node", "service"])
def test_what_is_gone_is_believed_only_when_the_leader_has_not_got_it(hidden: str) -> None:
    """Also where an agent still says that the token may see all of it."""

    async def test() -> None:
        async with ConsulStandIn() as consul:
            client, writer = client_of(consul.url), client_of(consul.url)
            await client.write(Write(put={**SOME, "hand/api/b-1": b"{}"}))
            start = await client.read()
            consul.hidden, consul.knows_rights = {hidden}, False
            task = asyncio.create_task(first(client.watch(start.revision)))
            await writer.write(Write(put={"hand/api/b-2": b"{}"}))
            with pytest.raises(Refused, match="Consul has it"):
                await task
            with pytest.raises(Refused, match="Consul has it"):
                await client.read()
            consul.hidden = set()
            assert dict((await first(client.watch(start.revision))).changes) == {"hand/api/b-2": b"{}"}
            await writer.write(Write(delete=("members/api/b-1",)))
            assert "members/api/b-1" not in (await client.read()).records

    run(test())


def test_a_first_read_with_a_part_hidden_is_refused() -> None:
    async def test() -> None:
        async with ConsulStandIn() as consul:
            await client_of(consul.url).write(Write(put=SOME))
            for hidden in ("key", "node", "service"):
                consul.hidden = {hidden}
                with pytest.raises(Refused, match="may not read"):
                    await client_of(consul.url).read()

    run(test())


@pytest.mark.parametrize("said", [answer("", 404), answer("ACL support disabled", 401)])
def test_a_consul_that_knows_no_rights_hides_nothing(said: bytes) -> None:
    def serve(path: str, body: bytes) -> bytes:
        if "txn" in path:
            errors = [{"OpIndex": n, "What": f"{n} doesn't exist"} for n in range(len(json.loads(body)))]
            return answer(json.dumps({"Errors": errors}), 409)
        return (
            said if path.endswith("authorize") else answer("null" if "node" in path else "[]", fields=INDEX)
        )

    async def test() -> None:
        async with serving(serve) as url:
            assert dict((await client_of(url).read()).records) == {}

    run(test())


def test_a_server_that_goes_away_is_followed_at_another() -> None:
    """Two stand-ins with one store, as two servers of one Consul."""

    async def test() -> None:
        async with ConsulStandIn() as one, ConsulStandIn() as other:
            other.store = one.store
            client, writer = client_of(one.url, other.url), client_of(other.url)
            start = await client.read()
            task = asyncio.create_task(follow(client, start, lambda records: bool(records)))
            await asyncio.sleep(0)
            await one.__aexit__()
            await writer.write(Write(put=SOME))
            assert (await task)[0] == SOME

    run(test())


def test_a_server_that_hangs_is_noticed() -> None:
    """A server that takes questions and is silent: with the times of production it takes less than 5 s."""
    assert Consul(access("http://10.0.0.1:8500", engine="consul"))._wait_s * 17 / 16 + 1 < 5

    async def test() -> None:
        async with ConsulStandIn() as consul, serving(lambda path, body: None) as mute:
            client = Consul(access(consul.url, engine="consul"), limits=LIMITS, wait_s=0.2)
            start = await client.read()
            silent = Consul(access(mute, engine="consul"), limits=LIMITS, wait_s=0.2)
            silent._states = client._states
            async with asyncio.timeout(30):
                with pytest.raises(Unreachable, match="no answer"):
                    await first(silent.watch(start.revision))

    run(test())


@pytest.mark.parametrize(
    "said",
    [
        answer("[]"),  # without an index
        answer("x" * 100_001, fields="X-Consul-Index: 7\r\n"),
        answer("{", fields="X-Consul-Index: 7\r\n"),
        answer('{"Services":[1]}', fields="X-Consul-Index: 7\r\n"),
        b"nonsense\r\n\r\n",
    ],
)
def test_hostile_replies(said: bytes) -> None:
    async def test() -> None:
        async with serving(lambda path, body: said) as url:
            client = Consul(access(url, engine="consul"), limits=LIMITS)
            with pytest.raises(InvalidResponse):
                await client.read()

    run(test())


@pytest.mark.parametrize("said", ['{"ID":"x"}', '{"ID":7}', "[]", "null", "{}"])
def test_a_session_that_is_none(said: str) -> None:
    ok = json.dumps({"Results": [], "Errors": None})

    async def test() -> None:
        async with serving(lambda path, body: answer(ok if "txn" in path else said)) as url:
            with pytest.raises(InvalidResponse):
                await Consul(access(url, engine="consul"), limits=LIMITS).grant(10)

    run(test())


def test_records_of_all_kinds_lie_where_an_operator_of_consul_looks_for_them() -> None:
    async def test() -> None:
        async with ConsulStandIn() as consul:
            client = client_of(consul.url)
            lease = await client.grant(10)
            records = [Alive("api", "b-1"), Claim("api", 7, "b-1"), Override("api", "b-1")]
            written = {key_of(record): encode(record) for record in records}
            alive = {"alive/api/b-1": written.pop("alive/api/b-1")}
            await client.write(Write(put={**SOME, **written}, leased=alive, lease=lease))
            assert list(consul.store.services) == [("trimtab-test", "api/b-1")]
            keys = sorted(key.removeprefix("trimtab/test/") for key in consul.store.keys)
            assert keys == [".revision", "alive/api/b-1", "hand/api/b-1", "ids/api/7"]

    run(test())
