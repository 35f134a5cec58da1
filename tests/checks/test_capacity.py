"""What sites carry, by the arithmetic that the rules of N-1 use."""

from __future__ import annotations

import pytest

from tests.checks.kit import ROOT, subject
from trimtab.checks import capacity
from trimtab.checks.engine import run
from trimtab.estate.capacity import front_requests

BASE = (ROOT / "tests/checks/base.yaml").read_text()
MACHINES = """\
hardware:
  edge: {cores: 16, memory: 64GB, nic: 2 x 10Gbps}
  lb: {cores: 32, memory: 128GB, nic: 2 x 25Gbps, measured: {requests: 60k/s, handshakes: 18k/s}}
  web: {cores: 16, memory: 64GB, nic: 25Gbps, measured: {requests: 20k/s}}
groups:
  router: {hardware: edge}
  proxy: {hardware: lb}
  backend: {hardware: web}
"""


def rules(text: str) -> set[str]:
    return {f.rule for f in run(subject(text)).findings}


def test_a_site_carries_what_one_proxy_and_one_gateway_carry() -> None:
    judged = subject(BASE + MACHINES)
    assert capacity.bandwidth(judged, "one") == 20e9  # the router's ports, though there are two routers
    assert capacity.proxy_requests(judged, "one") == 60_000
    assert capacity.backend_requests(judged, "one") == 3 * 20_000  # four members less one


def test_few_packets_a_second_are_few_bits() -> None:
    text = MACHINES.replace("nic: 2 x 10Gbps}", "nic: 2 x 10Gbps, measured: {packets: 1M/s}}")
    assert capacity.bandwidth(subject(BASE + text), "one") == 1e6 * 1500 * 8


def test_a_missing_figure_is_unknown_not_nothing() -> None:
    judged = subject(BASE + MACHINES.replace(", measured: {requests: 20k/s}", ""))
    assert capacity.backend_requests(judged, "one") is None
    assert capacity.per_site(judged, capacity.backend_requests) is None
    assert capacity.bandwidth(subject(BASE), "one") is None


def test_the_sites_that_carry_most_are_lost_first() -> None:
    judged = subject(BASE + MACHINES)
    assert capacity.left(judged, {"one": 5.0, "two": 3.0}) == (3.0, ["two"])
    both = subject(BASE + MACHINES + "objectives: {survive_sites: 2}\n")
    assert capacity.left(both, {"one": 5.0, "two": 3.0}) == (0.0, [])
    none = subject(BASE + MACHINES + "objectives: {survive_sites: 0}\n")
    assert capacity.left(none, {"one": 5.0, "two": 3.0}) == (8.0, ["one", "two"])


def test_the_peak_is_the_estates_or_the_sum_of_the_shares() -> None:
    own = BASE.replace("tls: {hsts: 1y}", "tls: {hsts: 1y}\n    objectives: {peak: {requests: 1k/s}}")
    asked = capacity.demand(subject(own))
    assert asked is not None and (asked.requests, asked.bandwidth) == (1000.0, None)
    assert asked.loc == ("services", "www", "objectives", "peak")
    total = capacity.demand(subject(own + "objectives: {peak: {requests: 2k/s, bandwidth: 1Gbps}}\n"))
    assert total is not None and (total.requests, total.bandwidth) == (2000.0, 1e9)
    assert capacity.demand(subject(BASE)) is None


@pytest.mark.parametrize(("asked", "broken"), [("60k/s", False), ("60001/s", True)])
def test_the_edge_of_a_peak_in_requests(asked: str, broken: bool) -> None:
    text = (
        BASE
        + MACHINES
        + f"objectives: {{peak: {{requests: {asked}}}}}\ntiers: {{proxy: {{maxconn: 200000}}}}\n"
    )
    assert ("n-1-requests" in rules(text)) is broken


@pytest.mark.parametrize(("asked", "broken"), [("20Gbps", False), ("20.1Gbps", True)])
def test_the_edge_of_a_peak_in_bandwidth(asked: str, broken: bool) -> None:
    assert (
        "n-1-bandwidth" in rules(BASE + MACHINES + f"objectives: {{peak: {{bandwidth: {asked}}}}}\n")
    ) is broken


def test_without_figures_a_peak_is_unknown_and_never_well() -> None:
    assert "capacity-unknown" in rules(BASE + "objectives: {peak: {requests: 1/s, bandwidth: 1kbps}}\n")
    assert "capacity-unknown" not in rules(
        BASE + MACHINES + "objectives: {peak: {requests: 1/s, bandwidth: 1kbps}}\n"
    )
    assert "capacity-unknown" not in rules(BASE)


def test_two_sites_lost_of_two_is_one_error_and_not_four() -> None:
    text = BASE + MACHINES + "objectives: {peak: {requests: 1/s}, survive_sites: 2}\n"
    assert rules(text) == {"no-site-to-lose"}


def test_a_site_answers_the_lesser_of_its_proxy_and_its_members() -> None:
    """Site one has few members, site two a slow proxy: neither sum alone shows what is missing."""
    text = (BASE + MACHINES).replace(
        "hosts: {router: 2, proxy: 2, backend: 4}", "hosts: {router: 2, proxy: 2, backend: 2}", 1
    )
    text = text.replace("proxy: 2, backend: 4}", "slow: 2, backend: 9}").replace(
        "  proxy: {hardware: lb}\n",
        "  proxy: {hardware: lb}\n  slow: {id: 2, roles: [proxy], hardware: old}\n",
    )
    text = text.replace(
        "  web: {cores",
        "  old: {cores: 4, memory: 64GB, nic: 25Gbps, measured: {requests: 10k/s}}\n  web: {cores",
    )
    asked = (
        "objectives: {{peak: {{requests: {}}}, survive_sites: 0}}\ntiers: {{proxy: {{maxconn: 200000}}}}\n"
    )
    assert "n-1-requests" not in rules(text + asked.format("30k/s"))
    assert "n-1-requests" in rules(text + asked.format("31k/s"))


def test_a_figure_that_the_estate_leaves_out_is_the_sum_of_the_shares() -> None:
    own = BASE.replace(
        "tls: {hsts: 1y}", "tls: {hsts: 1y}\n    objectives: {peak: {requests: 1/s, bandwidth: 100Gbps}}"
    )
    text = own + MACHINES + "objectives: {peak: {requests: 10/s}}\n"
    asked = capacity.demand(subject(text))
    assert asked is not None and (asked.requests, asked.bandwidth) == (10.0, 1e11)
    found = [f.key for f in run(subject(text)).findings if f.rule == "n-1-bandwidth"]
    assert found == ["services.www.objectives.peak.bandwidth"]


ALL_CARRY = """\
estate: every
zone: every.example
sites:
  rack:
    id: 1
    at: [50.1, 8.7]
    asn: 64512
    front: bgp
    hosts: {proxy: 3, backend: 4}
    upstreams: {tor: {asn: 64601, peer: [10.1.48.1]}}
  cloud:
    id: 2
    at: [1.3, 103.8]
    front: none
    hosts: {proxy: 2, backend: 4}
    machines:
      edge-a: {group: proxy, number: 1, public: [198.51.100.10]}
      edge-b: {group: proxy, number: 2, public: [198.51.100.11]}
services: {www: {names: [www.every.example], routes: [{pool: web}]}}
pools: {web: {hosts: backend, port: 8080, check: {get: /health}}}
"""


@pytest.mark.parametrize(("site", "proxies"), [("rack", 3), ("cloud", 2)])
def test_where_no_vrrp_moves_the_addresses_all_proxies_carry(site: str, proxies: int) -> None:
    judged = subject(ALL_CARRY + MACHINES)
    assert capacity.proxy_requests(judged, site) == proxies * 60_000 == front_requests(judged.inventory, site)
    assert capacity.handshakes(judged, site) == proxies * 18_000
    assert capacity.cores(judged, site) == proxies * 32
    assert capacity.connections(judged, site) == proxies * 20_000
    assert capacity.bandwidth(judged, site) == proxies * 50e9, "no gateway of ours is on the way"


def test_what_vrrp_does_is_no_finding_where_there_is_none() -> None:
    many = ALL_CARRY.replace("proxy: 3", "proxy: 200") + "vrrp: {priorities: [2]}\n"
    assert not rules(many) & {"priority-clash", "vrid-clash", "garp-storm"}


def test_each_port_of_a_proxy_with_a_public_address_is_open() -> None:
    found = [each for each in run(subject(ALL_CARRY)).findings if each.rule == "hosts-reachable"]
    assert len(found) == 1 and "edge-a and 1 more of cloud" in str(found[0])


def test_a_member_at_a_proxy_s_public_address_is_ourselves() -> None:
    text = ALL_CARRY.replace(
        "{hosts: backend, port: 8080,", "{members: [{address: 198.51.100.11, port: 80}],"
    )
    assert "member-is-ourselves" in rules(text)
