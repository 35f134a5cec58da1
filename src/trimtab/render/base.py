"""What every renderer shares: templates, the table of renderers, and the rendering of a whole host.

A renderer is a pure function (inventory, host) -> artifacts. It is added by one line in `RENDERERS`.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

HOOKS = "/usr/local/lib/trimtab"
UNITS = "/etc/systemd/system"


def milliseconds(seconds: float) -> str:
    """A duration as HAProxy, nginx and others read it: `150ms`."""
    return f"{round(seconds * 1000)}ms"


@lru_cache(maxsize=1)
def _environment() -> Environment:
    env = Environment(
        loader=PackageLoader("trimtab.render", "templates"),
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
