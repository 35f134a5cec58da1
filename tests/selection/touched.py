"""Which drills a change can touch, by the files that it changes. Where nothing is known of a file, it touches all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatch
from pathlib import PurePath

from trimtab.drills.checkers import CHECKERS
from trimtab.drills.faults import FAULTS
from trimtab.drills.probes import PROBES
from trimtab.drills.scenario import Inject, Prepare, Scenario

# What no twin runs and no verdict hangs on; `*` stands for folders too.
NO_DRILL = (
    "*.md", ".ci/*", ".gitignore", "bench/*", "src/trimtab/checks/*", "src/trimtab/timing/*",
    "src/trimtab/drills/report/*", "src/trimtab/drills/report_text.py", "src/trimtab/cli/check.py",
    "src/trimtab/cli/explain.py", "src/trimtab/cli/timing.py", "src/trimtab/cli/compare.py", "src/trimtab/cli/init.py",
    "src/trimtab/cli/schema.py", "scripts/demo", "scripts/lock", "scripts/new_rule", "scripts/test", "scripts/test-fresh",
)  # fmt: skip
TESTS, OF_TWINS = "tests/", "tests/twin/"
SCENARIOS = "src/trimtab/drills/scenarios/"


def touched(changed: Iterable[str], scenarios: Mapping[str, Scenario]) -> frozenset[str]:
    """Names of scenarios. changed: paths below the checkout's root, of files that are gone as well."""
    found: set[str] = set()
    for path in changed:
        found.update(_by(path, scenarios))
    return frozenset(found)


def _by(path: str, scenarios: Mapping[str, Scenario]) -> Iterable[str]:
    if any(fnmatch(path, pattern) for pattern in NO_DRILL):
        return ()
    if path.startswith(TESTS) and not path.startswith(OF_TWINS):
        return ()
    if path.startswith(SCENARIOS):
        return {PurePath(path).stem} & scenarios.keys()
    kinds, checkers = _modules(path)
    if kinds or checkers:
        return {
            name
            for name, each in scenarios.items()
            if kinds & set(_kinds(each)) or checkers & each.claims.keys()
        }
    return scenarios


def _kinds(scenario: Scenario) -> Iterator[str]:
    return (step.kind for step in scenario.steps if isinstance(step, Prepare | Inject))


def _modules(path: str) -> tuple[frozenset[str], frozenset[str]]:
    """The kinds of fault and the claims that live in this file; a file from which others take something has none."""
    module = path.removeprefix("src/").removesuffix(".py").replace("/", ".")
    kinds = frozenset(name for name, kind in FAULTS.items() if type(kind).__module__ == module)
    heard = frozenset(name for name, look in PROBES.items() if look.__module__ == module)
    claims = frozenset(
        each.name
        for each in CHECKERS
        if type(each).__module__ == module or getattr(each, "probe", "") in heard
    )
    return kinds, claims
