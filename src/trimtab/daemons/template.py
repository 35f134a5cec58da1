"""How a room fills its templates: `ROOM/FILE` is `ROOM/templates/FILE`, beside the room's `config.py`."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined, Template

from trimtab.daemons.outside import rooms


def milliseconds(seconds: float) -> str:
    """A duration as HAProxy, nginx and others read it: `150ms`."""
    return f"{round(seconds * 1000)}ms"


def _folder(room: str) -> Path:
    """Ours, or that of a package from outside."""
    package = next((each.package for each in rooms() if each.name == room), "")
    spec = find_spec(package) if package else None
    found = next(iter(spec.submodule_search_locations or ()), "") if spec else ""
    return Path(found) if found else Path(__file__).parent / room


def _source(name: str) -> tuple[str, str, Callable[[], bool]]:
    """As jinja2.FunctionLoader wants it: text, file, whether it is still the same."""
    room, _, file = name.partition("/")
    path = _folder(room) / "templates" / file
    return path.read_text(encoding="utf-8"), str(path), lambda: True


@lru_cache(maxsize=1)
def _environment() -> Environment:
    env = Environment(
        loader=FunctionLoader(_source),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )
    env.filters["ms"] = milliseconds
    return env


@lru_cache(maxsize=64)
def template(name: str) -> Template:
    return _environment().get_template(name)


def fill(name: str, **values: Any) -> str:
    """The template `name` with `values`; an undefined name raises."""
    return template(name).render(**values)
