"""Members that are well by their own word, and down by the checks of the proxies."""

from __future__ import annotations

import json

import pytest

from tests.cli.conftest import Do, Memory
from tests.cli.test_overrides_ask import members
from trimtab.registry.record import CheckState, FrontState, HostState, Override, Record, Turn

HOLDER, STANDBY, NGINX = "hk-proxy-1", "hk-proxy-2", None


def fronts(
    holder: list[str] | None, standby: list[str] | None, held: bool = True, more: int = 0
) -> list[Record]:
    """more: how many besides are down, of whom no names are told."""
    said = ((HOLDER, holder), (STANDBY, standby))
    return [
        FrontState(HOLDER, held),
        FrontState(STANDBY),
        *(checks(name, down, more) for name, down in said if down is not None),
    ]


def checks(name: str, down: list[str], more: int) -> CheckState:
    count = len(down) + more
    return CheckState(name, {"api": count} if count else {}, tuple(f"api/{each}" for each in down))


@pytest.mark.parametrize(
    ("told", "refused"),
    [
        (fronts(["b3", "b4"], ["b3", "b4"]), "1 of 4 members would be well (25 %), the floor is 50 %; the proxies find b3, b4 down"),
        (fronts(["b3", "b4"], []), "; the proxies find b3, b4 down"),
        (fronts([], ["b3", "b4"]), ""),  # whom only the other one does not reach gets requests
        (fronts([], ["b3", "b4"], held=False), "; the proxies find b3, b4 down"),  # nobody knows who carries
        (fronts(NGINX, NGINX), ""),
        (fronts(NGINX, ["b3", "b4"]), "; the proxies find b3, b4 down"),
        (fronts(["b4"], ["b4"]), ""),  # 2 of 4 are left
        (fronts(["other"], []), ""),
        (fronts(["b3"], [], more=1), "1 of 4 members would be well (25 %), the floor is 50 %; the proxies find b3 and 1 more down"),
    ],
)  # fmt: skip
def test_who_is_found_down_is_not_counted_as_left(
    told: list[Record], refused: str, memory: Memory, do: Do
) -> None:
    memory.has(*members(4), *told)
    code, _, err = do("weight api/b1 drain --site hk")
    assert code == (1 if refused else 0) and refused in err
    assert bool(memory.kept("hand")) is not bool(refused)


def test_one_that_is_found_down_takes_nothing_so_it_may_leave(memory: Memory, do: Do) -> None:
    memory.has(*members(3), *fronts(["b2", "b3"], ["b2", "b3"]))
    assert do("weight api/b1 drain --site hk")[0] == 1
    assert do("weight api/b2 drain --site hk")[0] == 0


def test_the_last_one_that_is_up_stays_whatever_is_forced(memory: Memory, do: Do) -> None:
    memory.has(*members(3), *fronts(["b2", "b3"], ["b2", "b3"]))
    code, _, err = do("weight api/b1 drain --site hk --force --reason now")
    assert (
        code == 1
        and "last-member: no other of the 3 members of api is well; the proxies find b2, b3 down" in err
    )


def test_why_says_what_the_proxies_find(memory: Memory, store: Memory, do: Do) -> None:
    memory.has(*members(3), *fronts(["b2"], []))
    assert (
        "found up by the checks of hk-proxy-2\n  found down by the checks of hk-proxy-1"
        in do("why api/b2 --site hk")[1]
    )
    assert "found up by the checks of hk-proxy-1, hk-proxy-2" in do("why api/b1 --site hk")[1]
    assert json.loads(do("why api/b2 --site hk --json")[1])["checks"] == {HOLDER: False, STANDBY: True}
    memory.has(*fronts(["b3"], [], more=1))
    assert json.loads(do("why api/b2 --site hk --json")[1])["checks"] == {}
    memory.lacks(f"checks/{HOLDER}", f"checks/{STANDBY}")
    assert "checks" not in do("why api/b2 --site hk")[1]


def test_members_say_who_is_down(memory: Memory, do: Do) -> None:
    memory.has(*members(3), Override("api", "b3", "drain"), *fronts(["b2"], []))
    rows = {
        row["member"]: row["checks"] for row in json.loads(do("members api --site hk --json")[1])["members"]
    }
    assert {name: rows[name] for name in ("b1", "b2", "b3")} == {"b1": "up", "b2": "down", "b3": ""}
    (line,) = [line for line in do("members api --site hk")[1].splitlines() if " b2 " in line]
    assert line.split()[-2:] == ["passing", "down"]


def test_a_host_that_takes_requests_in_another_pool_is_not_called_idle(memory: Memory, do: Do) -> None:
    memory.has(
        *(HostState(f"hk-backend-{n}") for n in range(1, 13)),
        *(FrontState(f"hk-proxy-{n}", n == 1, leaving={"web/hk-backend-1": 0}) for n in range(1, 5)),
    )
    code, out, _ = do("drain web/hk-backend-1 --reason disk")
    assert (
        code == 0
        and "done      nothing is under way to web/hk-backend-1; its host still takes requests in static"
        in out
    )
    assert "may be stopped" not in out


def test_why_says_when_the_checks_turned(memory: Memory, store: Memory, do: Do) -> None:
    """Of a member, and of its host in each pool; newest first, among what was asked."""
    turns = (Turn("api/b2", True, 300.0), Turn("api/b2", False, 200.0, "L4CON"), Turn("api/b1", False, 100.0))
    memory.has(*members(3), CheckState(HOLDER, turns=turns), FrontState(HOLDER, True))
    lines = do("why api/b2 --site hk")[1].splitlines()
    said = [line.partition("found ")[2] for line in lines if " in api by " in line]
    assert said == [
        "up again in api by the checks of hk-proxy-1",
        "down in api by the checks of hk-proxy-1: L4CON",
    ]
    found = json.loads(do("why api/b2 --site hk --json")[1])["turns"]
    assert [(each["at"], each["up"], each["why"]) for each in found] == [
        (300.0, True, ""),
        (200.0, False, "L4CON"),
    ]
    web = Turn("web/hk-backend-1", False, 400.0, "L7STS 503")
    memory.has(CheckState(HOLDER, turns=(web, *turns)))
    assert "found down in web by the checks of hk-proxy-1: L7STS 503" in do("why hk-backend-1")[1]


def test_what_one_proxy_finds_in_all_pools_of_a_host_is_one_line(
    memory: Memory, store: Memory, do: Do
) -> None:
    down = [
        Turn(f"{pool}/hk-backend-1", False, at, "L4CON") for pool, at in (("web", 100.0), ("static", 101.5))
    ]
    again = [Turn("web/hk-backend-1", True, 104.0), Turn("web/hk-backend-1", False, 109.0, "L4CON")]
    memory.has(CheckState(HOLDER, turns=(*reversed([*down, *again]),)), CheckState(STANDBY, turns=(down[1],)))
    lines = do("why hk-backend-1")[1].splitlines()
    assert [line.partition("found ")[2] for line in lines if " by the checks of " in line] == [
        "down in web by the checks of hk-proxy-1: L4CON",
        "up again in web by the checks of hk-proxy-1",
        "down in static by the checks of hk-proxy-2: L4CON",
        "down in static, web by the checks of hk-proxy-1: L4CON",
    ]
