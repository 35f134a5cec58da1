"""Read an estate file: the only I/O of the model. Either a whole valid Estate comes back, or every fault at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from pydantic import ValidationError

from trimtab.estate.additions import NONE, Additions
from trimtab.estate.estate import Estate
from trimtab.estate.fault import BadEstate, Fault, Mark
from trimtab.estate.messages import add_faults
from trimtab.estate.peer_data import Beside
from trimtab.estate.plan_faults import plan_faults
from trimtab.estate.prefix_faults import Problem
from trimtab.estate.references import check_references
from trimtab.estate.tree import Tree, read_tree

MOST_BESIDE = 16 * 2**20
# What is wrong with an estate that is valid in itself: (where, message, hint) of each fault.
Judge = Callable[[Estate], Iterable[Problem]]


def load_estate(path: str | Path) -> Estate:
    """The estate of a file. Raises BadEstate with every fault, file and line."""
    return load_tree(path)[0]


def load_tree(path: str | Path) -> tuple[Estate, Tree]:
    """The estate of a file and the marks of its text. Raises BadEstate."""
    return read_estate(text_of(path), str(path))


def read_estate(
    text: str,
    file: str = "estate.yaml",
    more: Sequence[Judge] = (),
    added: Additions = NONE,
    beside: Beside | None = None,
) -> tuple[Estate, Tree]:
    """The estate and the marks of its text. more: judges beside the model's own.  added: what other packages add to the file.
    beside: reads the files that it names; default: in the folder of its own. Raises BadEstate."""
    tree = read_tree(text, file)
    if tree.root is None and not tree.faults:
        tree.fault((), "the file is empty", "`trimtab init DIR` writes one to start from")
    if tree.root is None:
        raise BadEstate(tree.faults)
    estate = _validate(tree, (plan_faults, *more), added, beside or beside_of(file))
    if estate is None:
        raise BadEstate(tree.faults)
    return estate, tree


def _validate(tree: Tree, judges: Sequence[Judge], added: Additions, beside: Beside) -> Estate | None:
    check_references(tree, added.roles)
    estate = None
    if not isinstance(tree.root, dict):
        tree.fault((), "an estate is a map of keys", "begin with `estate: NAME`")
    else:
        model = added.model
        try:
            estate = model.model_validate(tree.root, context={"roles": added.roles, "beside": beside})
        except ValidationError as error:
            add_faults(tree, error, model)
    for judge in judges:
        if estate is not None and not tree.faults:
            for loc, message, hint in judge(estate):
                tree.fault(loc, message, hint)
    return None if tree.faults else estate


def beside_of(file: str | Path) -> Beside:
    """Reads what lies beside an estate's file, each once."""
    texts: dict[str, str] = {}

    def read(name: str) -> str:
        if name not in texts:
            texts[name] = _beside(Path(file).parent / name, name)
        return texts[name]

    return read


def _beside(path: Path, name: str) -> str:
    """Raises ValueError."""
    try:
        if not path.is_file():  # a device or a pipe would keep us waiting
            raise ValueError(f"there is no file {name} beside the estate's")
        if (size := path.stat().st_size) > MOST_BESIDE:
            raise ValueError(f"{name} has {size} bytes, at most {MOST_BESIDE} are read")
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise ValueError(f"{name} cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise ValueError(f"{name} is no UTF-8 text") from error


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
