"""A `--reason` is read before anything else is: what no record takes changes nothing, and a blank one is none."""

from __future__ import annotations

import json

import pytest

from tests.cli.conftest import Do, Memory
from trimtab.errors import BadInput
from trimtab.ops.arbiter import records as arbiter
from trimtab.ops.arbiter.world import Freeze
from trimtab.registry.record import Alive, Claim, Member, Override

COMMANDS = (
    "drain hk",
    "drain hk --dry-run",
    "drain hk-proxy-1",
    "drain api/b1 --site hk",
    "drain api/b1 --site hk --dry-run",
    "undrain hk",
    "undrain hk-proxy-1",
    "undrain api/b1 --site hk --over 0.1",
    "freeze",
    "freeze --off",
    "weight api/b1 ready --site hk",
    "split www --back --site hk",
    "register api b7 --address 10.0.0.7 --site hk",
    "deregister api b1 --site hk",
)


def members(memory: Memory, count: int) -> None:
    for n in range(1, count + 1):
        memory.has(
            Member("api", f"b{n}", f"10.0.0.{n}", 8080, n), Claim("api", n, f"b{n}"), Alive("api", f"b{n}")
        )


@pytest.mark.parametrize("reason", ["disk\nreplaced", "x" * 201, "\x1b[2J", "\udcff"])
@pytest.mark.parametrize("words", COMMANDS)
def test_one_that_no_record_takes_changes_nothing_and_asks_nobody(
    words: str, reason: str, memory: Memory, store: Memory, do: Do
) -> None:
    members(memory, 3)
    memory.has(Override("api", "b1", "drain", None, "ann", "disk", 1.0))
    before = dict(memory.records)
    memory.down = store.down = True
    with pytest.raises(BadInput, match=r"^--reason .*: at most 200 printable characters are expected$"):
        do(words, "--reason", reason)
    assert (memory.records, store.records) == (before, {})


@pytest.mark.parametrize("reason", ["", " ", " \t\n"])
@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("drain hk --force", "--force needs a reason"),
        ("drain api/b1 --site hk --force", "--force needs a reason"),
        ("weight api/b1 drain --site hk --force", "--force needs a reason"),
        ("register api b7 --address 10.0.0.7 --site hk --force", "--force needs a reason"),
        ("deregister api b1 --site hk --force", "--force needs a reason"),
        ("freeze", "a freeze needs a reason"),
    ],
)
def test_a_blank_one_is_none(
    words: str, says: str, reason: str, memory: Memory, store: Memory, do: Do
) -> None:
    members(memory, 3)
    before = dict(memory.records)
    with pytest.raises(BadInput, match=says):
        do(words, "--reason", reason)
    assert (memory.records, store.records) == (before, {})


def test_the_blanks_around_one_are_not_kept(memory: Memory, store: Memory, do: Do) -> None:
    members(memory, 3)
    assert do("weight api/b1 drain --site hk", "--reason", "  a new disk\n")[0] == 0
    assert memory.override("hand/api/b1").reason == "a new disk"
    assert do("split www --canary 5% --site hk", "--reason", " try it ")[0] == 0
    assert json.loads(memory.records["splits/www/web+web-next"])["reason"] == "try it"
    assert do("freeze", "--reason", " the sale " + "x" * 190)[0] == 0
    kept = arbiter.decode("freeze", store.records["freeze"])
    assert isinstance(kept, Freeze) and kept.reason == "the sale " + "x" * 190


@pytest.mark.parametrize("value", ["9" * 5000, "1234567", "2.5", "²"])
def test_a_weight_of_too_many_digits_is_none(value: str, memory: Memory, do: Do) -> None:
    members(memory, 2)
    before = dict(memory.records)
    with pytest.raises(BadInput, match="is no weight") as said:
        do(f"weight api/b1 {value} --site hk")
    assert len(said.value.message) < 100 and memory.records == before
