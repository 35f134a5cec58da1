"""An operator's override on the command line, with a registry in memory: what stands there afterwards, and what is said."""

from __future__ import annotations

import json
import socket
from typing import Any

import pytest

from tests.cli.conftest import Do, Memory
from trimtab.errors import BadInput
from trimtab.registry.record import Alive, Claim, Member, Override, Record

SPLIT = "splits/www/web+web-next"
MEMBERS: tuple[Record, ...] = tuple(
    each
    for n in (1, 2)
    for each in (
        Member("api", f"b{n}", f"10.0.0.{n}", 8080, n),
        Claim("api", n, f"b{n}"),
        Alive("api", f"b{n}"),
    )
)


def test_back_twice_leaves_the_canary_off(memory: Memory, do: Do) -> None:
    said = "web 95%  web-next 5%  by cookie"
    assert do("split www --canary 5% --by cookie --site hk")[1].endswith(f": {said}\n")
    assert do("split www --back --site hk")[1] == "hk: www back: web 100%  web-next 0%  by percent\n"
    code, out, _ = do("split www --back --site hk")
    assert (code, out) == (
        0,
        "hk: nothing to go back to: shares were not changed since: web 100%  web-next 0%  by percent\n",
    )
    assert json.loads(memory.records[SPLIT])["shares"] == {"web": 100, "web-next": 0}


def test_home_resets_what_divides_too(memory: Memory, do: Do) -> None:
    strange = {"shares": {"web": 1, "web-next": 1}, "by": "cookie", "at": 9e10}
    memory.records[SPLIT] = json.dumps(strange).encode()
    code, out, _ = do("split www --back --site hk")
    assert code == 0 and "not known; --home" in out and out.endswith("web 50%  web-next 50%  by cookie\n")
    out = do("split www --home --site hk --dry-run")[1]
    assert out.endswith(": would be written: web 100%  web-next 0%  by percent\n")
    assert json.loads(memory.records[SPLIT]) == strange
    found = json.loads(do("split www --home --site hk --json")[1])["sites"]["hk"]
    assert found == {"changed": True, "shares": {"web": 100, "web-next": 0}, "by": "percent"}
    assert json.loads(memory.records[SPLIT])["by"] == "percent"
    assert do("split www --home --site hk")[1].startswith("hk: no change: web 100%")


def test_a_split_tells_who_changed_it_when_and_why(memory: Memory, do: Do) -> None:
    do("split www --canary 5% --site hk --reason v2")
    do("split www --canary 20% --site hk")
    do("split www --back --site hk --reason errors")
    now, *past = do("split www --site hk")[1].splitlines()
    assert now.startswith("hk: web 95%  web-next 5%  by percent  (by ") and now.endswith(": errors)")
    assert [line.partition("  (")[0] for line in past] == [
        "  before that  web 80%  web-next 20%  by percent",
        "  before that  web 95%  web-next 5%  by percent",
    ]
    assert past[0].endswith(": no reason given)") and past[1].endswith(": v2)")
    found = json.loads(do("split www --site hk --json")[1])["splits"]["hk"]
    assert [each["reason"] for each in found["past"]] == ["", "v2"]
    assert found["at"] >= found["past"][0]["at"] >= found["past"][1]["at"] > 0


def test_ready_says_which_weight_it_clears(memory: Memory, do: Do) -> None:
    memory.has(*MEMBERS, Override("api", "b1", "ready", 70, "li@x", "slow disk"))
    assert do("weight api/b1 ready --site hk")[1] == "hk: api/b1 ready: ready, weight 100 (was 70)\n"
    assert memory.override("hand/api/b1").weight is None
    assert do("weight api/b1 ready --site hk")[1] == "hk: no change\n"


def test_a_new_reason_is_kept_with_user_and_host(memory: Memory, do: Do) -> None:
    memory.has(*MEMBERS)
    do("weight api/b1 drain --site hk --reason disk")
    assert do("weight api/b1 drain --site hk --reason fan")[1] == "hk: api/b1 drain\n"
    found = memory.override("hand/api/b1")
    assert (found.reason, found.by) == ("fan", f"li@{socket.gethostname()}")


def test_members_have_a_header_and_words_only_where_somebody_said_one(memory: Memory, do: Do) -> None:
    memory.has(
        *MEMBERS,
        Override("api", "b1", "ready", None, "li@x", "", 7.5),
        Override("api", "b2", "drain", None, "wu@x"),
    )
    head, one, two = do("members api --site hk")[1].splitlines()
    assert head.split() == [
        "site",
        "pool",
        "member",
        "address",
        "weight",
        "state",
        "version",
        "agent",
        "checks",
        "tags",
    ]
    assert "by" not in one.split() and two.endswith("by wu@x: no reason given")
    assert head.index("state") == one.index("ready") == two.index("drain")
    rows = json.loads(do("members api --site hk --json")[1])["members"]
    assert [row["at"] for row in rows] == [7.5, 0.0]


def test_register_and_deregister_refuse_alike_with_and_without_dry_run(memory: Memory, do: Do) -> None:
    memory.has(*MEMBERS)
    before = dict(memory.records)
    for words, says in (
        ("register api b1 --address 10.0.0.9 --site hk", "b1 is registered in api by its host's agent"),
        ("register api b7 --address 10.0.0.2 --site hk", "10.0.0.2:8080 is that of b2"),
        ("deregister api b1 --site hk", "delete its file in register.d on that host"),
    ):
        for dry in ("", " --dry-run"):
            code, out, err = do(words + dry)
            assert (code, out) == (2, "") and says in err and "--force --reason" in err
        assert do(f"{words} --force --reason why --dry-run")[0] == 0
        with pytest.raises(BadInput, match="--force needs a reason"):
            do(f"{words} --force")
    assert memory.records == before
    assert do("deregister api b1 --site hk --force --reason gone")[0] == 0
    assert "members/api/b1" not in memory.records and memory.override("hand/api/b1").reason == "gone"
    code, _, err = do("deregister api b2 --site hk --force --reason gone")
    assert (
        code == 1 and "last-member: no other of the 1 members" in err and "members/api/b2" in memory.records
    )


@pytest.mark.parametrize(
    "words",
    [
        "members",
        "weight api/b1 drain",
        "split www",
        "register api b7 --address 10.0.0.7 --site hk",
        "deregister api b1 --site hk",
    ],
)
def test_a_name_is_that_of_a_twin(words: str, do: Do, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BadInput, match="--name names a twin"):
        do(f"{words} --name other")
    asked: list[str] = []

    def connect(name: str) -> Any:
        asked.append(name)
        raise BadInput("no such twin")

    monkeypatch.setattr("trimtab.lab.client.Lab.connect", connect)
    for more, name in (("--twin --name other", "other"), ("--twin", "shop")):
        with pytest.raises(BadInput, match="no such twin"):
            do(f"{words} {more}")
        assert asked[-1] == name
