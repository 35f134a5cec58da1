"""`undrain POOL/MEMBER` and `drain` of what no route leads to: what is written, what is said, and the exit code."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Do, Memory
from tests.cli.test_overrides_ask import OUTSIDE, decisions, members
from trimtab.cli.app import app
from trimtab.errors import BadInput, Denied
from trimtab.ops.drain.standing import decisions_in
from trimtab.registry.base import Write
from trimtab.registry.record import Alive, FrontState, HostState, Member, Override

UNDRAIN = "undrain api/b1 --site hk --reason done --over"
OUT = Override("api", "b1", "drain", None, "ann", "a new kernel", 1.0)
HALFWAY = Override("api", "b1", "ready", 40, "ann", "undrain, step 2 of 5", 1.0)


@pytest.mark.parametrize("over", ["0", "0.01"])
@pytest.mark.parametrize("stood", [OUT, HALFWAY])
def test_one_that_is_back_at_its_full_share_is_a_success(
    stood: Override, over: str, memory: Memory, store: Memory, do: Do
) -> None:
    memory.has(*members(3), stood)
    store.down = True  # it takes nothing from anybody: nobody is asked
    code, out, err = do(f"{UNDRAIN} {over}")
    assert (code, err) == (0, "") and out.endswith("done      api/b1 takes part again\n")
    assert [line.split("takes ")[1] for line in out.splitlines() if "  ramp" in line] == [
        f"{share} % of its share" for share in (20, 40, 60, 80) if over != "0"
    ]
    override = memory.override("hand/api/b1")
    assert (override.state, override.weight, override.reason) == ("ready", None, "done")
    with pytest.raises(Denied, match="api/b1 is not drained"):
        do(f"{UNDRAIN} {over}")


def test_whoever_was_not_there_reads_that_it_was_brought_back(memory: Memory, store: Memory, do: Do) -> None:
    memory.has(*members(3), OUT)
    assert do(f"{UNDRAIN} 0")[0] == 0
    (told,) = decisions_in(store.records)
    assert (told.outcome, told.act, told.request.target) == ("done", "undrain-member", "api/b1")


def test_its_reply_is_for_programs(memory: Memory, do: Do) -> None:
    memory.has(*members(3), OUT)
    code, out, _ = do(f"{UNDRAIN} 0.01 --json")
    *told, reply = map(json.loads, out.splitlines())
    assert {each["event"] for each in told} == {"step"} and reply["event"] == "ended"
    assert (code, reply["done"], reply["why"]) == (0, True, "api/b1 takes part again")
    assert [each["step"] for each in reply["steps"]] == ["ramp"] * 4 + ["done"]


def test_a_weight_of_an_operators_own_comes_back_at_once(memory: Memory, do: Do) -> None:
    memory.has(*members(3), Override("api", "b1", "drain", 70, "ann"))
    code, out, _ = do(f"{UNDRAIN} 100")
    assert code == 0 and "ramp" not in out and memory.override("hand/api/b1").weight == 70


def test_who_drains_it_meanwhile_has_the_last_word(
    memory: Memory, do: Do, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Granted, told that it may be stopped, and stopped: nobody may send requests there again."""
    memory.has(*members(3), OUT)
    word, write = (
        Override("api", "b1", "drain", None, "eve@hk-registry-1", "its disk is dying", 2.0),
        memory.write,
    )

    async def meanwhile(change: Write) -> int:
        if "undrain, step 3" in change.put.get("hand/api/b1", b"").decode():
            memory.has(word)
        return await write(change)

    monkeypatch.setattr(memory, "write", meanwhile)
    code, out, _ = do(f"{UNDRAIN} 0.01")
    assert code == 1 and out.splitlines()[-1].endswith(
        "not done  eve@hk-registry-1 has said another word of b1 meanwhile (drain: its disk is dying);"
        " nothing more is written"
    )
    assert memory.override("hand/api/b1") == word


def test_a_drain_of_one_halfway_back_forgets_the_share_it_had(memory: Memory, store: Memory, do: Do) -> None:
    told = [FrontState(f"hk-proxy-{n}", n == 1, False, {"api/b1": 0}) for n in (1, 2)]
    for words in ("drain api/b1 --site hk --reason disk", "weight api/b1 drain --site hk --reason disk"):
        memory.records.clear()
        memory.has(*members(3), HALFWAY, *told)
        do(words)
        override = memory.override("hand/api/b1")
        assert (override.state, override.weight, override.reason) == ("drain", None, "disk"), words


@pytest.fixture
def outside(tmp_path: Path, memory: Memory, capsys: pytest.CaptureFixture[str]) -> Do:
    """An estate with a pool that no route leads to, of two members that are well."""
    path = tmp_path / "outside.yaml"
    path.write_text(OUTSIDE)
    for n in (1, 2):
        memory.has(Member("beside", f"b{n}", f"10.0.0.{n}", 80, n), Alive("beside", f"b{n}"))
        memory.has(FrontState(f"one-proxy-{n}", n == 1, False, {}), HostState(f"one-proxy-{n}"))

    def do(words: str) -> tuple[int, str, str]:
        code: Any = app([*words.split(), "-e", str(path)], standalone_mode=False)
        said = capsys.readouterr()
        return code, said.out, said.err

    return do


def test_a_member_that_no_route_leads_to_is_drained_without_asking(
    outside: Do, memory: Memory, store: Memory
) -> None:
    store.down = True
    code, out, _ = outside("drain beside/b1 --reason disk")
    assert code == 0 and out.startswith("no proxy of one has a route to beside/b1, so nobody is asked\n")
    assert out.endswith("done      no proxy has a route to beside/b1; it may be stopped\n")
    override = memory.override("hand/beside/b1")
    assert (override.state, override.reason) == ("drain", "disk")
    with pytest.raises(Denied, match="beside/b1 is drained already"):
        outside("drain beside/b1 --reason again")
    assert memory.override("hand/beside/b1") == override
    assert (
        outside("undrain beside/b1 --over 0")[0] == 0 and memory.override("hand/beside/b1").state == "ready"
    )


def test_the_floors_of_the_registry_hold_there_too(outside: Do, memory: Memory, store: Memory) -> None:
    assert outside("drain beside/b1")[0] == 0
    for more in ("", " --dry-run", " --force --reason why"):
        with pytest.raises(BadInput, match="no member would remain in beside: b2 is the last of 2"):
            outside("drain beside/b2" + more)
    with pytest.raises(BadInput, match="no member 'b9' in this pool"):
        outside("drain beside/b9")
    assert memory.kept("hand") == ["hand/beside/b1"] and not decisions(store)


def test_a_dry_run_of_it_writes_nothing(outside: Do, memory: Memory, store: Memory) -> None:
    before = dict(memory.records)
    code, out, _ = outside("drain beside/b1 --dry-run")
    assert code == 0 and out.endswith("beside/b1: would be granted\n")
    reply = json.loads(outside("drain beside/b1 --dry-run --json")[1])
    assert reply["granted"] and reply["dry_run"] and reply["target"] == "beside/b1"
    assert memory.records == before and not store.records


def test_a_pool_without_a_route_whose_name_another_pool_discovers_is_asked_for_there(
    tmp_path: Path, memory: Memory, store: Memory, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "routed.yaml"
    routes = "routes: [{path: /old/, pool: old}, {pool: cdn}]"
    text = OUTSIDE.replace("routes: [{pool: cdn}]", routes)
    path.write_text(text + "  old: {discover: beside, port: 8080}\n")
    for n in (1, 2):
        memory.has(Member("beside", f"b{n}", f"10.0.0.{n}", 80, n), Alive("beside", f"b{n}"))
        memory.has(FrontState(f"one-proxy-{n}", n == 1, False, {"old/b1": 0}))
    code: Any = app(["drain", "beside/b1", "-e", str(path)], standalone_mode=False)
    assert code == 0 and "nothing is under way to beside/b1; it may be stopped" in capsys.readouterr().out
    assert [each.request.target for each in decisions(store)] == ["old/b1"]
