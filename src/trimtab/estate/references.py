"""Names that point at other parts of the file, and the faults where they point at nothing.

Works on the text tree, so that dangling names are reported together with every other fault.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from trimtab.estate.base import ROLES
from trimtab.estate.fault import Loc
from trimtab.estate.group import WORKING_ROLES
from trimtab.estate.tree import Tree


@dataclass(frozen=True, slots=True)
class Rule:
    """path: where names stand (`*` any key or item, a last `*!` takes the keys themselves).  section: what they name."""

    path: tuple[str, ...]
    section: str
    also: tuple[str, ...] = ()


RULES = (
    Rule(("groups", "*", "hardware"), "hardware"),
    Rule(("edge", "steering", "regions", "*!"), "regions", ("default",)),
    Rule(("edge", "steering", "regions", "*", "*"), "sites"),
    Rule(("edge", "steering", "weights", "*!"), "sites"),
    Rule(("edge", "steering", "order", "*"), "sites"),
    Rule(("services", "*", "steering", "regions", "*!"), "regions", ("default",)),
    Rule(("services", "*", "steering", "regions", "*", "*"), "sites"),
    Rule(("services", "*", "steering", "weights", "*!"), "sites"),
    Rule(("services", "*", "steering", "order", "*"), "sites"),
    Rule(("sites", "*", "hosts", "*!"), "groups", WORKING_ROLES),
    Rule(("links", "*", "between", "*"), "sites"),
    Rule(("services", "*", "routes", "*", "pool"), "pools"),
    Rule(("services", "*", "routes", "*", "split", "*!"), "pools"),
    Rule(("pools", "*", "hosts"), "groups", WORKING_ROLES),
    Rule(("pools", "*", "backup"), "groups", WORKING_ROLES),
    Rule(("stores", "*", "hosts"), "groups", WORKING_ROLES),
    Rule(("twin", "at_most", "*!"), "groups", WORKING_ROLES),
)


def check_references(tree: Tree) -> None:
    """Add a fault to the tree for every name that nothing has."""
    if not isinstance(tree.root, dict):
        return
    for rule in RULES:
        section = tree.root.get(rule.section, {})
        known = [*(section if isinstance(section, dict) else ()), *rule.also]
        for loc, name in _names(tree.root, rule.path, ()):
            if name not in known:
                tree.fault(loc, f"`{name}` is not in `{rule.section}`", _hint(rule, name, known))


def _hint(rule: Rule, name: str, known: list[str]) -> str:
    close = get_close_matches(name, known, n=1)
    if close:
        return f"did you mean `{close[0]}`?"
    if rule.section == "groups" and name in ROLES:
        return f"the role `{name}` is not supported yet; supported: {', '.join(WORKING_ROLES)}"
    return f"there is {', '.join(f'`{k}`' for k in sorted(known)[:8]) or 'none'}: add `{name}` or name one of these"


def _names(value: Any, path: tuple[str, ...], loc: Loc) -> Iterator[tuple[Loc, str]]:
    if not path:
        if isinstance(value, str):
            yield loc, value
        return
    head, rest = path[0], path[1:]
    if head == "*!":
        if isinstance(value, dict):
            yield from (((*loc, key), key) for key in value)
    elif head == "*":
        items = (
            value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        )
        for key, item in items:
            yield from _names(item, rest, (*loc, key))
    elif isinstance(value, dict) and head in value:
        yield from _names(value[head], rest, (*loc, head))
