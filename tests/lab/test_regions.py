"""Regions are access networks with several transits, and a twin's facts name what its own files configure."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from trimtab.daemons.bird.config import CONFIG
from trimtab.drills.probes.route import speaks
from trimtab.drills.scene import read_scene
from trimtab.estate.inventory import Inventory
from trimtab.estate.load import load_estate
from trimtab.lab.plan import plan
from trimtab.lab.topology import Node, Topology
from trimtab.lab.transit import session_to

EXAMPLES = sorted(Path(__file__).parents[2].glob("examples/*/estate.yaml"))


BGPD = "/etc/frr/bgpd.conf"


@pytest.fixture(scope="module", params=EXAMPLES, ids=lambda p: p.parent.name)
def topology(request: pytest.FixtureRequest) -> Topology:
    return plan(Inventory(load_estate(request.param), shrink=True), "t")


def bird_of(node: Node) -> str:
    return next(file.content for file in node.files if file.path == CONFIG)


def speech_of(node: Node) -> str:
    """Its BGP: BIRD's file, or bgpd's of FRR."""
    return next(file.content for file in node.files if file.path in (CONFIG, BGPD))


def is_server(name: str) -> bool:
    """A route server, which arouteserver has configured."""
    return name.startswith("rs-")


def speaks_with(node: Node, address: str) -> bool:
    text = speech_of(node)
    return f"neighbor {address} as " in text or f"neighbor {address} remote-as " in text


def named(topology: Topology) -> dict[str, Node]:
    return {node.name: node for node in topology.nodes}


def facts(topology: Topology) -> dict[str, Any]:
    return dict(topology.facts)


def test_a_region_has_a_cable_and_a_session_to_each_of_its_transits(topology: Topology) -> None:
    nodes = named(topology)
    upstreams = {name for name, node in nodes.items() if node.kind == "transit" and not is_server(name)}
    for region in facts(topology)["regions"].values():
        clients, transits = nodes[region["node"]], region["transits"]
        assert len(transits) == len(set(transits)) == min(8, len(upstreams))  # a route server carries nobody
        assert len(clients.legs) == len(transits)
        for leg, transit in zip(clients.legs, transits, strict=True):
            (other,) = [far for far in nodes[transit].legs if far.segment == leg.segment]
            for ours, theirs in zip(leg.addresses, other.addresses, strict=True):
                one, two = ours.partition("/")[0], theirs.partition("/")[0]
                assert speaks_with(clients, two)
                assert speaks_with(nodes[transit], one)


def test_no_two_access_networks_share_a_cable_or_a_number(topology: Topology) -> None:
    clients = [node for node in topology.nodes if node.kind == "clients"]
    segments = [leg.segment for node in clients for leg in node.legs]
    assert len(segments) == len(set(segments))
    numbers = [re.findall(r"local \S+ as (\d+)", bird_of(node)) for node in clients]
    assert all(len(set(each)) == 1 for each in numbers)
    assert len({each[0] for each in numbers}) == len(clients)


def test_the_nearer_transit_is_preferred_and_the_other_sees_a_longer_path(topology: Topology) -> None:
    for region in facts(topology)["regions"].values():
        text = bird_of(named(topology)[region["node"]])
        found = [
            re.search(rf"(?s)protocol bgp {transit}\w* \{{(.*?)\n\}}", text) for transit in region["transits"]
        ]
        sessions = [match[1] for match in found if match]
        assert len(sessions) == len(region["transits"])
        preferences = [int(re.findall(r"bgp_local_pref = (\d+)", each)[0]) for each in sessions]
        assert preferences == sorted(preferences, reverse=True)
        assert len(set(preferences)) == len(preferences)
        assert [each.count("bgp_path.prepend") for each in sessions] == list(range(len(sessions)))


def test_a_site_is_heard_of_straight_from_the_transit_that_carries_it(topology: Topology) -> None:
    for name, node in named(topology).items():
        if node.kind == "transit" and not is_server(name):
            text = speech_of(node)
            access = re.findall(r"neighbor (\S+) description access_", text)
            assert len(access) == 2 * len(facts(topology)["regions"]), name
            assert text.count("route-map to-access out") == len(access)
            assert text.count("route-map to-mesh out") == len(re.findall(r"description as\d", text))


@pytest.mark.daemon
def test_the_real_daemons_take_the_networks_around_the_sites(topology: Topology, tmp_path: Path) -> None:
    if shutil.which("bird") is None:
        pytest.fail("bird is not installed: apt-get install bird2")
    for node in topology.nodes:
        if node.kind == "clients":
            text = re.sub(r'include "[^"]*";|password "[^"]*";', "", bird_of(node))
            (tmp_path / f"{node.name}.conf").write_text(text)
            argv = ["bird", "-p", "-c", str(tmp_path / f"{node.name}.conf")]
            done = subprocess.run(argv, capture_output=True, text=True, timeout=20, check=False)
            assert done.returncode == 0, (node.name, done.stderr)
        elif node.kind == "transit" and not is_server(node.name):
            assert "No such command" not in said_by_frr(node, tmp_path), node.name


def said_by_frr(node: Node, folder: Path) -> str:
    """FRR's daemons read their files, and go on after a line that they do not know."""
    said = ""
    for file in node.files:
        daemon = file.path.rpartition("/")[2].removesuffix(".conf")
        if file.path.startswith("/etc/frr/") and daemon != "vtysh":
            (folder / f"{daemon}.conf").write_text(file.content)
            argv = [f"/usr/lib/frr/{daemon}", "-C", "-f", str(folder / f"{daemon}.conf")]
            done = subprocess.run(argv, capture_output=True, text=True, timeout=20, check=False)
            assert done.returncode == 0, (node.name, daemon, done.stderr)
            said += done.stdout + done.stderr
    return said


def test_what_a_drill_may_cut_or_ask_is_there(topology: Topology) -> None:
    nodes, segments = named(topology), {segment.name for segment in topology.segments}
    scene = read_scene(facts(topology))
    for site in scene.sites.values():
        assert set(site.links) == set(scene.sites) - {site.name}
        assert set(site.links.values()) <= segments
        assert {*site.hosts, *site.routers, *site.proxies, *site.backends} <= nodes.keys()
        for proxy in site.proxies:
            assert site.front_unit in nodes[proxy].units
        for backend in site.backends:
            assert site.backend_unit in nodes[backend].units
        for up in site.upstreams.values():
            assert up.segment in segments
            assert {leg.segment for leg in nodes[up.transit].legs} >= {up.segment}
            named_by = {
                address.partition("/")[0]
                for r in site.routers
                for leg in nodes[r].legs
                for address in leg.addresses
            }
            assert set(up.ours) <= named_by
            assert any(up.segment in {leg.segment for leg in nodes[r].legs} for r in site.routers)
    for region in scene.regions.values():
        assert set(region.transits) <= nodes.keys()
    for store in scene.stores:
        assert set(store.hosts) <= nodes.keys()
    assert re.fullmatch(r"[0-9a-f]{64}", scene.configuration)


def test_sessions_are_named_as_the_routers_and_the_transits_name_them(topology: Topology) -> None:
    nodes, scene = named(topology), read_scene(facts(topology))
    for site in scene.sites.values():
        for up in site.upstreams.values():
            texts = [bird_of(nodes[router]) for router in site.routers]
            for text in [each for each in texts if any(f"protocol bgp {s} {{" in each for s in up.sessions)]:
                assert all(f"protocol bgp {session} {{" in text for session in up.sessions)
                assert all(f"neighbor {peer} as " in text for peer in up.peers)
            assert up.ours and len(up.ours) % len(up.peers) == 0
            assert all(speaks_with(nodes[up.transit], address) for address in up.ours)
            if up.runs_frr:
                named_so = f"description {session_to(site.name, up.name)}"
                assert speech_of(nodes[up.transit]).count(named_so) == len(up.ours)
            else:
                assert f"protocol bgp {up.heard}1 " in bird_of(nodes[up.transit])
        heard = [
            prefix for prefix in site.prefixes if any(speaks(up, prefix) for up in site.upstreams.values())
        ]
        assert heard == list(site.prefixes), "a prefix that no upstream of the site can hear of"


def test_the_configuration_is_the_same_for_the_same_files_only() -> None:
    estate = load_estate(next(path for path in EXAMPLES if path.parent.name == "shop"))
    tier = estate.tiers.proxy.model_copy(update={"maxconn": estate.tiers.proxy.maxconn + 1})
    changed = estate.model_copy(update={"tiers": estate.tiers.model_copy(update={"proxy": tier})})
    first, again, other = (
        plan(Inventory(one, shrink=True), name).facts["configuration"]
        for one, name in ((estate, "t"), (estate, "u"), (changed, "t"))
    )
    assert first == again != other
