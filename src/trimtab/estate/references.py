"""Names that point at other parts of the file, and the faults where they point at nothing.

Works on the text tree, so that dangling names are reported together with every other fault.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from heapq import nsmallest
from typing import Any

from trimtab.estate.fault import Loc
from trimtab.estate.roles import Roles
from trimtab.estate.similar import similar
from trimtab.estate.tree import Tree


@dataclass(frozen=True, slots=True)
class Rule:
    """path: where names stand (`*` any key or item, a last `*!` takes the keys themselves).  section: what they name."""

    path: tuple[str, ...]
    section: str
    also: tuple[str, ...] = ()


# For so many names the nearest one is looked for: where more dangle, it is no slip of the finger.
SEARCHED = 20

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
    Rule(("sites", "*", "hosts", "*!"), "groups"),
    Rule(("sites", "*", "networks", "*", "groups", "*"), "groups"),
    Rule(("sites", "*", "machines", "*", "group"), "groups"),
    Rule(("links", "*", "between", "*"), "sites"),
    Rule(("services", "*", "routes", "*", "pool"), "pools"),
    Rule(("services", "*", "routes", "*", "split", "*!"), "pools"),
    Rule(("pools", "*", "hosts"), "groups"),
    Rule(("pools", "*", "backup"), "groups"),
    Rule(("stores", "*", "hosts"), "groups"),
    Rule(("twin", "at_most", "*!"), "groups"),
)


def check_references(tree: Tree, roles: Roles) -> None:
    """Add a fault to the tree for every name that nothing has."""
    if not isinstance(tree.root, dict):
        return
    for rule in RULES:
        section = tree.root.get(rule.section, {})
        known = {
            **dict.fromkeys(section if isinstance(section, dict) else ()),
            **dict.fromkeys(roles.working if rule.section == "groups" else rule.also),
        }
        dangling = [(loc, name) for loc, name in _names(tree.root, rule.path, ()) if name not in known]
        for number, (loc, name) in enumerate(dangling):
            close = similar(name, known) if number < SEARCHED else None
            tree.fault(loc, f"`{name}` is not in `{rule.section}`", _hint(rule, name, known, close, roles))


def _hint(rule: Rule, name: str, known: Collection[str], close: str | None, roles: Roles) -> str:
    if close:
        return f"did you mean `{close}`?"
    if rule.section == "groups" and name in roles.known:
        return f"the role `{name}` is not supported yet; supported: {', '.join(roles.working)}"
    return f"there is {', '.join(f'`{k}`' for k in nsmallest(8, known)) or 'none'}: add `{name}` or name one of these"


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
