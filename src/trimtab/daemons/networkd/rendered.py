"""networkd, told of routes that others set: where BIRD runs."""

from __future__ import annotations

from trimtab.daemons.networkd.config import render
from trimtab.daemons.rendering import Rendered, with_duty

RENDERED = Rendered("networkd", with_duty("gateway", "vips"), render)
