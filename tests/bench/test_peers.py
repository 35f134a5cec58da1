"""The configurations that `bench/failover` compares ours with: every edit takes hold, and their daemons accept them."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from _peers import PEERS, EditMissed, Peer, apply, comparable, made
from _peers.edit import Edit

from trimtab.daemons.table import table
from trimtab.delivery import sandbox
from trimtab.errors import EnvironmentUnable
from trimtab.estate.inventory import Inventory
from trimtab.estate.load import load_estate
from trimtab.lab.plan import plan
from trimtab.lab.topology import Node, Topology

SHOP = Path(__file__).resolve().parents[2] / "examples" / "shop" / "estate.yaml"
JUDGES = {
    "/etc/bird/bird.conf": "bird",
    "/etc/haproxy/haproxy.cfg": "haproxy",
    "/etc/haproxy/pools.cfg": None,  # judged with the other
    "/etc/keepalived/keepalived.conf": "keepalived",
}
PEER = pytest.mark.parametrize("peer", PEERS.values(), ids=list(PEERS))


@pytest.fixture(scope="module")
def ours() -> Topology:
    return plan(Inventory(comparable(load_estate(SHOP)), shrink=True), "t")


def content(topology: Topology, node: str, path: str) -> str:
    found = next(each for each in topology.nodes if each.name == node)
    return next(file.content for file in found.files if file.path == path)


@PEER
def test_a_peer_differs_in_files_alone_and_only_in_those_that_it_names(ours: Topology, peer: Peer) -> None:
    theirs = made(ours, peer)
    changed = set()
    for was, now in zip(ours.nodes, theirs.nodes, strict=True):
        added = len(peer.added) if "proxy" in was.roles else 0
        assert len(now.files) - len(was.files) == added and now.units[: len(was.units)] == was.units
        assert replace(now, files=was.files, units=was.units) == was
        for before, after in zip(was.files, now.files, strict=not added):
            assert replace(after, content=before.content) == before
            changed |= {before.path} if before != after else set()
    assert changed == set(JUDGES)
    assert replace(theirs, nodes=ours.nodes) == ours


@PEER
def test_every_edit_has_a_reason(peer: Peer) -> None:
    assert all(len(edit.why) > 0 for edit in peer.edits)


def test_an_edit_that_matches_nothing_is_refused(ours: Topology) -> None:
    missed = Edit("proxy", "/etc/bird/bird.conf", "no such line", "", "planted")
    with pytest.raises(EditMissed, match="no such line"):
        apply(ours, [missed])
    with pytest.raises(EditMissed, match="planted"):
        apply(ours, [replace(missed, everywhere=False)])


@PEER
def test_nothing_of_our_detection_is_left_in_a_peer(ours: Topology, peer: Peer) -> None:
    theirs = made(ours, peer)
    keepalived = content(theirs, "hk-proxy-1", "/etc/keepalived/keepalived.conf")
    haproxy = content(theirs, "hk-proxy-1", "/etc/haproxy/haproxy.cfg")
    assert "front_process" not in keepalived and keepalived.count("haproxy_runs") == 2
    for word in ("observe", "retry-on", "tcp-ut", "redispatch", "fastinter 100ms"):
        assert word not in haproxy
    for node in ("hk-router-1", "hk-proxy-1"):
        assert "bfd on" not in content(theirs, node, "/etc/bird/bird.conf")


@PEER
def test_a_peer_asks_no_other_site_and_is_asked_by_none(ours: Topology, peer: Peer) -> None:
    assert "web--across" in content(ours, "hk-proxy-1", "/etc/haproxy/haproxy.cfg")
    for node in (node for node in made(ours, peer).nodes if "proxy" in node.roles):
        text = next(file.content for file in node.files if file.path == "/etc/haproxy/haproxy.cfg")
        assert not any(word in text for word in ("across", "X-Trimtab-Pool", ":8443", "ssl-load-extra"))
        assert "str(--panic)" in text and text.count("use_backend %[var(txn.pool)]") == 1
        assert "frontend unsafe.once" in text and text.endswith("\n")


def test_only_sessions_with_sites_change_in_an_upstream(ours: Topology) -> None:
    theirs = content(made(ours, PEERS["sources"]), "as64500", "/etc/bird/bird.conf")
    sessions = {block.split()[0]: block for block in theirs.split("protocol bgp ")[1:]}
    slow = {name for name, block in sessions.items() if "hold time 240" in block and "\tbfd on;" not in block}
    assert slow == {"to_hk_hkix_1_4", "to_hk_hkix_1_6"}
    ours_of = content(ours, "as64500", "/etc/bird/bird.conf").split("protocol bgp ")[1:]
    unchanged = {block.split()[0]: block for block in ours_of if block.split()[0] not in slow}
    assert unchanged and unchanged == {name: sessions[name] for name in unchanged}


@pytest.mark.daemon
@PEER
@pytest.mark.parametrize("name", ["hk-router-1", "hk-proxy-1", "hk-proxy-2", "as64500"])
def test_the_daemons_accept_a_peers_files(ours: Topology, peer: Peer, name: str, tmp_path: Path) -> None:
    node = next(each for each in made(ours, peer).nodes if each.name == name)
    assert _complaints(node, tmp_path / "host", tmp_path / "nothing") == {}


def _complaints(node: Node, root: Path, extra: Path) -> dict[str, str]:
    """What the daemons say against the files of a node, by path."""
    for file in node.files:
        target = root / file.path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(file.content)
        target.chmod(file.mode)
    judges = {file.path: file.validator for peer in PEERS.values() for file in peer.added} | JUDGES
    judged = {file.path: table().validators[judge] for file in node.files if (judge := judges.get(file.path))}
    for program in {validator.program for validator in judged.values()}:
        if shutil.which(program, path=sandbox.PATH) is None:
            pytest.skip(f"{program} is not installed")
    interfaces = {leg.interface for leg in node.legs if leg.interface.startswith("vlan")}
    try:
        asked = {path: validator.ask(path) for path, validator in judged.items()}
        replies = sandbox.run(root, extra, interfaces, asked)
    except EnvironmentUnable as error:
        pytest.skip(str(error))
    return {path: reply.text for path, reply in replies.items() if not judged[path].accepts(reply)}
