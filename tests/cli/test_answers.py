"""Each command's --json, as it is published: `do` reads what it prints by its type. What stands in it: the other tests."""

from __future__ import annotations

import pytest

from tests.cli.conftest import Do, Memory
from trimtab.answers.codec import read
from trimtab.answers.drain import Answered, Effect
from trimtab.answers.table import ANSWERS
from trimtab.cli.events import Events
from trimtab.drills.operator import objecting
from trimtab.ops.arbiter.decide import Answer
from trimtab.ops.arbiter.denied import ArbiterDenied
from trimtab.ops.arbiter.effect import Effect as Cost
from trimtab.ops.arbiter.world import Request
from trimtab.registry.record import (
    Alive,
    CheckState,
    Claim,
    FrontState,
    HostState,
    Member,
    Override,
    ProxyOverride,
    Record,
    Restart,
    Turn,
)  # fmt: skip

HK: tuple[Record, ...] = (
    *(HostState(f"hk-backend-{n}", {"nginx.service": "works"}, 9.0, {"nginx.service": Restart(7.0)}, 5.0) for n in range(1, 13)),
    *(
        each
        for n in (1, 2, 3)
        for name in [f"hk-backend-{n}"]
        for each in (Member("api", name, f"10.0.0.{n}", 8080, n, tags=("a",)), Claim("api", n, name), Alive("api", name))
    ),
    Override("api", "hk-backend-1", "ready", 70, "li@x", "slow disk", 5.0),
    ProxyOverride("hk-proxy-2", "drain", "ann@x", "fan", 5.0),
    FrontState("hk-proxy-1", True, False, {"api/hk-backend-1": 4}, 9.0, 1.0),
    CheckState("hk-proxy-1", {"web": 1}, ("web/hk-backend-3",), (Turn("web/hk-backend-3", False, 5.0, "L4CON"),)),
)  # fmt: skip
WORDS = (
    "members", "members api --site hk", "status", "why hk", "why hk-backend-1", "why hk-proxy-1", "why hk-proxy-2",
    "why la-router-1", "why api/hk-backend-1", "why web/hk-backend-3", "incidents", "split www", "split www --canary 5%",
    "split www --back", "weight api/hk-backend-1 ready --site hk", "weight api/hk-backend-1 50",
    "weight web/hk-backend-2 drain --site hk", "register api b7 --address 10.0.0.7 --site hk",
    "deregister api b7 --site hk", "drain web/hk-backend-2 --dry-run", "drain web/hk-backend-2 --wait 0",
    "undrain hk-proxy-2", "shift hk --prepend 2 --dry-run", "freeze --reason x", "freeze --off", "blackhole --list",
    "show", "show --network",
)  # fmt: skip


@pytest.mark.parametrize("words", WORDS)
def test_what_it_prints_is_what_is_published(words: str, memory: Memory, do: Do) -> None:
    memory.has(*HK)
    assert do(f"{words} --json")[1]


def test_each_command_with_a_schema_is_among_them() -> None:
    elsewhere = {"routes"}  # asks BIRD: test_routes.py
    assert {words.split()[0] for words in WORDS} | elsewhere == ANSWERS.keys()


def test_what_is_fuller_than_json_can_say_is_very_full() -> None:
    told: list[object] = []
    events = Events(True)
    events.tell = told.append  # type: ignore[method-assign]
    cost = Cost(("hk",), ("la",), None, float("inf"))
    events.effect(Request("drain-site", "hk", "hk", "ann", ""), Answer(True, cost))
    (effect,) = told
    assert isinstance(effect, Effect) and (effect.full_before, effect.full_after) == (None, 1e9)


def test_a_drill_reads_by_which_rules_a_dry_run_would_be_refused(
    memory: Memory, do: Do, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whether it may force hangs on this: where the budget alone objects."""
    memory.has(*HK)
    do("freeze --reason sale")
    with pytest.raises(ArbiterDenied):
        do("drain web/hk-backend-2 --dry-run --json")
    last = read("drain", capsys.readouterr().out.splitlines()[-1])
    assert isinstance(last, Answered) and not last.granted
    assert objecting([last]) == ("frozen",)
