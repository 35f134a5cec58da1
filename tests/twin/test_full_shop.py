"""Every drill in the shop, three times over, and once more with all the load that the machine carries."""

from __future__ import annotations

import pytest

from tests.twin.drill_kit import hold, kept
from trimtab.drills.scenario_file import builtin
from trimtab.lab.client import Lab

pytestmark = [pytest.mark.twin, pytest.mark.alone, pytest.mark.full]
# The shop has no third voter beside a site and its replica: its other two sites are both replicas. And agents drain only
# while the hour's budget lasts, which the other drains here have spent: test_full_site_unhealthy.py. etcd's upgrade wants three
# members a registry: test_full_versions.py. The shop's proxies hold more connections than one machine makes:
# test_full_flood.py. It asks no RPKI validator: test_full_defence.py.
NAMES = sorted(
    set(builtin())
    - {
        "standby-promotion",
        "site-unhealthy",
        "site-pool-loss-moved",
        "registry-version-upgrade",
        "connection-flood",
        "ecmp-member-death",
        "nat-site",
    }
    - {"hijack", "validators-empty", "route-server-loss"}
)
# What agents, registries and checks do has a load of its own, or is not about how much is carried.
OF_AGENTS = {
    "agent-hang", "agent-kill", "all-checks-lie", "asymmetric-partition", "bad-check-everywhere", "canary-split",
    "daemon-crash-loop", "drain-killed", "estate-store-loss", "flapping-backend", "leader-loss-mid-drain",
    "member-dies-answering", "proxy-version-upgrade", "proxy-version-upgrade-drained", "registry-total-loss",
    "rolling-backend-deploy",
}  # fmt: skip


@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", NAMES)
def test_three_runs_hold_and_lose_no_order(shop: Lab, name: str) -> None:
    kept(hold(shop, name, 3))


@pytest.mark.timeout(400)
@pytest.mark.parametrize("name", sorted(set(NAMES) - OF_AGENTS))
def test_it_holds_under_full_load(shop: Lab, name: str) -> None:
    kept(hold(shop, name, 1, "full"))
