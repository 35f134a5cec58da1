"""What was imported, put into the text of an estate's file: lines are added below the site, nothing else is touched."""

from __future__ import annotations

from collections.abc import Mapping

from trimtab.errors import BadInput
from trimtab.estate.fault import Mark
from trimtab.estate.importing.plan import SitePlan
from trimtab.estate.importing.text import entry
from trimtab.estate.tree import Tree


def insert(text: str, tree: Tree, plans: Mapping[str, SitePlan]) -> str:
    """The new text. tree: the marks of the old one.  Raises BadInput where that cannot be done without losing something."""
    lines = text.splitlines()
    for site in sorted(plans, key=lambda name: tree.mark(("sites", name)).line, reverse=True):
        _into(lines, tree, site, plans[site])
    return "\n".join(lines) + "\n"


def _into(lines: list[str], tree: Tree, site: str, plan: SitePlan) -> None:
    at, keys = tree.mark(("sites", site)), _keys(tree, site)
    for key in ("networks", "machines"):
        if key in keys:
            raise BadInput(
                f"{tree.file}:{keys[key].line}: {site} has `{key}` already",
                "without --write the lines are printed: merge them by hand",
            )
    mark = keys.get("hosts", at)
    alone = all(each.line > at.line for each in keys.values()) and len(
        {k.line for k in keys.values()}
    ) == len(keys)
    rest = lines[mark.line - 1].partition("hosts:")[2].strip()
    if not alone or not rest.startswith("{") or not rest.partition("#")[0].rstrip().endswith("}"):
        raise BadInput(
            f"{tree.file}:{at.line}: the keys of {site} are not on lines of their own, `hosts` on one",
            "write the site as indented lines, or merge by hand what is printed without --write",
        )
    indent = " " * (mark.column - 1)
    declared = tree.root["sites"][site]["hosts"] if isinstance(tree.root, dict) else {}
    hosts = {
        **declared,
        **{group: str(count) for group, count in plan.hosts.items() if _more(declared, group, count)},
    }
    comment = rest.partition("}")[2]
    inner = ", ".join(f"{group}: {count}" for group, count in hosts.items())
    lines[mark.line - 1 : mark.line] = [
        f"{indent}hosts: {{{inner}}}{comment}",
        *(indent + each for each in entry(plan)),
    ]


def _more(declared: Mapping[str, str], group: str, count: int) -> bool:
    """Is there no room for so many yet? A range stays as it is."""
    known = declared.get(group, "0").rpartition("..")[2]
    return not known.isdecimal() or int(known) < count


def _keys(tree: Tree, site: str) -> dict[str, Mark]:
    return {
        str(loc[2]): mark for loc, mark in tree.marks.items() if len(loc) == 3 and loc[:2] == ("sites", site)
    }
