"""Hosts of another Debian: what is refused before anything begins, and how `--system` is read."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from lab_kit import small_topology

from trimtab.cli.lab import platforms
from trimtab.delivery import systems
from trimtab.errors import BadInput, EnvironmentUnable
from trimtab.estate.estate import Estate
from trimtab.estate.inventory import Inventory
from trimtab.estate.load import read_estate
from trimtab.lab import system
from trimtab.lab.client import start
from trimtab.lab.plan import plan
from trimtab.lab.state import state_dir

ONE = """
estate: small
zone: small.example
sites:
  one:
    {id: 1, at: [22.3, 114.2], asn: 65010, hosts: {router: 1, proxy: 2, backend: 2, registry: 3},
     upstreams: {isp: {asn: 64500, peer: [198.51.100.1]}}}
"""
ROUTER, REGISTRIES = ("one-router-1",), ("one-registry-1", "one-registry-2", "one-registry-3")


def estate() -> Estate:
    return read_estate(ONE)[0]


@pytest.fixture
def trixie(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is called a system and has what every host needs, but none of its daemons."""
    monkeypatch.setenv("TRIMTAB_CACHE", str(tmp_path))
    folder = tmp_path / "systems" / "trixie"
    for path in system.NEEDED:
        place = folder / path.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.touch()
    (folder / "etc").mkdir()
    (folder / "etc" / "os-release").write_text('ID=debian\nVERSION_ID="13"\n')
    return folder


def test_a_system_without_the_programs_of_its_hosts_starts_nothing(trixie: Path) -> None:
    topology = small_topology("lacking")
    nodes = tuple(
        replace(node, system="trixie" if node.name == "hk-proxy" else "") for node in topology.nodes
    )
    with pytest.raises(EnvironmentUnable, match="/usr/sbin/haproxy"):
        start(replace(topology, nodes=nodes))
    assert not state_dir("lacking").exists()


def test_a_system_that_is_not_there_starts_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRIMTAB_CACHE", str(tmp_path))
    topology = small_topology("absent")
    nodes = (replace(topology.nodes[0], system="bookworm"), *topology.nodes[1:])
    with pytest.raises(EnvironmentUnable, match="the system bookworm is not in"):
        start(replace(topology, nodes=nodes))
    assert not state_dir("absent").exists()


def test_a_held_system_is_not_replaced(trixie: Path) -> None:
    """`scripts/system` asks for the same lock without waiting."""
    import fcntl
    import os

    held = system.hold(trixie)
    other = os.open(trixie, os.O_RDONLY)
    with pytest.raises(BlockingIOError):
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.close(held)
    fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.close(other)


@pytest.mark.parametrize(
    ("words", "hosts"),
    [
        (["trixie"], {*ROUTER, *REGISTRIES, "one-proxy-1", "one-proxy-2", "one-backend-1", "one-backend-2"}),
        (["proxy=trixie"], {"one-proxy-1", "one-proxy-2"}),
        (["one=trixie", "proxy=bookworm"], {*ROUTER, *REGISTRIES, "one-backend-1", "one-backend-2"}),
        (["one-proxy-2=trixie"], {"one-proxy-2"}),
    ],
)
def test_whom_a_word_is_about(words: list[str], hosts: set[str]) -> None:
    found = platforms(Inventory(estate()), words)
    assert {host for host, platform in found.items() if platform == "debian-13"} == hosts


@pytest.mark.parametrize(
    ("word", "says"),
    [
        ("=trixie", "is expected"),
        ("buster", "is expected"),
        ("two=trixie", "no host, group or site 'two'"),
        ("", "is expected"),
    ],
)
def test_a_word_that_is_about_nothing(word: str, says: str) -> None:
    with pytest.raises(BadInput, match=says):
        platforms(Inventory(estate()), [word])


def test_a_host_is_rendered_for_the_system_that_it_runs() -> None:
    found = Inventory(estate(), platforms={"one-proxy-2": "debian-13"}).by_name
    assert (found["one-proxy-1"].platform, found["one-proxy-2"].platform) == (None, "debian-13")


def test_an_etcd_cluster_begins_with_one_version(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(systems, "own_platform", lambda: "debian-12")
    mixed = Inventory(estate(), platforms={"one-registry-2": "debian-13"})
    with pytest.raises(
        BadInput, match=r"`registry` would begin with different versions: .*one-registry-2 trixie"
    ):
        plan(mixed, "t")
    every = Inventory(estate(), platforms=dict.fromkeys(REGISTRIES, "debian-13"))
    assert {node.system for node in plan(every, "t").nodes if "registry" in node.roles} == {"trixie"}
