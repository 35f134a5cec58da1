"""What a host of a running twin gets when its estate has changed."""

from __future__ import annotations

from collections.abc import Mapping

from trimtab.daemons.artifact import Artifact
from trimtab.daemons.rendered import render_host
from trimtab.delivery.systems import RELEASES
from trimtab.delivery.throwaway import ThrowawayCa, certificate_files
from trimtab.errors import BadInput
from trimtab.estate.estate import Estate
from trimtab.estate.inventory import Inventory
from trimtab.lab.differences import file_limit, for_twin


def files(inventory: Inventory, host: str) -> tuple[Artifact, ...]:
    """The host's files by the estate, as the twin runs them. Raises BadInput for one that the estate has not."""
    if (found := inventory.by_name.get(host)) is None:
        raise BadInput(f"the estate has no host {host}", "`trimtab show` lists them")
    limit = file_limit()
    return tuple(for_twin(artifact, limit) for artifact in render_host(inventory, found))


def brought(before: Inventory, after: Inventory) -> tuple[Artifact, ...]:
    """Certificates of the services that are new, which an operator brings to the proxies; nobody's CA has signed them."""
    own = ThrowawayCa(after.estate.estate)
    known = {a.path for name in before.estate.services for a in _paths(name)}
    return tuple(a for a in certificate_files(after, own) if a.path not in known)


def running(estate: Estate, systems: Mapping[str, str]) -> Inventory:
    """The inventory of a twin that runs. systems: by host the release that it was booted from, "" for the machine's own. Raises
    BadInput where the twin has other hosts than the estate.
    """
    for found in _both(estate, systems):
        if {host.name for host in found.hosts} == set(systems):
            return found
    raise BadInput(
        "the twin has other hosts than the estate", "start it anew: the estate's hosts have changed"
    )


def some_of(estate: Estate, systems: Mapping[str, str]) -> Inventory:
    """As `running`, of an estate that has changed: it may have hosts that the twin has not, or has no more."""
    small, whole = _both(estate, systems)
    return whole if set(systems) - {host.name for host in small.hosts} else small


def _both(estate: Estate, systems: Mapping[str, str]) -> tuple[Inventory, Inventory]:
    """(as `twin.at_most` leaves it, whole)."""
    platforms = {host: RELEASES[release] for host, release in systems.items() if release}
    return Inventory(estate, shrink=True, platforms=platforms), Inventory(estate, platforms=platforms)


def _paths(service: str) -> tuple[Artifact, ...]:
    base = f"/etc/trimtab/tls/{service}"
    return tuple(Artifact(f"{base}.{end}", "") for end in ("crt", "key", "pem"))
