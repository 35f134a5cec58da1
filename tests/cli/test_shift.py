"""`trimtab shift`: what cannot be, what would be answered, and what `status` and `why` say of it."""

from __future__ import annotations

import json

import pytest

from tests.cli.cli_kit import SHOP, run
from tests.cli.conftest import Do, Memory
from trimtab.cli import shift as command
from trimtab.errors import BadInput
from trimtab.ops.arbiter.records import encode, key_of
from trimtab.ops.steering.shift import Shift, UpstreamShift
from trimtab.ops.steering.wish import Done


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("shift moon --prepend 2", "no site 'moon' that serves"),
        ("shift hk", "what an upstream is to be told, or --clear"),
        ("shift hk --clear --prepend 2", "one of both"),
        ("shift hk --prepend 11", "less than or equal to 10"),
        ("shift hk --prepend 2 --upstream moon", "hk has no upstream 'moon'"),
        ("shift hk --community 1", "a community is `65000:1`"),
        ("shift hk --community blackhole", "take the prefix away"),
        ("shift hk --community 65535:65281", "take the prefix away"),
        ("shift hk --community 65010:1:4", "is the estate's own"),
        ("shift hk --prepend 2 --force", "--force needs a reason"),
    ],
)
def test_what_cannot_be_is_bad_input(words: str, says: str) -> None:
    done = run(*words.split(), "-e", str(SHOP))
    assert (done.returncode, done.stdout) == (2, "")
    assert says in done.stderr and "Traceback" not in done.stderr


def test_of_several_communities_each_counts_once() -> None:
    asked = command._asked(1, 0, ["64500:3", "64500:3", "64500:1:2"], False)
    assert asked == UpstreamShift("", 1, 0, ((64500, 1, 2), (64500, 3)))
    with pytest.raises(BadInput, match="17 communities"):
        command._asked(0, 0, [f"64500:{n}" for n in range(17)], False)


def test_a_dry_run_says_what_would_be_answered_and_writes_nothing(
    memory: Memory, store: Memory, do: Do
) -> None:
    code, out, _ = do("shift hk --prepend 2 --dry-run")
    assert code == 0 and out.endswith("hk: would be granted\n")
    assert not store.records
    code, out, _ = do("shift hk --clear --dry-run --json")
    assert code == 0 and json.loads(out.splitlines()[-1])["why"] == "nobody would be asked"


def test_a_word_is_written_and_its_verification_waited_for(
    memory: Memory, store: Memory, do: Do, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trimtab.ops.drain.shifting.LIMIT_S", 0.2)
    code, out, _ = do("shift hk --prepend 2 --json --reason", "fibre work")
    told = [json.loads(line) for line in out.splitlines()]
    assert code == 1 and told[-1]["event"] == "ended" and "hk-router-1 has said nothing" in told[-1]["why"]
    assert store.kept("shift") == ["shift/hk"] and len(store.kept("decision")) == 1


def test_status_and_why_say_it(memory: Memory, store: Memory, do: Do) -> None:
    word = Shift("hk", "ann@x", "fibre work", 5.0, (UpstreamShift("transit", 2, 50),))
    done = Done("hk", "hk-router-1", "serve", 0, True, 6.0, shift=5.0)
    store.records |= {key_of(each): encode(each) for each in (word, done)}
    for words in ("status", "why hk"):
        code, out, _ = do(words)
        assert code == 0 and "shifted by ann@x" in out and "(transit prepend 2, med 50): fibre work" in out
    _, out, _ = do("status --json")
    hk = next(row for row in json.loads(out)["sites"] if row["site"] == "hk")
    told = {"transit": {"prepend": 2, "med": 50, "communities": []}}
    assert hk["shifted"] == {"by": "ann@x", "at": 5.0, "reason": "fibre work", "upstreams": told}
