"""Templates of the twin's own networks."""

from __future__ import annotations

from functools import lru_cache

from jinja2 import Environment, PackageLoader, StrictUndefined, Template


@lru_cache(maxsize=8)
def template(name: str) -> Template:
    """Of lab/templates; an undefined name raises."""
    env = Environment(
        loader=PackageLoader("trimtab.lab", "templates"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return env.get_template(name)
