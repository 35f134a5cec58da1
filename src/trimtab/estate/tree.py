"""YAML as text only: a tree of dict, list and str, with the mark of every key and item.

Every scalar stays the text that was written (`NO`, `1.20`, `65010:45`), so no type is guessed. Duplicate keys,
tags, anchors, aliases, merge keys and second documents are faults, all reported at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from trimtab.estate.fault import Fault, Loc, Mark, dotted
from trimtab.estate.secrets import HIDDEN, masked, names_secret

MAX_BYTES = 8 * 1024 * 1024
MAX_DEPTH = 40
MERGE = "<<"

_Loader = getattr(yaml, "CBaseLoader", yaml.BaseLoader)


@dataclass(slots=True)
class Tree:
    """root: the text tree.  marks: where each key or item stands.  faults: what was refused on the way."""

    file: str
    root: Any = None
    marks: dict[Loc, Mark] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)

    def mark(self, loc: Loc) -> Mark:
        """The mark of `loc`, or of its nearest written parent."""
        for end in range(len(loc), -1, -1):
            found = self.marks.get(loc[:end])
            if found is not None:
                return found
        return Mark(1, 1)

    def fault(self, loc: Loc, message: str, hint: str = "", mark: Mark | None = None) -> None:
        """A file may have a secret where none belongs: no fault shows it."""
        at = mark or self.mark(loc)
        texts = (printable(masked(text)) for text in (dotted(loc), message, hint))
        self.faults.append(Fault(self.file, at.line, at.column, *texts))


def printable(text: str) -> str:
    """What a terminal could obey, or nobody sees, is written out."""
    return text if text.isprintable() else "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def read_tree(text: str, file: str) -> Tree:
    """Parse `text`; syntax errors become faults and leave `root` None."""
    tree = Tree(file)
    if len(text.encode(errors="replace")) > MAX_BYTES:
        tree.fault(
            (),
            f"the file is larger than {MAX_BYTES // 1024 // 1024} MB",
            "an estate is hand-written: split it",
        )
        return tree
    try:
        _Builder(tree).build(yaml.parse(text, Loader=_Loader))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        # what is missing at the end is told of the last line; the parser counts one or two beyond it
        last = max(1, len(text.splitlines()))
        at = Mark(min(mark.line + 1, last), mark.column + 1) if mark else Mark(1, 1)
        tree.root = None
        tree.fault((), f"not YAML: {error.problem or error.context}", _hint(text, at), at)
    except _TooDeep as error:
        tree.root = None
        tree.fault((), str(error), "no key of an estate is that deep")
    except (yaml.YAMLError, ValueError) as error:  # a character that YAML forbids
        tree.root = None
        tree.fault((), f"not YAML: {str(error).splitlines()[0]}", "remove the control character")
    return tree


def _hint(text: str, at: Mark) -> str:
    """A tab looks like blanks, and the parser does not say that it is one."""
    lines = text.splitlines()
    line = lines[at.line - 1] if at.line <= len(lines) else ""
    before = line[: at.column]
    if "\t" in before[-1:] or (before.strip() == "" and "\t" in line[: len(line) - len(line.lstrip())]):
        return "there is a tab here: YAML is indented with blanks alone"
    return "check quotes, brackets and indentation"


class _TooDeep(Exception):
    """Deeper than MAX_DEPTH."""


class _Builder:
    """Turns parser events into the tree; recursion is bounded by MAX_DEPTH."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree

    def build(self, events: Iterator[Any]) -> None:
        documents = 0
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    self.tree.fault((), "a second document begins here", "one file is one estate", _at(event))
                    return
            elif isinstance(event, yaml.NodeEvent):
                self.tree.marks[()] = _at(event)
                self.tree.root = self._node(event, events, ())

    def _node(self, event: Any, events: Iterator[Any], loc: Loc) -> Any:
        self._refuse(event, loc)
        if len(loc) > MAX_DEPTH:
            raise _TooDeep(f"nested deeper than {MAX_DEPTH} levels")
        if isinstance(event, yaml.MappingStartEvent):
            return self._mapping(events, loc)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._sequence(events, loc)
        return event.value if isinstance(event, yaml.ScalarEvent) else ""

    def _mapping(self, events: Iterator[Any], loc: Loc) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for event in events:
            if isinstance(event, yaml.MappingEndEvent):
                break
            key = self._key(event, events, loc)
            if key is None:
                self._node(next(events), events, (*loc, MERGE))
                continue
            here = (*loc, key)
            if key in result:
                first = self.tree.marks[here]
                self.tree.fault(
                    here, f"the key is written twice, first in line {first.line}", "keep one", _at(event)
                )
                self._node(next(events), events, here)
                continue
            self.tree.marks[here] = _at(event)
            result[key] = self._node(next(events), events, here)
        return result

    def _key(self, event: Any, events: Iterator[Any], loc: Loc) -> str | None:
        """None for a merge key, which the tree has not."""
        if isinstance(event, yaml.ScalarEvent):
            self._refuse(event, loc)
            # libyaml says '' for a plain scalar, the parser in Python None; quoted it is a key like any other
            if event.value == MERGE and not event.style:
                self.tree.fault(loc, "merge keys (`<<`) are not read", "write the keys out", _at(event))
                return None
            return str(event.value)
        self.tree.fault(loc, "a key must be plain text", "a list or a map cannot be a key", _at(event))
        self._node(event, events, loc)
        return "?"

    def _sequence(self, events: Iterator[Any], loc: Loc) -> list[Any]:
        result: list[Any] = []
        for event in events:
            if isinstance(event, yaml.SequenceEndEvent):
                break
            here = (*loc, len(result))
            self.tree.marks[here] = _at(event)
            result.append(self._node(event, events, here))
        return result

    def _refuse(self, event: Any, loc: Loc) -> None:
        def shown(text: str) -> str:
            return HIDDEN if names_secret(loc) else text

        if isinstance(event, yaml.AliasEvent):
            self.tree.fault(
                loc,
                f"aliases (`{shown(f'*{event.anchor}')}`) are not read",
                "write the value out",
                _at(event),
            )
        elif getattr(event, "anchor", None):
            self.tree.fault(
                loc, f"anchors (`{shown(f'&{event.anchor}')}`) are not read", "remove the anchor", _at(event)
            )
        if getattr(event, "tag", None):
            self.tree.fault(
                loc,
                f"tags (`{shown(event.tag)}`) are not read",
                "remove the tag: the key decides the type",
                _at(event),
            )


def _at(event: Any) -> Mark:
    return Mark(event.start_mark.line + 1, event.start_mark.column + 1)
