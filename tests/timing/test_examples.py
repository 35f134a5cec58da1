"""The arithmetic of the examples, done by hand."""

from __future__ import annotations

import pytest

from tests.timing.make import example, twin_estate, two_sites
from trimtab.estate.inventory import Inventory
from trimtab.estate.load import read_estate
from trimtab.timing.budget import budgets, predict
from trimtab.timing.faults import predictions

# Regions of the shop are 2 to 65 ms from the network of their site; its best-placed farthest is america's 13 ms.
NEAR, FAR = 0.0131, 0.0642
NEVER = [None, None]

SHOP: dict[str, tuple[list[float | None], list[float | None]]] = {
    # BFD 200-300 ms, route 0-60 ms, distance; writes: the election of 2.91 s is later, then 0.9 s of the client
    "connection-flood": ([0.0, 0.0], [0.0, 0.0]),
    "site-power-cut": ([0.2 - NEAR, 0.36 + FAR], [0.2 - NEAR, 2.91 + 0.9]),
    # and 60 ms until the anchor's loss is an announcement's
    "both-proxies-dead": ([0.2 - NEAR, 0.42 + FAR], [0.2 - NEAR, 0.42 + FAR + 0.9]),
    "client-partition": ([0.2 - NEAR, 0.36 + FAR], [0.2 - NEAR, 0.36 + FAR + 0.9]),
    # command 60 ms and route 60 ms, if a request is under way
    "planned-withdrawal": ([0.0, 0.12 + FAR], [0.0, 0.12 + FAR + 0.9]),
    "drain-site": ([0.0, 0.12 + FAR], [0.0, 0.12 + FAR + 0.9]),
    "two-operators": ([0.0, 0.12 + FAR], [0.0, 0.12 + FAR + 0.9]),
    # the hook, 2/256 to 3/256 of an advert of 100 ms, 60 ms for the addresses
    "drain-proxy": ([0.0008, 0.1212], [0.0, 1.0212]),
    "proxy-version-upgrade-drained": ([0.0008, 0.1212], [0.0, 1.0212]),
    "drain-member": ([0.0, 0.0], [0.0, 0.0]),
    # each time that an address moves
    "drain-killed": ([0.0, 0.12 + FAR], [0.0, 0.12 + FAR + 0.9]),
    "leader-loss-mid-drain": ([0.0, 0.12 + FAR], [0.0, 0.12 + FAR + 0.9]),
    "site-unhealthy": ([0.0, 0.12 + FAR], [0.0, 0.12 + FAR + 0.9]),
    # the move of a drained site, 0.2 s, then as when a site loses power; clients of the drained one may notice nothing
    "second-fault-during-drain": (
        [0.0, 0.12 + FAR + 0.2 + 0.36 + FAR],
        [0.2 - 2 * NEAR, 0.12 + FAR + 0.2 + 2.91 + 0.9],
    ),
    "freeze": ([0.2 - NEAR, 0.36 + FAR], [0.2 - NEAR, 2.91 + 0.9]),
    # what observers see takes nothing away, and no request waits for the estate's store
    "estate-store-loss": ([0.0, 0.0], [0.0, 0.0]),
    "asymmetric-partition": ([0.0, 0.0], [0.0, 0.0]),
    "bad-check-everywhere": ([0.0, 0.0], [0.0, 0.0]),
    # 2 to 3 adverts of 100 ms, skew 2/256 to 3/256 of one, 60 ms for the addresses
    "proxy-power-cut": ([0.2008, 0.3612], [0.2008, 1.2612]),
    "proxy-process-kill": ([0.0008, 0.1212], [0.0, 1.0212]),
    # three questions of 200 ms
    "proxy-hang": ([0.6008, 0.9212], [0.6008, 1.8212]),
    # three round trips between Frankfurt and Hong Kong, and a moment for the start
    "half-rolled-out": ([0.0, 0.0], [0.0, 0.1 + 3 * 2 * FAR]),
    "proxy-upgrade": ([0.0, 0.0], [0.0, 0.1 + 3 * 2 * FAR]),
    "proxy-version-upgrade": ([0.0, 0.0], [0.0, 0.1 + 3 * 2 * FAR]),
    "bad-reload": ([0.0, 0.0], [0.0, 0.1]),
    "transit-loss": ([0.2 - NEAR, 0.36 + FAR], [0.2 - NEAR, 0.36 + FAR + 0.9]),
    "route-flap": ([0.2 - NEAR, 0.36 + FAR], [0.2 - NEAR, 0.36 + FAR + 0.9]),
    "ipv6-only-failure": ([0.2 - NEAR, 0.36 + FAR], [0.2 - NEAR, 0.36 + FAR + 0.9]),
    "leak": ([0.0, 0.0], [0.0, 0.0]),
    # of what is not black-holed
    "blackhole": (None, [0.0, 0.0]),
    "blackhole-unattended": (None, [0.0, 0.0]),
    "bgp-session-drop": ([0.0, 0.36 + FAR], [0.0, 0.36 + FAR + 0.9]),
    # a closed session is dropped at once
    "speaker-kill": ([0.0, 0.06 + FAR], [0.0, 0.06 + FAR + 0.9]),
    "speaker-hang": ([0.0, 0.36 + FAR], [0.0, 0.36 + FAR + 0.9]),
    "site-partition": ([0.0, 0.0], NEVER),
    "backend-kill": ([0.0, 0.0], [0.0, 0.3]),
    "member-dies-answering": ([0.0, 0.0], [0.0, 0.3]),
    # what was sent into the dead host is asked again, but for orders: those wait until two attempts have failed
    "backend-power-cut": ([0.0, 0.0], [0.0, 1.15]),
    # two connections of 150 ms to each member, begun within 0.1 s of each other, 0.2 s for the idle ones to be used up;
    # then the next site is asked
    "site-pool-loss": ([0.15, 0.25 + 0.2], [0.15, 0.25 + 0.2 + 0.9]),
    # two further looks, 1 s apart, after one within 2 s that may last 1 s; 10 s of patience and 2 s until an agent looks; 5 s of
    # rest and two steps of 1.5 s; then the route. Orders go to an address that moves with the first step
    "site-pool-loss-moved": ([17.0 - NEAR, 25.0 + 0.06 + FAR], [12.0 - NEAR, 18.5 + 0.06 + FAR + 0.9]),
    "store-leader-loss": ([0.0, 0.0], [1.06, 3.81]),
    "member-reinstalled": ([0.0, 0.0], [0.0, 3.81]),
    # agents, registries and checks are on nobody's way
    "registry-total-loss": ([0.0, 0.0], [0.0, 0.0]),
    "registry-version-upgrade": ([0.0, 0.0], [0.0, 0.0]),
    "agent-versions-mixed": ([0.0, 0.0], [0.0, 0.0]),
    "agent-kill": ([0.0, 0.0], [0.0, 0.0]),
    "agent-hang": ([0.0, 0.0], [0.0, 0.0]),
    "rolling-backend-deploy": ([0.0, 0.0], [0.0, 0.0]),
    "canary-split": ([0.0, 0.0], [0.0, 0.0]),
    "flapping-backend": ([0.0, 0.0], [0.0, 0.0]),
    "all-checks-lie": ([0.0, 0.0], [0.0, 0.0]),
    # as when it is killed once
    "daemon-crash-loop": ([0.0008, 0.1212], [0.0, 1.0212]),
}

ENTERPRISE: dict[str, list[float | None]] = {
    "site-power-cut": NEVER,
    "both-proxies-dead": NEVER,
    "client-partition": NEVER,
    "planned-withdrawal": NEVER,
    # adverts of 1 s, skew 156/256 of one
    "proxy-power-cut": [2.609, 3.669],
    "proxy-process-kill": [0.609, 0.729],
    "proxy-hang": [1.209, 1.529],
    "half-rolled-out": [0.0, 0.0],
    "connection-flood": [0.0, 0.0],
    "proxy-upgrade": [0.0, 0.0],
    "bad-reload": [0.0, 0.0],
    "member-reinstalled": [0.0, 0.0],
    # the second provider carries on; Frankfurt is far away
    "transit-loss": [0.2, 0.423],
    "route-flap": [0.2, 0.423],
    "ipv6-only-failure": NEVER,
    "leak": [0.0, 0.0],
    "bgp-session-drop": [0.0, 0.423],
    "backend-kill": [0.0, 0.0],
    # no idle connections to the members: each request connects, for 0.15 s, and asks the next one
    "backend-power-cut": [0.0, 0.0],
    "agent-kill": [0.0, 0.0],
    "agent-hang": [0.0, 0.0],
    "rolling-backend-deploy": [0.0, 0.0],
    "estate-store-loss": [0.0, 0.0],
    "drain-proxy": [0.609, 0.729],
    "proxy-version-upgrade-drained": [0.609, 0.729],
    "speaker-kill": [0.0, 0.06],
    "speaker-hang": [0.0, 0.36],
    "drain-member": [0.0, 0.0],
    "flapping-backend": [0.0, 0.0],
    "all-checks-lie": [0.0, 0.0],
    "daemon-crash-loop": [0.609, 0.729],
}


def close(found: list[float | None], wanted: list[float | None]) -> bool:
    return all(
        a is b if a is None or b is None else a == pytest.approx(b, abs=0.002)
        for a, b in zip(found, wanted, strict=True)
    )


@pytest.mark.parametrize("fault", SHOP)
def test_the_shop(fault: str) -> None:
    found, (reads, writes) = predict(example("shop"), fault), SHOP[fault]
    if reads is None:
        assert "outage_s" not in found
    else:
        assert close(found["outage_s"], reads), found
    assert close(found["write_outage_s"], writes), found


@pytest.mark.parametrize("fault", ENTERPRISE)
def test_the_enterprise(fault: str) -> None:
    found = predict(example("enterprise"), fault)
    assert close(found["outage_s"], ENTERPRISE[fault]), found


def test_only_what_can_happen_is_listed() -> None:
    assert {b.fault for b in budgets(example("shop"))} == set(SHOP)
    assert {b.fault for b in budgets(example("enterprise"))} == set(ENTERPRISE)
    # a witness makes a standby that may lag
    assert {b.fault for b in budgets(example("ecommerce"))} - set(SHOP) == {"standby-promotion"}


@pytest.mark.parametrize(
    ("fault", "figure", "measured"),
    [
        ("site-power-cut", "outage_s", (0.25, 0.29)),
        ("site-power-cut", "write_outage_s", (1.0, 3.7)),
        ("proxy-process-kill", "outage_s", (0.01, 0.02)),
        ("proxy-power-cut", "outage_s", (0.22, 0.29)),
    ],
)
def test_what_drills_have_measured_lies_inside(
    fault: str, figure: str, measured: tuple[float, float]
) -> None:
    low, high = predict(example("shop"), fault)[figure]
    assert low is not None and high is not None and low <= measured[0] <= measured[1] <= high


def test_a_partition_has_two_sides() -> None:
    found = predict(example("shop"), "site-partition")
    assert close(found["write_majority_s"], [0.0, 3.81]) and found["write_minority_s"] == NEVER
    # the site with two of three members goes on without an election, or elects
    assert predict(two_sites(), "site-partition")["write_majority_s"][0] == 0


def test_a_store_that_loses_its_majority_waits_for_repair() -> None:
    found = predict(two_sites(), "site-power-cut")["write_outage_s"]
    assert found[0] == pytest.approx(0.2, abs=0.01) and found[1] is None


def test_a_lone_proxy_is_replaced_by_another_site() -> None:
    low, high = predict(two_sites(proxies="1"), "proxy-power-cut")["outage_s"]
    assert low == pytest.approx(0.2, abs=0.01) and high == pytest.approx(0.42, abs=0.001)


def test_without_a_covering_prefix_clients_keep_a_dead_address() -> None:
    uncovered = two_sites(covering="")
    assert predict(uncovered, "site-power-cut")["outage_s"] == NEVER
    assert predict(two_sites(covering="", address="anycast"), "site-power-cut")["outage_s"][1] is not None
    internet = {b.fault: b for b in budgets(uncovered)}["site-power-cut"].internet["outage_s"]
    assert {"dns"} == {term.layer for term in internet.terms}


@pytest.mark.parametrize(
    ("fault", "reads"),
    [
        # BFD of the switches, 200 to 300 ms, and a route of 60 ms: no VRRP has a part in it
        ("proxy-power-cut", [0.2, 0.36]),
        ("ecmp-member-death", [0.2, 0.36]),
        # the hook, the anchor, the route
        ("proxy-process-kill", [0.0, 0.18]),
        ("proxy-hang", [0.6, 0.98]),
        ("nat-site", None),
    ],
)
def test_proxies_that_announce_by_themselves_reckon_with_bgp_alone(
    fault: str, reads: list[float | None] | None
) -> None:
    found = predict(twin_estate("rack"), fault)
    assert found == {} if reads is None else close(found["outage_s"], reads), found


@pytest.mark.parametrize(
    "fault", ["proxy-power-cut", "proxy-hang", "drain-proxy", "speaker-kill", "transit-loss"]
)
def test_where_clients_come_to_each_proxy_apart_nothing_moves(fault: str) -> None:
    assert predict(twin_estate("cloud"), fault) == {}


def test_a_client_with_several_addresses_fails_once_on_what_it_kept() -> None:
    assert predict(twin_estate("cloud"), "nat-site")["outage_s"] == [0.0, 0.9]
    assert predict(twin_estate("cloud"), "site-power-cut")["outage_s"] == NEVER


def test_a_site_without_upstreams_beside_others_breaks_no_arithmetic() -> None:
    """Its faults are its own; those of BGP are of the sites that speak it."""
    mixed = Inventory(read_estate(MIXED)[0])
    assert close(predict(mixed, "transit-loss")["outage_s"], [0.2, 0.36]), predict(mixed, "transit-loss")
    for world in ("twin", "internet"):
        assert all(predictions(mixed, each.fault, world) for each in budgets(mixed))


MIXED = """\
estate: mixed
zone: mixed.example
sites:
  one:
    id: 1
    at: [50.1, 8.7]
    asn: 64512
    hosts: {router: 2, proxy: 2, backend: 2}
    upstreams: {a: {asn: 64601, peer: [192.0.2.1]}, b: {asn: 64602, peer: [192.0.2.9]}}
  two:
    id: 2
    at: [50.1, 8.7]
    front: none
    hosts: {proxy: 2, backend: 2}
    machines:
      edge-a: {group: proxy, number: 1, public: [198.51.100.10]}
      edge-b: {group: proxy, number: 2, public: [198.51.100.11]}
services: {www: {names: [www.mixed.example], routes: [{pool: web}]}}
pools: {web: {hosts: backend, port: 8080, check: {get: /health}}}
"""
