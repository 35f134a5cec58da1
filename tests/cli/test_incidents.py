"""`trimtab incidents` on an estate's store in memory: what is listed, what is told of one, what is refused."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.cli_kit import SHOP, follows_its_schema, run
from trimtab.cli import estate_store
from trimtab.cli.app import app
from trimtab.errors import BadInput, EnvironmentUnable
from trimtab.ops.incidents.incident import Incident
from trimtab.ops.incidents.record import Open, encode, key_of
from trimtab.ops.incidents.review import review
from trimtab.registry.base import Snapshot

NOW = 1_800_000_000.0
TEXT = "unreachable, say 2 of 3 vantage points"
Do = Callable[[str], tuple[int, str, str]]


class Memory:
    """The estate's store."""

    def __init__(self) -> None:
        self.records: dict[str, bytes] = {}

    def has(self, *records: Incident | Open) -> None:
        self.records |= {key_of(record): encode(record) for record in records}

    async def read(self) -> Snapshot:
        return Snapshot(1, dict(self.records))

    async def close(self) -> None:
        """Nothing is open."""


@pytest.fixture
def memory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Memory]:
    """This machine is a host of the estate, and its clock is set to UTC."""
    found = Memory()
    (tmp_path / "file").write_text("")
    for name in ("CA", "CERTIFICATE", "KEY", "PASSWORD"):
        monkeypatch.setattr(estate_store, name, str(tmp_path / "file"))
    monkeypatch.setattr("trimtab.registry.engines.connect", lambda access: found)
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "UTC")
        time.tzset()
        yield found
    time.tzset()


@pytest.fixture
def whole(memory: Memory, capsys: pytest.CaptureFixture[str]) -> Do:
    """Any command."""

    def typed(words: str) -> tuple[int, str, str]:
        code: Any = app([*words.split(), "-e", str(SHOP)], standalone_mode=False)
        said = capsys.readouterr()
        return code, said.out, said.err

    return typed


@pytest.fixture
def do(memory: Memory, capsys: pytest.CaptureFixture[str]) -> Do:
    def typed(words: str) -> tuple[int, str, str]:
        code: Any = app(["incidents", *words.split(), "-e", str(SHOP)], standalone_mode=False)
        said = capsys.readouterr()
        if "--json" in words:
            follows_its_schema(["incidents"], said.out)
        return code, said.out, said.err

    return typed


def incident(number: int, site: str = "hk", at: float = NOW, closed: float = 0.0) -> Incident:
    state: Any = "closed" if closed else "acted"
    made = Incident(
        number, site, state, "unreachable", "serving" if closed else "not serving", at - 2, at - 1, at,
        closed=closed, verified=closed and closed - 30, said=("la: no answer within 1 s",),
    )  # fmt: skip
    made = made.told("detected", at, TEXT).told("acted", at + 9, f"{site} is drained, by ann@ops: fibre")
    return made.told("closed", closed, "it has served for 30 s") if closed else made


def test_the_list_begins_with_the_newest(memory: Memory, do: Do) -> None:
    memory.has(incident(3, closed=NOW + 192), incident(12, "la", NOW + 500), Open("la", 12))
    code, out, err = do("")
    head, first, second = out.splitlines()
    assert (code, err) == (0, "")
    assert head.split() == ["ID", "site", "class", "state", "detected", "away", "last"]
    assert first.split()[:7] == ["12", "la", "unreachable", "acted", "2027-01-15", "08:08:20", "until"]
    assert first.endswith("la is drained, by ann@ops: fibre")
    assert " ".join(second.split()[:10]) == "3 hk unreachable closed 2027-01-15 08:00:00 2 min 43 s"
    assert head.index("state") == first.index("acted") == second.index("closed")


def test_those_that_are_open(memory: Memory, do: Do) -> None:
    memory.has(incident(3, closed=NOW + 60))
    assert do("--open") == (0, "no incident is open\n", "")
    memory.has(incident(12, "la"), Open("la", 12), incident(13, "sg"))
    rows = json.loads(do("--open --json")[1])["incidents"]
    assert [(row["id"], row["site"], row["open"]) for row in rows] == [(12, "la", True)]
    assert "not closed" in do("")[1], "13 has lost its pointer: nobody follows it"


@pytest.mark.parametrize("words", ["status", "why hk"])
def test_whoever_looks_at_the_site_is_led_to_the_one_that_is_open(
    words: str, memory: Memory, whole: Do
) -> None:
    memory.has(incident(3), Open("hk", 3), incident(4, "sg", closed=NOW + 60))
    said = whole(words)[1]
    assert (
        "incident 3 is open: hk was found unreachable at 2027-01-15 07:59:59, acted since: `trimtab incidents 3`"
        in said
    )
    assert "incident 4" not in said
    assert "incident" not in whole("why sg")[1]


def test_the_list_as_json(memory: Memory, do: Do) -> None:
    memory.has(incident(3, closed=NOW + 60.5))
    assert json.loads(do("--json")[1]) == {
        "incidents": [
            {
                "id": 3, "site": "hk", "class": "unreachable", "state": "closed", "open": False, "detected": NOW,
                "verified": NOW + 30.5, "closed": NOW + 60.5, "seconds": 60.5, "away": 31.5, "last": "it has served for 30 s",
            }
        ]
    }  # fmt: skip


def test_nothing_happened(memory: Memory, do: Do) -> None:
    assert do("") == (0, "nothing happened that is known\n", "")
    assert json.loads(do("--json")[1]) == {"incidents": []}


def test_what_cannot_be_read_is_said_and_hides_nothing_else(memory: Memory, do: Do) -> None:
    memory.has(incident(3))
    memory.records |= {"incident/0000000004": b"{", "incident/x": b"", "open/hk": b"{"}
    code, out, err = do("")
    assert (code, len(out.splitlines()), err) == (0, 2, "1 incidents in the store cannot be read\n")
    with pytest.raises(BadInput, match="incident 4 cannot be read"):
        do("4")


def test_one_with_every_event_and_its_time(memory: Memory, do: Do) -> None:
    memory.has(incident(3, closed=NOW + 192))
    assert do("3")[1].splitlines() == [
        "3: hk, unreachable: nothing of it answers",
        "it is over: closed, after 2 min 43 s in which it did not serve",
        f"  2027-01-15 08:00:00  detected   {TEXT}",
        "  2027-01-15 08:00:09  acted      hk is drained, by ann@ops: fibre",
        "  2027-01-15 08:03:12  closed     it has served for 30 s",
        "  said by la: no answer within 1 s",
    ]
    assert do("0000000003") == do("3")


def test_one_as_json_and_as_a_page(memory: Memory, do: Do) -> None:
    found = incident(12, "la")
    memory.has(found, Open("la", 12))
    body = json.loads(do("12 --json")[1])
    assert (body["id"], body["class"], body["detected"], body["open"]) == (12, "unreachable", NOW, True)
    assert body["events"][0] == {"at": NOW, "kind": "detected", "text": TEXT}
    assert do("12 --review")[1] == review(found)


def test_there_is_no_such_one(memory: Memory, do: Do) -> None:
    with pytest.raises(BadInput, match="no incident 7") as caught:
        do("7")
    assert caught.value.hint == "there is none"
    memory.has(incident(3), incident(5))
    with pytest.raises(BadInput) as caught:
        do("7")
    assert caught.value.hint == "3 to 5 are kept"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("--review", "--review is of one incident"),
        ("3 --open", "--open is for the list"),
        ("3 --review --json", "exclude each other"),
        ("--name other", "--name names a twin"),
    ],
)
def test_options_that_say_nothing_together(memory: Memory, do: Do, words: str, says: str) -> None:
    with pytest.raises(BadInput, match=says):
        do(words)


def test_a_machine_outside_the_estate_says_what_it_lacks(do: Do, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(estate_store, "CA", "/nowhere/ca.crt")
    with pytest.raises(EnvironmentUnable, match=r"/nowhere/ca\.crt cannot be read"):
        do("")


def test_a_number_below_one_is_bad_input() -> None:
    done = run("incidents", "0", "-e", str(SHOP))
    assert done.returncode == 2 and "Traceback" not in done.stderr
