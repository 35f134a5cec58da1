"""Read an estate file: the only I/O of the model. Either a whole valid Estate comes back, or every fault at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from pydantic import ValidationError

from trimtab.estate.additions import NONE, Additions
from trimtab.estate.estate import Estate
from trimtab.estate.fault import BadEstate, Fault, Mark
from trimtab.estate.messages import add_faults
from trimtab.estate.plan_faults import plan_faults
from trimtab.estate.prefix_faults import Problem
from trimtab.estate.references import check_references
from trimtab.estate.tree import Tree, read_tree

# What is wrong with an estate that is valid in itself: (where, message, hint) of each fault.
Judge = Callable[[Estate], Iterable[Problem]]


def load_estate(path: str | Path) -> Estate:
    """The estate of a file. Raises BadEstate with every fault, file and line."""
    return load_tree(path)[0]


def load_tree(path: str | Path) -> tuple[Estate, Tree]:
    """The estate of a file and the marks of its text. Raises BadEstate."""
    return read_estate(text_of(path), str(path))


def read_estate(
    text: str, file: str = "estate.yaml", more: Sequence[Judge] = (), added: Additions = NONE
) -> tuple[Estate, Tree]:
    """The estate and the marks of its text. more: judges beside the model's own.  added: what other
    packages add to the file. Raises BadEstate."""
    tree = read_tree(text, file)
    if tree.root is None and not tree.faults:
        tree.fault((), "the file is empty", "`trimtab init DIR` writes one to start from")
    if tree.root is None:
        raise BadEstate(tree.faults)
    estate = _validate(tree, (plan_faults, *more), added)
    if estate is None:
        raise BadEstate(tree.faults)
    return estate, tree


def _validate(tree: Tree, judges: Sequence[Judge], added: Additions) -> Estate | None:
    check_references(tree, added.roles)
    estate = None
    if not isinstance(tree.root, dict):
        tree.fault((), "an estate is a map of keys", "begin with `estate: NAME`")
    else:
        model = added.model
        try:
            estate = model.model_validate(tree.root, context={"roles": added.roles})
        except ValidationError as error:
            add_faults(tree, error, model)
    for judge in judges:
        if estate is not None and not tree.faults:
            for loc, message, hint in judge(estate):
                tree.fault(loc, message, hint)
    return None if tree.faults else estate


def text_of(path: str | Path) -> str:
    """Of an estate's file. Raises BadEstate."""
    try:
        return Path(path).read_text(encoding="utf-8")
    except FileNotFoundError:
        raise _unreadable(
            path, "there is no such file", "name it with -e FILE, or begin with `trimtab init DIR`"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        hint = "an estate is a readable UTF-8 text file"
        if Path(path).is_dir():
            why, hint = "a folder", f"the estate in it? -e {Path(path) / 'estate.yaml'}"
        raise _unreadable(path, f"cannot be read: {why}", hint) from error


def _unreadable(path: str | Path, message: str, hint: str) -> BadEstate:
    at = Mark(1, 1)
    return BadEstate([Fault(str(path), at.line, at.column, "", message, hint)])
