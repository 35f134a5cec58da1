"""Whether a proxy that does not answer is full: then it works, and a restart would end the connections that it serves."""

from __future__ import annotations

from trimtab.agent_config import Unit
from trimtab.errors import TrimtabError


async def is_full(unit: Unit) -> bool:
    """Asked of a proxy whose probe has failed, in its engine's way; of anything else it is no."""
    from trimtab.daemons.table import table

    try:
        found = table().of_unit(unit.name)
    except (TrimtabError, ImportError, ValueError):  # a package from outside that is broken heals nobody less
        return False
    return found is not None and found.serves is not None and await found.serves.full(unit)
