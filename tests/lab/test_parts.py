"""The parts of the runtime that need no namespaces."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from lab_kit import small_topology

from trimtab import codec
from trimtab.daemons.artifact import Artifact
from trimtab.daemons.probe import ReadyCheck
from trimtab.errors import BadInput, EnvironmentUnable, PackageMissing
from trimtab.lab import diagnose, relay, state, twin
from trimtab.lab.client import Lab
from trimtab.lab.diagnose import Trial
from trimtab.lab.fabric import client_neighbours, mac_address
from trimtab.lab.node import network_batches, sysctl_lines
from trimtab.lab.topology import Leg, Node, Segment, Topology

FINE, BROKEN = Trial(0, ""), Trial(1, "unshare: Operation not permitted")


def test_a_topology_survives_the_way_to_the_owner() -> None:
    topology = small_topology("small")
    assert codec.loads(Topology, codec.dumps(topology)) == topology


@pytest.mark.parametrize("name", ["", "../x", "a/b", "A", "x" * 42, ".hidden"])
def test_names_that_are_no_file_names_are_refused(name: str) -> None:
    with pytest.raises(BadInput, match="cannot be the name of a twin"):
        state.state_dir(name)


def test_a_state_folder_has_one_owner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRIMTAB_STATE", str(tmp_path / "base"))
    lock = state.claim("one")
    assert (tmp_path / "base" / "one").stat().st_mode & 0o777 == 0o700
    with pytest.raises(EnvironmentUnable, match="already runs"):
        state.claim("one")
    os.close(lock)
    (tmp_path / "base" / "one" / "old").write_text("old")
    os.close(state.claim("one"))
    assert [entry.name for entry in (tmp_path / "base" / "one").iterdir()] == ["out"]


def test_a_state_folder_open_to_others_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRIMTAB_STATE", str(tmp_path / "base"))
    (tmp_path / "base").mkdir()
    (tmp_path / "base").chmod(0o777)
    with pytest.raises(EnvironmentUnable, match="is not ours alone"):
        state.claim("one")


def test_no_twin_no_connection(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRIMTAB_STATE", str(tmp_path))
    with pytest.raises(EnvironmentUnable, match="no twin named shop runs"):
        Lab.connect("shop")


@pytest.mark.parametrize(
    ("trials", "sysctls", "what", "way_out"),
    [
        ((FINE, FINE, FINE, FINE), {}, None, None),
        ((BROKEN, BROKEN, BROKEN, FINE), {"user.max_user_namespaces": "0"}, "forbidden", "sysctl -w user.max_user_namespaces=10000"),
        (
            (BROKEN, BROKEN, BROKEN, FINE),
            {"kernel.unprivileged_userns_clone": "0"},
            "forbidden",
            "sysctl -w kernel.unprivileged_userns_clone=1",
        ),
        (
            (BROKEN, BROKEN, BROKEN, FINE),
            {"kernel.apparmor_restrict_unprivileged_userns": "1", "user.max_user_namespaces": "96365"},
            "forbidden",
            "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0",
        ),
        ((BROKEN, BROKEN, BROKEN, FINE), {}, "Operation not permitted", "--privileged"),
        ((FINE, BROKEN, FINE, FINE), {}, "masked /proc", "systempaths=unconfined"),
        ((FINE, FINE, BROKEN, FINE), {}, "network namespaces", "CONFIG_NET_NS"),
        ((FINE, FINE, FINE, BROKEN), {}, "cannot be used inside a user namespace", "readable"),
    ],
)  # fmt: skip
def test_why_a_machine_cannot(
    trials: tuple[Trial, Trial, Trial, Trial], sysctls: dict[str, str], what: str | None, way_out: str | None
) -> None:
    found = diagnose.judge(*trials, sysctls)
    if what is None or way_out is None:
        assert found is None
    else:
        assert found is not None and what in found[0] and way_out in found[1]


def test_the_network_of_a_node_as_batches() -> None:
    node = Node(
        "r", "host", legs=(Leg("eth0", "lan", ("10.0.0.1/24", "fd00::1/64")),), loopback=("10.9.9.9/32",),
        routes=("default via 10.0.0.254", "-6 default via fd00::fe"),
    )  # fmt: skip
    plain, six = network_batches(node, ["10.0.0.7 lladdr 02:00:00:00:00:01 dev eth0 nud permanent"])
    assert plain.splitlines() == [
        "addr add 10.0.0.1/24 dev eth0",
        "addr add fd00::1/64 dev eth0 nodad",
        "link set eth0 up",
        "addr add 10.9.9.9/32 dev lo",
        "neigh replace 10.0.0.7 lladdr 02:00:00:00:00:01 dev eth0 nud permanent",
        "route add default via 10.0.0.254",
    ]
    assert six == "route add default via fd00::fe\n"


def test_who_states_a_link_local_address_has_no_other() -> None:
    legs = (Leg("eth0", "lan", ("10.0.0.1/24", "fe80::1/64")), Leg("eth1", "lan", ("fd00::1/64",)))
    plain, _ = network_batches(Node("r", "host", legs=legs))
    assert [line for line in plain.splitlines() if "addrgenmode" in line] == [
        "link set eth0 addrgenmode none"
    ]


def test_sysctl_values_are_quoted() -> None:
    (line,) = sysctl_lines([("net.ipv4.ip_local_port_range", "1024 65535")])
    assert line.startswith("echo '1024 65535' > /proc/sys/net/ipv4/ip_local_port_range || ")


def test_mac_addresses_are_local_and_stay() -> None:
    assert mac_address("a", "eth0") == mac_address("a", "eth0") != mac_address("a", "eth1")
    assert int(mac_address("a", "eth0")[:2], 16) & 0b11 == 0b10


def test_only_clients_are_known_from_the_start() -> None:
    router = Node("r", "transit", legs=(Leg("w", "wan", ("198.19.1.1/24",)),))
    other = Node("h", "host", legs=(Leg("w", "wan", ("198.19.1.2/24",)),))
    clients = Node("c", "clients", legs=(Leg("e", "wan", ("198.19.1.10/24", "198.19.1.11/24")),))
    known = client_neighbours((router, other, clients))
    mac = mac_address("c", "e")
    wanted = [f"198.19.1.{n} lladdr {mac} dev w nud permanent" for n in (10, 11)]
    assert known == {"r": wanted, "h": wanted}


@pytest.mark.parametrize(
    ("topology", "words"),
    [
        (Topology("t", (), (), (ReadyCheck("magic", "luck", ()),)), "no probe of kind magic for luck"),
        (Topology("t", (Node("a", "host", legs=(Leg("e", "x"),)),), ()), "a: e is on segment x, which the topology has not"),
        (Topology("t", (Node("a", "host", legs=(Leg("e", "x"),)),), (Segment("x", 5),)), "segment x has a delay and 1 legs"),
        (Topology("t", (Node("a", "host", units=("x.service",)),), ()), "a starts x.service, but has no"),
        (Topology("t", (Node("a", "host", files=(Artifact("/opt/x", ""),)),), ()), "a: the file /opt/x is outside /etc"),
        (Topology("t", (Node("a", "host", files=(Artifact("/etc/../x", ""),)),), ()), "a: the file /etc/../x is outside"),
    ],
)  # fmt: skip
def test_topologies_that_cannot_be_are_refused(topology: Topology, words: str) -> None:
    with pytest.raises(BadInput) as refused:
        twin.check(topology)
    assert words in refused.value.message


def test_the_relay_is_built_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    program = relay.build()
    assert program.parent == tmp_path / "trimtab" and os.access(program, os.X_OK)
    monkeypatch.setenv("PATH", "")  # no compiler is needed now
    assert relay.build() == program


def test_no_compiler_is_told_with_its_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(PackageMissing) as missing:
        relay.build()
    assert "gcc libc6-dev" in missing.value.hint
