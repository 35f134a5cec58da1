"""Where clients are."""

from __future__ import annotations

from pydantic import Field

from trimtab.estate.base import Noun
from trimtab.estate.place import Place


class Region(Noun):
    """One region of clients; drills measure each of them apart."""

    at: Place | None = Field(
        default=None, description="[latitude, longitude]; default: where the site with the lowest id is"
    )
