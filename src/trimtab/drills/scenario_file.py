"""Read a scenario from YAML: the ones that come with Trimtab, and the user's own. Every fault at its line."""

from __future__ import annotations

from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Any

from trimtab.drills.faults import FAULTS
from trimtab.drills.scenario import (
    BUSIEST,
    CLAIMS,
    CONDUCT,
    COUNTS,
    OBJECTIVES,
    Inject,
    Load,
    Observe,
    Prepare,
    Restore,
    Scenario,
    Step,
    WaitReady,
)
from trimtab.errors import BadInput
from trimtab.estate.fault import Fault, Loc
from trimtab.estate.quantity import parse_duration
from trimtab.estate.tree import Tree, read_tree

ARGUMENTS = ("site", "upstream")
FIRST = "first"


class BadScenario(BadInput):
    """Every fault of a scenario file, with file and line."""

    def __init__(self, faults: list[Fault]) -> None:
        self.faults = tuple(sorted(set(faults)))
        super().__init__(
            "\n".join(map(str, self.faults)), "see the scenarios that come with trimtab: trimtab drill list"
        )


def builtin() -> dict[str, Scenario]:
    """The scenarios that come with Trimtab, by name."""
    folder = resources.files("trimtab.drills") / "scenarios"
    files = [file for file in folder.iterdir() if file.name.endswith(".yaml")]
    found = [read_scenario(file.read_text(encoding="utf-8"), str(file)) for file in files]
    return {scenario.name: scenario for scenario in sorted(found, key=lambda one: one.name)}


def find(name: str) -> Scenario:
    """A built-in scenario, or one in a file whose path ends in .yaml. Raises BadInput."""
    if name.endswith((".yaml", ".yml")):
        return read_scenario(_text(Path(name)), name)
    known = builtin()
    if name not in known:
        raise BadInput(f"no scenario {name!r}", f"there are: {', '.join(known)}; or a path to a .yaml file")
    return known[name]


def _text(path: Path) -> str:
    hint = "a scenario is a readable UTF-8 text file"
    try:
        if path.exists() and not path.is_file():  # a pipe would keep us waiting
            raise BadInput(f"{path}: not a regular file", hint)
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror}", hint) from error
    except ValueError as error:
        raise BadInput(f"{path}: {error}", hint) from error


def read_scenario(text: str, file: str) -> Scenario:
    """Parse one. Raises BadScenario with every fault at its line."""
    tree = read_tree(text, file)
    reader = _Reader(tree)
    scenario = reader.scenario() if not tree.faults else None
    if tree.faults or scenario is None:
        raise BadScenario(tree.faults)
    return scenario


class _Reader:
    """Reads the text tree; what is wrong becomes a fault of the tree and a harmless stand-in value."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree

    def scenario(self) -> Scenario | None:
        root = self._map((), ("name", "shows", "arguments", "steps", "claims"), ("arguments",))
        arguments = self._map(("arguments",), ARGUMENTS, ARGUMENTS) if "arguments" in root else {}
        claims = self._map(("claims",), CLAIMS, CLAIMS)
        steps = root.get("steps")
        if not isinstance(steps, list):
            self.tree.fault(("steps",), "a list of steps is expected")
            return None
        read = [self._step(("steps", number), step) for number, step in enumerate(steps)]
        found = tuple(step for step in read if step is not None)
        self._order(found)
        limits = {name: self._limit(("claims", name), text) for name, text in claims.items()}
        site = self._text(("arguments", "site"), arguments.get("site", BUSIEST))
        if arguments.get("upstream", FIRST) != FIRST:
            hint = f"`{FIRST}`; another is named by --upstream"
            self.tree.fault(("arguments", "upstream"), f"got `{arguments['upstream']}`", hint)
        return Scenario(
            self._text(("name",), root.get("name")),
            self._text(("shows",), root.get("shows")),
            site,
            found,
            limits,
            tuple(dict.fromkeys(("site", *arguments))),
        )

    def _map(self, loc: Loc, known: tuple[str, ...], optional: tuple[str, ...] = ()) -> dict[str, Any]:
        value = self.tree.root
        for part in loc:
            value = value.get(part) if isinstance(value, dict) else None
        return self._checked(loc, value, known, optional)

    def _checked(
        self, loc: Loc, value: Any, known: tuple[str, ...], optional: tuple[str, ...]
    ) -> dict[str, Any]:
        if not isinstance(value, dict):
            self.tree.fault(loc, "a map of keys is expected", f"keys: {', '.join(known)}")
            return {}
        for key in value:
            if key not in known:
                self.tree.fault((*loc, key), "unknown key", f"known here: {', '.join(known)}")
        for key in known:
            if key not in value and key not in optional:
                self.tree.fault(loc, f"the key `{key}` is missing")
        return {key: value[key] for key in value if key in known}

    def _step(self, loc: Loc, value: Any) -> Step | None:
        kind = next(iter(value), "") if isinstance(value, dict) else ""
        readers: dict[
            str, tuple[tuple[str, ...], tuple[str, ...], Callable[[Loc, dict[str, Any]], Step | None]]
        ] = {
            "load": (("load",), (), lambda at, found: Load(self._seconds(at, found, "load"))),
            "prepare": (("prepare", "of"), (), lambda at, found: self._fault(at, found, "prepare", Prepare)),
            "fault": (("fault", "of"), (), lambda at, found: self._fault(at, found, "fault", Inject)),
            "observe": (("observe", "at_most"), ("at_most",), self._observe),
            "restore": (("restore",), (), lambda at, found: Restore()),
            "wait": (
                ("wait", "at_most"),
                (),
                lambda at, found: WaitReady(self._seconds(at, found, "at_most")),
            ),
        }
        if kind not in readers:
            self.tree.fault(loc, "a step begins with its verb", f"one of {', '.join(readers)}")
            return None
        known, optional, read = readers[kind]
        checked = self._checked(loc, value, known, optional)
        return read(loc, checked) if all(key in checked for key in known if key not in optional) else None

    def _fault(
        self, loc: Loc, found: dict[str, Any], key: str, make: Callable[[str, str], Step]
    ) -> Step | None:
        kind = FAULTS.get(str(found[key]))
        if kind is None:
            self.tree.fault((*loc, key), f"got `{found[key]}`", f"one of {', '.join(FAULTS)}")
            return None
        if found["of"] not in kind.targets:
            self.tree.fault((*loc, "of"), f"got `{found['of']}`", f"one of {', '.join(kind.targets)}")
            return None
        return make(kind.kind, found["of"])

    def _observe(self, loc: Loc, found: dict[str, Any]) -> Step:
        least = self._seconds(loc, found, "observe")
        most = self._seconds(loc, found, "at_most") if "at_most" in found else least
        if most < least:
            self.tree.fault((*loc, "at_most"), "at_most is shorter than observe")
        return Observe(least, most)

    def _seconds(self, loc: Loc, found: dict[str, Any], key: str) -> float:
        try:
            return parse_duration(found[key])
        except ValueError as error:
            self.tree.fault((*loc, key), f"got `{found[key]}`: {error}")
            return 0.0

    def _limit(self, loc: Loc, value: Any) -> str | float:
        """A word of conduct, an objective's name, a duration, or a whole number of orders or requests."""
        name = str(loc[-1])
        if name in CONDUCT:
            if value not in CONDUCT[name]:
                self.tree.fault(loc, f"got `{value}`", f"one of {', '.join(CONDUCT[name])}")
            return str(value)
        counts = name in COUNTS
        if value in OBJECTIVES and counts == (value == "write_rpo") and not name.startswith("failed"):
            return str(value)
        if counts and isinstance(value, str) and value.isdecimal():
            return float(value)
        try:
            return parse_duration("" if counts else value)
        except ValueError:
            self.tree.fault(
                loc,
                f"got `{value}`",
                f"an objective ({', '.join(OBJECTIVES)}), `2s`, or for orders and failed `0`",
            )
            return 0.0

    def _text(self, loc: Loc, value: Any) -> str:
        if isinstance(value, str) and value.strip():
            found = " ".join(value.split())
            if not found.isprintable():
                self.tree.fault(loc, "a control character", "text that a terminal can show is expected")
            return found
        if value is not None:
            self.tree.fault(loc, "text is expected")
        return ""

    def _order(self, steps: tuple[Step, ...]) -> None:
        """prepare…, load, fault, observe, (restore,) wait, observe: so that every run has its four phases."""
        kinds = [type(step) for step in steps]
        if kinds.count(Inject) != 1:
            self.tree.fault(("steps",), f"{kinds.count(Inject)} faults; a scenario has exactly one")
            return
        while kinds and kinds[0] is Prepare:
            kinds.pop(0)
        if kinds[:3] != [Load, Inject, Observe]:
            self.tree.fault(
                ("steps",), "the order is (prepare,) load, fault, observe, then restore or wait, observe"
            )
        elif kinds[3:] not in ([WaitReady, Observe], [Restore, WaitReady, Observe]):
            self.tree.fault(
                ("steps",), "after the observation come (restore,) wait and observe, in this order"
            )
        elif Prepare in map(type, steps) and Restore not in kinds:
            self.tree.fault(("steps",), "what was prepared has to be undone: add `- restore: true`")
