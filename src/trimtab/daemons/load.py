"""Read an estate file for those who will render or run it: what the versions of its platforms lack is a fault too."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from trimtab.daemons.haproxy.features import BY_PLATFORM, features
from trimtab.estate import load
from trimtab.estate.estate import Estate
from trimtab.estate.inventory import Inventory
from trimtab.estate.prefix_faults import Problem
from trimtab.estate.tree import Tree


def load_estate(path: str | Path) -> Estate:
    """The estate of a file. Raises BadEstate with every fault, file and line."""
    return load_tree(path)[0]


def load_tree(path: str | Path) -> tuple[Estate, Tree]:
    """The estate of a file and the marks of its text. Raises BadEstate."""
    return load.read_estate(load.text_of(path), str(path), (version_faults,))


def version_faults(estate: Estate) -> Iterator[Problem]:
    """Keys that a daemon of the chosen version cannot honour."""
    if estate.tiers.proxy.engine != "haproxy":
        return
    for host in Inventory(estate).with_role("proxy"):
        found = features(host.platform)
        if found.ocsp_update:
            continue
        able = ", ".join(f"{p} ({f.version})" for p, f in BY_PLATFORM.items() if f.ocsp_update)
        says = host.platform or "unsaid, so the oldest"
        for name, service in estate.services.items():
            if service.tls.ocsp:
                yield (
                    ("services", name, "tls", "ocsp"),
                    f"HAProxy {found.version} of {host.name} (platform: {says}) asks no OCSP responder",
                    f"`platform:` of the proxies' group: {able}; or leave `ocsp` out",
                )
        return  # one host says it for all
