"""A delivery to a host on paper: whole, twice, refused, killed at each of its steps."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from trimtab.daemons.artifact import Artifact
from trimtab.delivery import take, took, trial
from trimtab.delivery.generations import Generations
from trimtab.delivery.take import Delivered, deliver
from trimtab.drivers.units import Active, UnitState
from trimtab.errors import BadInput, DaemonRefused, Refused

UNIT = "thing.service"
UNIT_PATH = f"/etc/systemd/system/{UNIT}"


def files(word: str, *more: Artifact) -> tuple[Artifact, ...]:
    return (
        Artifact("/etc/thing/a.conf", f"a {word}\n", take_up="reload", unit=UNIT),
        Artifact("/etc/thing/b.conf", f"b {word}\n", mode=0o600, take_up="reload", unit=UNIT),
        Artifact(UNIT_PATH, "[Service]\n", take_up="daemon-reload", unit=UNIT),
        *more,
    )


class Killed(BaseException):
    """kill -9."""


class Daemons:
    """What runs on the host, and by which files. refuses: the word that no daemon takes up."""

    def __init__(self, root: Path, refuses: str = "never") -> None:
        self.root, self.refuses, self.runs_by, self.told = root, refuses, "", list[str]()
        self.active: dict[str, Active] = {}  # of those that are not
        self.pids = dict[str, Iterator[int]]()

    def _read(self) -> str:
        return " ".join((self.root / f"etc/thing/{name}.conf").read_text().split()[1] for name in "ab")

    async def state(self, names: Sequence[str]) -> dict[str, UnitState]:
        return {
            name: UnitState(
                name, self.active.get(name, "active"), pid=next(self.pids[name]) if name in self.pids else 1
            )
            for name in names
        }

    async def reload(self, name: str) -> None:
        self.told.append(f"reload {name}")
        if self.refuses in self._read():
            raise Refused(f"{name} does not take {self.refuses}")
        self.runs_by = self._read()

    async def restart(self, name: str) -> None:
        self.told.append(f"restart {name}")
        self.active.pop(name, None)
        self.runs_by = self._read()

    async def start(self, name: str) -> None:
        self.told.append(f"start {name}")

    async def stop(self, name: str) -> None:
        self.told.append(f"stop {name}")
        (self.root / "etc/systemd/system" / name).unlink(missing_ok=True)  # as `systemctl disable` does

    async def reread(self) -> None:
        self.told.append("reread")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(took, "STEADY_S", 0.1)
    monkeypatch.setattr(took, "LIMIT_S", 0.3)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A host that was set up by hand."""
    for artifact in files("old"):
        path = tmp_path / artifact.path.lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(artifact.content)
    return tmp_path


def give(root: Path, daemons: Daemons, new: tuple[Artifact, ...]) -> Delivered:
    return asyncio.run(deliver(new, Generations(root), daemons))


def there(root: Path) -> dict[str, str]:
    """What is below /etc/thing and the units, as a daemon reads it."""
    return {p.name: p.read_text() for f in ("etc/thing", "etc/systemd/system") for p in (root / f).iterdir()}


def test_files_are_there_and_taken_up(root: Path) -> None:
    daemons = Daemons(root)
    done = give(root, daemons, files("new"))
    assert (done.files, done.took) == (("/etc/thing/a.conf", "/etc/thing/b.conf"), (UNIT,))
    assert daemons.runs_by == "new new" and daemons.told == [f"reload {UNIT}"]
    assert (root / "etc/thing/b.conf").stat().st_mode & 0o777 == 0o600


def test_twice_changes_nothing(root: Path) -> None:
    daemons = Daemons(root)
    first = give(root, daemons, files("new"))
    daemons.told.clear()
    assert give(root, daemons, files("new")) == Delivered(first.generation)
    assert daemons.told == []


def test_a_unit_comes_and_goes(root: Path) -> None:
    other = Artifact(
        "/etc/systemd/system/other.service", "[Service]\n", take_up="daemon-reload", unit="other.service"
    )
    daemons = Daemons(root)
    give(root, daemons, files("old", other))
    assert daemons.told == ["reread", "start other.service"]
    give(root, daemons, files("old"))
    assert daemons.told[2:4] == ["reread", "stop other.service"]
    assert sorted(there(root)) == ["a.conf", "b.conf", UNIT]


def test_what_the_validator_refuses_changes_nothing(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    daemons, more = Daemons(root), Artifact("/etc/thing/c.conf", "c\n")
    give(root, daemons, files("old"))
    before = there(root)

    def no(*_: Any) -> None:
        raise DaemonRefused("c.conf refused", "")

    monkeypatch.setattr(trial, "run", no)
    with pytest.raises(DaemonRefused, match=r"c\.conf"):
        give(root, daemons, files("new", more))
    assert there(root) == before and daemons.told == []
    assert not (root / "etc/thing/c.conf").is_symlink()


def test_what_a_daemon_does_not_take_up_is_taken_back(root: Path) -> None:
    daemons, more = Daemons(root, refuses="bad"), Artifact("/etc/thing/c.conf", "c\n")
    before = there(root)
    with pytest.raises(DaemonRefused, match="does not take bad") as refused:
        give(root, daemons, files("bad", more))
    assert "old files again" in refused.value.hint
    assert there(root) == before and daemons.runs_by == "old old"
    give(root, daemons, files("new"))
    assert daemons.runs_by == "new new"


@pytest.mark.parametrize("state", ["failed", "activating"])
def test_who_does_not_run_is_begun_by_the_new_files(root: Path, state: Active) -> None:
    daemons = Daemons(root)
    daemons.active[UNIT] = state
    assert give(root, daemons, files("new")).took == (UNIT,)
    assert daemons.told == [f"restart {UNIT}"] and daemons.runs_by == "new new"


def test_who_was_stopped_stays_so(root: Path) -> None:
    daemons = Daemons(root)
    daemons.active[UNIT] = "inactive"
    done = give(root, daemons, files("new"))
    assert (done.took, done.later, daemons.told) == ((), (UNIT,), [])
    assert there(root)["a.conf"] == "a new\n"
    assert give(root, daemons, files("new")) == Delivered(done.generation)


def test_who_ends_soon_after_each_start_has_not_taken_it_up(root: Path) -> None:
    daemons = Daemons(root)
    daemons.active[UNIT], daemons.pids[UNIT] = "failed", itertools.count(1)
    before = there(root)
    with pytest.raises(DaemonRefused, match="ends soon after each start"):
        give(root, daemons, files("new"))
    assert there(root) == before


def test_what_somebody_wrote_by_hand_is_replaced_and_taken_up(root: Path) -> None:
    daemons = Daemons(root)
    give(root, daemons, files("new"))
    (root / "etc/thing/a.conf").unlink()
    (root / "etc/thing/a.conf").write_text("a byhand\n")
    done = give(root, daemons, files("new"))
    assert done.files == ("/etc/thing/a.conf",) and daemons.runs_by == "new new"


def test_a_unit_that_was_to_go_is_there_again_with_the_old_files(root: Path) -> None:
    other = Artifact(
        "/etc/systemd/system/other.service", "[Service]\n", take_up="daemon-reload", unit="other.service"
    )
    daemons = Daemons(root, refuses="bad")
    give(root, daemons, files("old", other))
    daemons.told.clear()
    before = there(root)
    with pytest.raises(DaemonRefused):
        give(root, daemons, files("bad"))
    assert "other.service" in before and there(root) == before
    assert daemons.told[1] == "stop other.service" and "start other.service" in daemons.told


def test_one_that_cannot_go_back_does_not_keep_the_others(root: Path) -> None:
    """A unit that refuses every reload, and one after it that was to go."""
    last = Artifact("/etc/systemd/system/z.service", "[Service]\n", take_up="daemon-reload", unit="z.service")
    daemons = Daemons(root, refuses="")
    give(root, daemons, files("old", last))
    daemons.told.clear()
    with pytest.raises(DaemonRefused) as refused:
        give(root, daemons, files("new"))
    assert f"but {UNIT} does not take" in refused.value.hint
    assert daemons.told[-2:] == [f"reload {UNIT}", "start z.service"]


def test_one_delivery_at_a_time(root: Path) -> None:
    shelf = Generations(root)
    with shelf.locked(), pytest.raises(BadInput, match="another delivery"):
        give(root, Daemons(root), files("new"))


STEPS = ("put", "adopt", "link", "lead", "sweep", "_point", "_unlink")


def dying(shelf: Generations, at: int, before: bool) -> None:
    """The process is killed at the step number `at`, just before it or just after."""
    count = itertools.count()

    def wrap(step: Callable[..., Any]) -> Callable[..., Any]:
        def run(*arguments: Any) -> Any:
            number = next(count)
            if number == at and before:
                raise Killed
            result = step(*arguments)
            if number == at:
                raise Killed
            return result

        return run

    for name in STEPS:
        setattr(shelf, name, wrap(getattr(shelf, name)))


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("next_word", ["new", "old", "third"])
def test_killed_anywhere_it_is_the_old_or_the_new_and_the_next_ends_it(
    root: Path, before: bool, next_word: str
) -> None:
    """The next delivery is the same one again, the way back, or another."""
    more = Artifact("/etc/thing/c.conf", "c\n")
    for at in range(60):
        daemons = Daemons(root)
        give(root, daemons, files("old"))
        daemons.runs_by = "old old"
        shelf = Generations(root)
        dying(shelf, at, before)
        try:
            asyncio.run(deliver(files("new", more), shelf, daemons))
        except Killed:
            found = there_if_whole(root)
            assert {found["a.conf"].split()[1], found["b.conf"].split()[1]} in ({"old"}, {"new"})
        else:
            assert at > 5
            break
        give(root, daemons, files(next_word))
        assert daemons.runs_by == f"{next_word} {next_word}"
        assert sorted(there(root)) == ["a.conf", "b.conf", UNIT]
    else:
        raise AssertionError("it never came to its end")


def there_if_whole(root: Path) -> dict[str, str]:
    """As `there`; a link that leads nowhere is no file."""
    return {p.name: p.read_text() for p in (root / "etc/thing").iterdir() if p.exists()}


def test_the_host_part_needs_nothing_that_an_agent_has_not() -> None:
    import subprocess
    import sys

    heavy = ("pydantic", "jinja2", "yaml", "cryptography", "typer")
    code = f"import sys, trimtab.delivery.take; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    assert take.__doc__
