"""The estate's own store, for the commands that read or change what all sites share."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from trimtab.daemons.agent.config import estate_access
from trimtab.daemons.etcd.config import estate_members
from trimtab.daemons.pki import CA, CERTIFICATE, KEY, PASSWORD
from trimtab.errors import BadInput, EnvironmentUnable, Unreachable
from trimtab.estate.inventory import Inventory
from trimtab.registry import engines
from trimtab.registry.base import Registry


@asynccontextmanager
async def opened(inventory: Inventory) -> AsyncIterator[Registry]:
    """Raises BadInput for an estate without one, EnvironmentUnable where this machine is no host of the estate."""
    found = (estate_access(inventory, site) for site in inventory.site_names())
    access = next((each for each in found if each is not None), None)
    if access is None:
        raise BadInput(
            "the estate has no store of its own, so nobody can be asked",
            "give sites hosts with the role `registry` and the engine etcd: docs/arbiter.md",
        )
    for path in (CA, CERTIFICATE, KEY, PASSWORD):
        if not os.access(path, os.R_OK):
            raise EnvironmentUnable(
                f"{path} cannot be read: the estate's store knows its hosts by it",
                "run this as root on a host of the estate, or with --twin in its running twin",
            )
    store = engines.connect(access)
    try:
        yield store
    finally:
        await store.close()


@asynccontextmanager
async def asked(inventory: Inventory) -> AsyncIterator[Registry]:
    """As `opened`, where nothing else is asked beside it: whoever does not answer is the store. Raises Unreachable too."""
    async with opened(inventory) as store:
        try:
            yield store
        except Unreachable as error:
            raise away(inventory, error) from error


def away(inventory: Inventory, error: Unreachable) -> Unreachable:
    """In words that say what it is and where to look."""
    hosts = ", ".join(host.name for host in estate_members(inventory))
    return Unreachable(
        f"the estate's store cannot be asked: {error.message}",
        f"more than half of its members have to answer: look at etcd-estate.service on {hosts}",
    )


def site_named(inventory: Inventory, name: str) -> str:
    """Raises BadInput for what is no site that serves."""
    serving = [site for site in inventory.site_names() if inventory.front(site)]
    if name not in serving and name in inventory.by_name:
        raise BadInput(
            f"{name} has no drain of its own: sites, proxies and members of pools have",
            "POOL/MEMBER, or `trimtab-agent drain` on the host for all its pools; for a router its site: docs/arbiter.md",
        )
    if name in inventory.estate.services and name not in serving:
        raise BadInput(
            f"{name} is a service, and its sites are asked about",
            f"one of {', '.join(serving) or 'none'}; who divided its traffic says `trimtab split {name}`",
        )
    if name not in serving:
        raise BadInput(
            f"no site {name!r} that serves",
            f"there are: {', '.join(serving) or 'none'}; or a host, or POOL/MEMBER",
        )
    return name
