"""What `scripts/test --full` may be told: --journal, --resume, --since COMMIT, --shard I/N. The order for several workers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import settings

from tests.selection.journal import PASSED, Journal, JournalUnfit, changed_since, code_of
from tests.selection.order import mixed
from tests.selection.shard import Shard
from tests.selection.touched import touched
from trimtab.drills.scenario_file import builtin

ROOT = Path(__file__).parents[1]
FILE = ROOT / ".journal" / "full.jsonl"

# Two workers share a processor: how long one example takes says nothing about our code.
settings.register_profile("shared", deadline=None)
settings.load_profile("shared")


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("selection", "which of the tests run")
    group.addoption(
        "--journal", action="store_true", help=f"note in {FILE.relative_to(ROOT)} what each came to"
    )
    group.addoption(
        "--resume", action="store_true", help="go on with that journal: what has passed is left out"
    )
    group.addoption(
        "--since", metavar="COMMIT", help="of the drills only those that a change since then can touch"
    )
    group.addoption("--shard", metavar="I/N", help="the I-th of N shares")


def pytest_configure(config: pytest.Config) -> None:
    with told():
        config.pluginmanager.register(Selection(config), "trimtab-selection")
        if hasattr(config, "workerinput"):
            config.pluginmanager.register(Order(), "trimtab-order")
        elif config.getoption("--journal"):  # workers report to who began them
            config.pluginmanager.register(Notes(Journal(FILE, code_of(ROOT))), "trimtab-journal")


@contextmanager
def told() -> Iterator[None]:
    """Bad input ends with 2 and a sentence, not with a traceback."""
    try:
        yield
    except (JournalUnfit, ValueError) as error:
        pytest.exit(str(error), returncode=2)


class Selection:
    """Read before anything is collected, so that what cannot be done is said at once."""

    def __init__(self, config: pytest.Config) -> None:
        commit, shard = config.getoption("--since"), config.getoption("--shard")
        self._drills = touched(changed_since(ROOT, commit), builtin()) if commit else None
        self._shard = Shard.parse(shard) if shard else None
        resumed = config.getoption("--resume")
        self._passed = Journal(FILE, code_of(ROOT)).passed() if resumed else frozenset()

    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        chosen = [item for item in items if self._touched(item)]
        if self._shard:
            chosen = self._shard.share(chosen)
        chosen = [item for item in chosen if item.nodeid not in self._passed]
        left = set(items) - set(chosen)
        config.hook.pytest_deselected(items=[item for item in items if item in left])
        items[:] = chosen

    def _touched(self, item: pytest.Item) -> bool:
        """Whatever is not a drill is."""
        name = _drill(item)
        return self._drills is None or name is None or name in self._drills


class Order:
    """Of what goes to several workers."""

    @pytest.hookimpl(trylast=True)  # when it is known what is left
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items[:] = mixed(
            items,
            lambda item: item.nodeid.partition("::")[0],
            lambda item: any(map(item.get_closest_marker, ("daemon", "twin"))),
        )


def _drill(item: pytest.Item) -> str | None:
    """The scenario that a test of a twin plays."""
    called = getattr(item, "callspec", None)
    name = called.params.get("name") if called and item.get_closest_marker("twin") else None
    return name if isinstance(name, str) else None


class Notes:
    """Writes a line when a test is over, with its set-up and what comes after it."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._running: dict[str, list[pytest.TestReport]] = {}
        journal.open()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        reports = self._running.setdefault(report.nodeid, [])
        reports.append(report)
        if report.when == "teardown":
            del self._running[report.nodeid]
            worse = [each.outcome for each in reports if each.outcome != PASSED]
            self._journal.note(
                report.nodeid, worse[0] if worse else PASSED, sum(each.duration for each in reports)
            )
