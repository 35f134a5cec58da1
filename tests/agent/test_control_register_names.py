"""A name in a pool belongs to who registered it and is alive: nobody takes it over, and its owner never loses it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from test_control_register import POOLS, Host, ids, records, write
from tests.agent.control_kit import FakeRegistry, events, member, now, registered, run, until

from trimtab.agent.registration.folder import Defaults
from trimtab.agent.registration.name_ownership import REASON
from trimtab.agent.registration.plan import numbers, plan
from trimtab.errors import Conflict
from trimtab.registry.codec import decode
from trimtab.registry.record import Claim, Member

KEY = "members/api/x"


def host(registry: FakeRegistry, root: Path, number: int) -> Host:
    folder = root / str(number) / "register.d"
    if not folder.exists():
        write(folder, "api.json", pool="api", port=8080, name="x")
    return Host(registry, root / str(number), Defaults(f"h-{number}", f"10.1.0.{number}", POOLS))


def owner(registry: FakeRegistry) -> str:
    found = decode(KEY, registry.records[KEY]) if KEY in registry.records else None
    return f"{found.address}:{found.port}" if isinstance(found, Member) else ""


def alive(registry: FakeRegistry) -> bool:
    return "alive/api/x" in registry.records


def owners(registry: FakeRegistry) -> list[bytes | None]:
    """Every value that the member had, in order."""
    return [value for batch in registry.history for key, value in batch.changes if key == KEY]


def test_a_name_that_is_alive_is_not_taken_over_and_it_is_said(tmp_path: Path) -> None:
    async def work() -> None:
        registry = FakeRegistry()
        first = host(registry, tmp_path, 1)
        await until(lambda: alive(registry))
        second = host(registry, tmp_path, 2)
        await asyncio.sleep(120)
        assert len(owners(registry)) == 1
        assert owner(registry) == "10.1.0.1:8080"
        assert second.refused == [("api/x", REASON)]
        assert set(second.register.taken()) == {"api/x"}
        assert not second.register.working()
        assert registry.reads < 6, "it asks again without reading everything"
        await first.die()
        await until(lambda: owner(registry) == "10.1.0.2:8080", 40)
        assert second.register.taken() == {}
        back = host(registry, tmp_path, 1)
        await asyncio.sleep(60)
        assert owner(registry) == "10.1.0.2:8080"
        assert back.refused == [("api/x", REASON)]
        (tmp_path / "1" / "register.d" / "api.json").unlink()
        await asyncio.sleep(60)
        assert owner(registry) == "10.1.0.2:8080" and alive(registry), "leaving takes out nothing of another"
        assert back.register.registered == {}
        await asyncio.gather(second.die(), back.die())

    run(work())


def test_one_that_was_never_alive_is_taken_at_once(tmp_path: Path) -> None:
    async def work() -> None:
        registry = FakeRegistry()
        registry.put(*registered(Member("api", "x", "10.1.0.9", 8080, 4))[:2])
        found = host(registry, tmp_path, 1)
        await until(lambda: owner(registry) == "10.1.0.1:8080", 1)
        assert ids(registry) == {"x": 4}
        await found.die()

    run(work())


@pytest.mark.parametrize("restarts", [False, True])
def test_the_owner_may_change_its_place(tmp_path: Path, restarts: bool) -> None:
    async def work() -> None:
        registry = FakeRegistry()
        found = host(registry, tmp_path, 1)
        await until(lambda: alive(registry))
        for port in (8081, 8082, 8081):
            if restarts:
                await found.die()
            write(tmp_path / "1" / "register.d", "api.json", pool="api", port=port, name="x")
            if restarts:
                found = host(registry, tmp_path, 1)
            await until(lambda p=port: owner(registry) == f"10.1.0.1:{p}" and alive(registry), 3)  # type: ignore[misc]
        assert found.refused == []
        await found.die()

    run(work())


def test_what_somebody_wrote_over_a_living_member_is_put_right(tmp_path: Path) -> None:
    async def work() -> None:
        registry = FakeRegistry()
        found = host(registry, tmp_path, 1)
        await until(lambda: alive(registry))
        registry.put(Member("api", "x", "10.1.0.9", 8080, 1))
        await until(lambda: owner(registry) == "10.1.0.1:8080", 15)
        assert found.refused == []
        await found.die()

    run(work())


@pytest.mark.parametrize("away", [0.0, 3.0, 60.0])
def test_a_wiped_registry_gives_the_name_to_nobody_else(tmp_path: Path, away: float) -> None:
    async def work() -> None:
        registry = FakeRegistry()
        first = host(registry, tmp_path, 1)
        await until(lambda: alive(registry))
        second = host(registry, tmp_path, 2)
        await until(lambda: second.refused)
        for _ in range(5):
            registry.down = bool(away)
            await asyncio.sleep(away)
            registry.wipe()
            registry.down = False
            begun = now()
            await until(lambda: alive(registry), 10)
            assert owner(registry) == "10.1.0.1:8080", now() - begun
            await asyncio.sleep(20)
            assert owner(registry) == "10.1.0.1:8080"
        await asyncio.gather(first.die(), second.die())

    run(work())


def test_two_that_begin_at_once_do_not_both_get_it(tmp_path: Path) -> None:
    """Both have read that it is free, and would claim different numbers."""

    async def work() -> None:
        registry = FakeRegistry()
        free = dict(registry.records)
        one, two = Member("api", "x", "10.1.0.1", 80, 1), Member("api", "x", "10.1.0.2", 80, 7)
        lease = await registry.grant(10.0)
        await registry.write(plan(free, one, lease))
        with pytest.raises(Conflict):
            await registry.write(plan(free, two, lease))
        assert owner(registry) == "10.1.0.1:80"

    run(work())


def test_a_number_of_five_thousand_digits_costs_nothing(tmp_path: Path) -> None:
    async def work() -> None:
        registry = FakeRegistry()
        registry.records |= {f"ids/api/{'9' * 5000}": b"{}", f"ids/api/{'9' * 5}": b"{}"}
        found = host(registry, tmp_path, 1)
        await until(lambda: ids(registry) == {"x": 1}, 1)
        (tmp_path / "1" / "register.d" / "api.json").unlink()
        await until(lambda: ids(registry) == {}, 5)
        assert events(found.stream) == ["registered", "deregistered"]
        await found.die()

    run(work())


def test_numbers_of_claims_are_bounded() -> None:
    given = {**records(Claim("api", 1, "y")), f"ids/api/{'1' * 5000}": b"{}"}
    assert next(numbers(given, member("x", 1), None)) == 2
