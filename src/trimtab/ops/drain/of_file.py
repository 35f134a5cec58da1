"""What `of_estate` says, as an agent has it: from its file, without the model of the estate."""

from __future__ import annotations

from trimtab.agent_config import ArbiterFile
from trimtab.ops.arbiter.world import Limits, SiteState
from trimtab.ops.drain.granting import Watching
from trimtab.ops.drain.judged import Facts


def facts_of_file(file: ArbiterFile) -> Facts:
    """Of every site that holds addresses of clients."""
    sites = {
        name: SiteState(name, capacity=site.capacity, proxies=dict.fromkeys(site.proxies))
        for name, site in file.sites.items()
    }
    limits = Limits(file.floor, file.members, file.changes, file.window, file.load, file.restore)
    return Facts(sites, {name: site.routers for name, site in file.sites.items()}, limits)


def watching_of_file(file: ArbiterFile) -> Watching:
    return Watching(file.vantage, file.quorum)
