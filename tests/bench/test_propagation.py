"""`bench/propagation`: its site, its peers, what it counts as served, as failed, as equal and as rest; and a tiny sitting."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable, Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from _propagation import estate, peers, rest
from _propagation.changes import Lane, Wanted, differences, seeds, wanted
from _propagation.children import BenchFailed
from _propagation.cost import per_second_ms
from _propagation.dns import answer, packed
from _propagation.figures import figures, percentile, starved
from _propagation.http import Asker
from _propagation.load import Count, Load
from _propagation.plan import BEYOND, Plan, load, name
from _propagation.space import sit_inside

from trimtab import agent_config
from trimtab.agent.membership.pools import decide
from trimtab.agent.membership.store import Store
from trimtab.daemons.haproxy.dumps import ServerState
from trimtab.registry.base import Snapshot

TINY = Plan(
    ("server-template", "reload", "served", "far", "churn"), pools=3, samples=3, beyond=2, peer_samples=1,
    far_samples=1, far_ms=(20.0,), churn_s=1.0, changes=100, requests=50,
)  # fmt: skip
SAMPLE = {"kind": "ours", "served_ms": 10.0, "asked_ms": 12.0, "rtt_ms": 0.0}
CHURN = {
    "asked_per_s": 100, "changes_per_s": 100.0, "converged_ms": 40.0,
    "load": {"sent": 50, "failed": 0, "late_max_s": 0.01},
}  # fmt: skip
Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[Any, Any, None]]


# ---- the plan, the site and the peers


def test_a_plan_survives_its_way_into_the_namespace() -> None:
    assert load(TINY.dump()) == TINY


def test_no_two_endpoints_share_an_address() -> None:
    plan = Plan()
    numbers = range(1, plan.slots + BEYOND + 1)
    found = [plan.address(pool, number) for pool in range(plan.pools) for number in numbers]
    assert len(set(found)) == len(found)
    assert max(int(address.split(".")[2]) for address in found) < 200


def test_the_front_end_has_a_map_and_an_address_of_its_own(tmp_path: Path) -> None:
    site = estate.inventory(TINY)
    host = site.front("one")[0]
    files = estate.proxy_files(site, host, tmp_path)
    assert files.main.count("set-var(txn.pool)") == 1 and "map(" in files.main
    assert f"bind {host.v4}:80\n" in files.main and "ssl crt-list" not in files.main
    assert files.routes == "p0000 p0000\np0001 p0001\np0002 p0002\n"
    assert "/run/haproxy" not in files.main + files.pools


def test_an_edit_that_matches_nothing_is_a_fault() -> None:
    with pytest.raises(ValueError, match="in vain"):
        estate.edited("one\ntwo\n", [estate.Edit("three", "3", "in vain")])
    assert estate.edited("one\nx\none\n", [estate.Edit("one", "1", "", once=True)]) == "1\nx\n"
    assert estate.edited("one\nx\none\n", [estate.Edit("one", "1", "")]) == "1\nx\n1\n"


def test_the_agents_file_is_one_that_agents_read(tmp_path: Path) -> None:
    site = estate.inventory(TINY)
    file = estate.agent_file(site, site.front("one")[0], tmp_path)
    assert agent_config.load(agent_config.dump(file)) == file
    assert file.registry is not None and file.registry.endpoints == ("http://10.98.96.10:2379",)
    assert file.proxy is not None and [pool.slots for pool in file.proxy.pools] == [TINY.slots] * 3


def test_the_peers_have_the_same_pools(tmp_path: Path) -> None:
    site = estate.inventory(TINY)
    ours = estate.proxy_files(site, site.front("one")[0], tmp_path)
    template, static = peers.template(ours, TINY), peers.static(ours, peers.all_members(TINY))
    for peer in (template, static):
        assert peer.pools.count("\nbackend ") == TINY.pools and "panic" not in peer.pools + peer.main
        assert peer.pools.count("option httpchk") == TINY.pools
    assert template.pools.count("server-template m 12 ") == TINY.pools
    assert static.pools.count("    server m") == TINY.endpoints


def question(host: str, kind: int = 1) -> bytes:
    labels = b"".join(bytes([len(label)]) + label.encode() for label in host.split("."))
    return struct.pack("!6H", 7, 0x0100, 1, 0, 0, 0) + labels + b"\0" + struct.pack("!2H", kind, 1)


def test_dns_answers_from_its_table() -> None:
    table = {"p0.example": packed(["10.99.0.1", "10.99.0.2"])}
    said = answer(question("P0.example"), table)
    assert said is not None and struct.unpack_from("!6H", said) == (7, 0x8500, 1, 2, 0, 0)
    assert said.endswith(bytes([10, 99, 0, 2]))
    for other, counts in (
        (question("p0.example", 28), (0x8500, 1, 0)),
        (question("p1.example"), (0x8503, 1, 0)),
    ):
        said = answer(other, table)
        assert said is not None and struct.unpack_from("!6H", said)[1:4] == counts
    for nonsense in (b"", b"\0" * 12, said or b"", question("p0.example")[:-5], b"\xc0" * 40):
        assert answer(nonsense, table) is None


# ---- changes


def served(records: dict[str, bytes], plan: Plan) -> Wanted:
    """What an agent makes of these records."""
    site = estate.inventory(plan)
    file = estate.agent_file(site, site.front("one")[0], Path("/nowhere"))
    store = Store()
    store.replace(Snapshot(1, records), 0.0)
    assert file.proxy is not None
    found: dict[str, Any] = {}
    for pool in file.proxy.pools:
        known = store.pool(pool.registry)
        decision = decide(pool, known.members, known.overrides)
        assert not decision.reasons and all(want.ready for want in decision.wants)
        found[pool.name] = {want.id: (want.address, want.weight) for want in decision.wants}
    return found


def test_what_is_waited_for_is_what_an_agent_makes_of_the_registry() -> None:
    plan = replace(TINY, pools=5)
    records = {key: value for write in seeds(plan) for key, value in write.put.items()}
    lanes = Lane.all(plan, seed=3)
    assert served(records, plan) == wanted(lanes)
    for lane in lanes:
        for _ in range(40):
            write = lane.batch(10)
            assert not set(write.put) & set(write.delete)
            records.update(write.put)
            for key in write.delete:
                records.pop(key, None)
    assert records == {key: value for lane in lanes for key, value in lane.records().items()}
    assert served(records, plan) == wanted(lanes)
    assert {number for pool in wanted(lanes).values() for number in pool} >= {plan.slots + 1, plan.slots + 2}


def test_lanes_do_the_same_again() -> None:
    again = [Lane.all(TINY, seed=2) for _ in range(2)]
    for lanes in again:
        for lane in lanes:
            lane.batch(50)
    assert wanted(again[0]) == wanted(again[1]) != wanted(Lane.all(TINY, seed=2))


def rows(want: Wanted) -> list[ServerState]:
    return [
        ServerState(backend, number, f"m{number}", each.address.split(":")[0], 9000, True, True, each.weight, False, False)
        for pool, members in want.items()
        for backend in (pool, f"{pool}--patient", f"{pool}--panic")
        for number, each in members.items()
    ]  # fmt: skip


def test_every_way_to_differ_is_seen() -> None:
    want = wanted(Lane.all(TINY))
    same = rows(want)
    empty = same[0]._replace(id=12, maint=True, ready=False)
    assert differences([*same, empty], want) == []
    assert "serves and is not registered" in differences([*same, empty._replace(maint=False)], want)[0]
    assert "is missing" in differences(same[1:], want)[0]
    for other in (
        {"weight": 7},
        {"address": "10.99.9.9"},
        {"port": 1},
        {"ready": False},
        {"maint": True, "ready": False},
    ):
        assert "is wanted" in differences([same[0]._replace(**other), *same[1:]], want)[0]


# ---- requests


def with_server(talk: Talk, work: Callable[[int], Coroutine[Any, Any, None]]) -> None:
    async def main() -> None:
        server = await asyncio.start_server(talk, "127.0.0.1", 0)
        async with server, asyncio.timeout(10):
            await work(server.sockets[0].getsockname()[1])

    asyncio.run(main())


def test_an_idle_connection_that_ended_is_replaced_and_a_cut_answer_is_a_failure() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"
    said = [head + b"hi", head + b"hi", head + b"h", head[:9], b""]

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(said.pop(0))
        writer.close()

    async def work(port: int) -> None:
        asker = Asker("127.0.0.1", port)
        for _ in range(2):
            assert (await asker.ask("/")).body == "hi"
        for why in ("middle of an answer", "middle of a head", "without an answer"):
            with pytest.raises(ConnectionError, match=why):
                await asker.ask("/")

    with_server(talk, work)


def test_a_load_counts_what_fails() -> None:
    answered: set[bytes] = set()
    both = asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            status = b"503 no" if head.startswith(b"GET /p0001/") else b"200 OK"
            writer.write(b"HTTP/1.1 " + status + b"\r\nContent-Length: 0\r\n\r\n")
            answered.add(status)
            if len(answered) == 2:
                both.set()

    async def work(port: int) -> None:
        count = Count()
        await Load("127.0.0.1", 200, 2, count, seed=1, port=port).run(both)
        found = count.as_json()
        assert 0 < found["failed"] < found["sent"] == len(count.latencies_ms)
        assert {(path, why) for _, _, path, why in found["failures"]} == {(f"/{name(1)}/", "status 503")}

    with_server(talk, work)


# ---- figures


def test_percentiles_are_values_that_were_measured() -> None:
    values = [float(value) for value in range(1, 151)]
    assert (percentile(values, 50), percentile(values, 99), percentile([3.0], 99)) == (75.0, 149.0, 3.0)


def test_figures_have_their_targets_and_peers() -> None:
    template = [{**SAMPLE, "kind": "server-template", "served_ms": 500.0}]
    far = [{**SAMPLE, "kind": "far", "asked_ms": 40.0, "rtt_ms": 35.0}]
    found = {f.name: f for f in figures([{"samples": [SAMPLE] * 3 + template + far, "churn": CHURN}])}
    p50, p99 = found["registered-to-served-p50-ms"], found["registered-to-served-p99-ms"]
    assert (p50.ours, p50.peers, p50.met, p50.runs) == (
        10.0, {"server-template": 500.0}, True, {"ours": 3, "server-template": 1},
    )  # fmt: skip
    assert p99.target == 100 and p99.met
    across = found["across-35ms-asked-to-served-p50-ms"]
    assert (across.ours, across.peers) == (40.0, {"round-trip": 35.0})
    assert found["across-35ms-less-round-trip-p50-ms"].ours == 5.0
    assert found["churn-failed-requests"].met and found["churn-converged-ms"].ours == 40.0
    assert figures([{"samples": [SAMPLE]}])[0].met is None  # the peer was not measured


@pytest.mark.parametrize(
    "change", [{"changes_per_s": 90.0}, {"load": {"sent": 1, "failed": 0, "late_max_s": 0.8}}]
)
def test_a_starved_churn_has_no_figures(change: dict[str, Any]) -> None:
    run = {"samples": [], "churn": {**CHURN, **change}}
    assert len(starved([run])) == 1 and figures([run]) == []
    failed = {**CHURN, "load": {**CHURN["load"], "failed": 2}}
    found = figures([run, {"samples": [], "churn": failed}])
    assert (found[0].ours, found[0].met) == (2.0, False)


def test_rest_is_only_what_looked_at_everything_and_changed_nothing() -> None:
    before = {rest.RESYNCS: 5.0, rest.POOLS: 50.0, rest.COMMANDS: 9.0}
    assert rest.judged(3, before, {rest.RESYNCS: 7.0, rest.POOLS: 58.0, rest.COMMANDS: 9.0}) == 2
    for after in (
        {rest.RESYNCS: 7.0, rest.POOLS: 58.0, rest.COMMANDS: 10.0},
        {rest.RESYNCS: 7.0, rest.POOLS: 53.0, rest.COMMANDS: 9.0},
        before,
    ):
        with pytest.raises(BenchFailed):
            rest.judged(3, before, after)


def test_processor_time_by_the_second() -> None:
    trace = [(0.0, 0.0), (0.5, 0.002), (1.0, 0.003), (2.05, 0.01)]
    assert per_second_ms(trace) == [3.0, 7.0]


# ---- the real thing


@pytest.mark.daemon
def test_a_tiny_sitting() -> None:
    found = sit_inside(TINY, 1)
    kinds = [sample["kind"] for sample in found["samples"]]
    assert kinds == ["server-template", "reload", *["ours"] * 3, *["beyond"] * 2, "far"]
    assert all(sample["failed"] == 0 for sample in found["samples"] if sample["kind"] != "reload")
    far = found["samples"][-1]
    assert far["asked_ms"] >= far["rtt_ms"] / 2
    assert found["churn"]["changes"] == 90 and found["churn"]["load"]["failed"] == 0
    assert len(found["filled_s"]) == 2 and not starved([found])
