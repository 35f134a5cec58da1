"""Which of the long tests run: the journal, the shares, and what a change can touch."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.selection.journal import Code, Journal, JournalUnfit, changed_since, code_of
from tests.selection.order import LONG, mixed
from tests.selection.shard import Shard
from tests.selection.touched import touched
from trimtab.drills.scenario_file import builtin

ROOT = Path(__file__).parents[2]
CODE = Code("a" * 40, "")
ALL = frozenset(builtin())


def test_what_has_passed_is_known_after_a_kill(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "deep" / "full.jsonl", CODE)
    journal.open()
    journal.note("tests/a.py::one", "passed", 1.0)
    journal.note("tests/a.py::two", "failed", 1.0)
    journal.note("tests/a.py::three", "skipped", 0.0)
    with journal.file.open("a") as out:
        out.write('{"test": "tests/a.py::four", "outc')  # killed here
    assert journal.passed() == {"tests/a.py::one"}
    Journal(journal.file, CODE).open()
    assert journal.passed() == {"tests/a.py::one"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "begin one without --resume"),
        ("", "is no journal"),
        ("[1]\n", "is no journal"),
        ('{"commit": "' + "b" * 40 + '", "changes": ""}\n', "--since bbbbbbbbbbbb"),
        ('{"commit": "' + "a" * 40 + '", "changes": "0123"}\n', "with changes 0123"),
    ],
)
def test_a_journal_that_does_not_fit_is_told_and_gives_way(
    tmp_path: Path, text: str | None, said: str
) -> None:
    journal = Journal(tmp_path / "full.jsonl", CODE)
    if text is not None:
        journal.file.write_text(text)
    with pytest.raises(JournalUnfit, match=said):
        journal.passed()
    journal.open()
    assert journal.passed() == frozenset()


def test_files_that_wait_are_spread_among_those_that_compute() -> None:
    def names(*parts: str) -> list[str]:
        return [f"{part}::{test}" for part in parts for test in ("x", "y")]

    computing, waiting = [f"c{n}" for n in range(6)], ["w1", "w2"]
    tests = [*names(*waiting), f"{waiting[0]}::plain", *names(*computing), *names(*LONG[:1])]
    found = mixed(tests, lambda test: test.partition("::")[0], lambda test: test.startswith("w"))
    assert sorted(found) == sorted(tests)
    files = list(dict.fromkeys(test.partition("::")[0] for test in found))
    assert files == [LONG[0], "c0", "c1", "w1", "c2", "c3", "w2", "c4", "c5"]
    assert found[6:9] == ["w1::x", "w1::y", "w1::plain"], "a file stays together, in its order"
    assert mixed([], str, bool) == []


def test_the_long_files_are_there() -> None:
    assert [name for name in LONG if not (ROOT / name).is_file()] == []


def test_shares_are_whole_and_apart() -> None:
    tests = list(range(11))
    shares = [Shard(number, 3).share(tests) for number in (1, 2, 3)]
    assert sorted(test for share in shares for test in share) == tests
    assert {len(share) for share in shares} <= {3, 4}


@pytest.mark.parametrize("text", ["0/3", "4/3", "1", "1/0", "a/b", "-1/2", "1/2/3", ""])
def test_a_share_outside_its_range_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="--shard"):
        Shard.parse(text)


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("docs/estate.md", frozenset()),
        ("src/trimtab/checks/rules/one_proxy.py", frozenset()),
        ("tests/cli/test_check.py", frozenset()),
        ("src/trimtab/drills/scenarios/proxy-hang.yaml", frozenset({"proxy-hang"})),
        ("src/trimtab/drills/scenarios/gone.yaml", frozenset()),
        ("src/trimtab/drills/faults/estate_loss.py", frozenset({"estate-store-loss"})),
        ("src/trimtab/drills/faults/targets.py", ALL),
        ("src/trimtab/daemons/haproxy/config.py", ALL),
        ("tests/twin/drill_kit.py", ALL),
        ("something/new.txt", ALL),
    ],
)
def test_what_a_change_touches(path: str, names: frozenset[str]) -> None:
    assert touched([path], builtin()) == names


def test_who_judges_touches_the_drills_that_claim_it() -> None:
    releases = touched(["src/trimtab/drills/checkers/releases.py"], builtin())
    assert releases == touched(["src/trimtab/drills/probes/releases.py"], builtin())
    assert "registry-version-upgrade" in releases and "proxy-hang" not in releases
    assert releases == {name for name, each in builtin().items() if "releases" in each.claims}


def test_every_claim_and_every_fault_has_a_file_of_which_its_drills_are_known() -> None:
    kinds = {path.stem for path in (ROOT / "src/trimtab/drills/faults").glob("*.py")}
    known = [name for name in kinds if touched([f"src/trimtab/drills/faults/{name}.py"], builtin()) != ALL]
    assert len(known) > 15


def test_a_machine_without_git_is_told_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(JournalUnfit, match="apt-get install git"):
        changed_since(tmp_path, "HEAD")


def test_a_checkout_has_a_code_and_its_changes(tmp_path: Path) -> None:
    def git(*words: str) -> None:
        subprocess.run(
            ["git", "-c", "user.name=a", "-c", "user.email=a@b.example", *words], cwd=tmp_path, check=True
        )

    git("init", "-q")
    (tmp_path / "one").write_text("1")
    git("add", ".")
    git("commit", "-qm", "first")
    first = code_of(tmp_path)
    assert first.changes == "" and changed_since(tmp_path, first.commit) == ()
    (tmp_path / "two").write_text("2")
    second = code_of(tmp_path)
    assert second.commit == first.commit and second.changes
    assert changed_since(tmp_path, first.commit) == ("two",)
    (tmp_path / "two").write_text("3")
    assert code_of(tmp_path) not in (first, second)
    with pytest.raises(JournalUnfit, match="nothing-such"):
        changed_since(tmp_path, "nothing-such")


@pytest.mark.parametrize(
    ("words", "said"),
    [(["--shard", "3/2"], "I goes from 1 to N"), (["--since", "nothing-such"], "nothing-such")],
)
def test_what_cannot_be_done_ends_with_two_and_a_sentence(words: list[str], said: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/selection", *words],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2, done.stdout + done.stderr
    assert said in done.stdout + done.stderr and "Traceback" not in done.stdout + done.stderr
