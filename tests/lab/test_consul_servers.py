"""The Consul that the twin adds where an estate brings one: its files, how it is asked, and that nothing begins without."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from trimtab import agent_config
from trimtab.daemons import pki
from trimtab.daemons.reply import TRUE, Reply
from trimtab.daemons.table import table
from trimtab.errors import EnvironmentUnable
from trimtab.estate.inventory import Inventory
from trimtab.estate.load import load_estate
from trimtab.lab import consul
from trimtab.lab.plan import plan
from trimtab.lab.topology import Topology

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "tests" / "twin" / "estates" / "consul.yaml"
PEERS = ("10.1.96.10", "10.1.96.11", "10.1.96.12")
ARGS = ("ca", "crt", "key", *PEERS)
LEADER, SERVERS = '"10.1.96.11:8300"', json.dumps([f"{peer}:8300" for peer in PEERS])


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two programs that are never run."""
    for version in ("1.8.7", "1.10.2"):
        folder = tmp_path / f"consul-{version}"
        folder.mkdir()
        (folder / "consul").touch(mode=0o755)
    monkeypatch.setenv("TRIMTAB_CACHE", str(tmp_path))
    return tmp_path


def made() -> Topology:
    return plan(Inventory(load_estate(SOURCE)), "t")


def test_registry_hosts_get_a_server_and_nobody_else_gets_anything(cache: Path) -> None:
    program = f"{cache}/consul-1.10.2/consul"  # the newest: by number, not by letter
    tokens = set()
    for node in made().nodes:
        files = {file.path: file for file in node.files}
        is_server = "registry" in node.roles
        assert (consul.UNIT in node.units) is is_server is (consul.CONFIG in files)
        if not is_server:
            continue
        config = json.loads(files[consul.CONFIG].content)
        assert config["datacenter"] == node.site and config["bootstrap_expect"] == 3
        assert len(config["retry_join"]) == 2 and files[consul.CONFIG].mode == 0o600
        assert config["acl"]["default_policy"] == "deny" and config["verify_incoming"] is True
        root = files[pki.ROOT_PASSWORD].content.strip()
        assert config["acl"]["tokens"]["master"] == root
        tokens.add((files[pki.PASSWORD].content, root))
        assert f"ExecStart={program} agent" in files[f"/etc/systemd/system/{consul.UNIT}"].content
        assert (consul.TOKEN_UNIT in node.units) is node.name.endswith("-1")
        access = agent_config.load(files[agent_config.PATH].content).registry
        assert access is not None and config["ports"]["https"] == int(access.endpoints[0].rpartition(":")[2])
    assert len(tokens) == 1


def test_an_estate_with_etcd_gets_none(cache: Path) -> None:
    shop = plan(Inventory(load_estate(ROOT / "examples" / "shop" / "estate.yaml")), "t")
    assert not any("consul" in file.path for node in shop.nodes for file in node.files)
    assert not any(check.kind == "consul" for check in shop.checks)


def test_without_a_consul_nothing_begins_and_the_script_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRIMTAB_CACHE", str(tmp_path))
    monkeypatch.setattr(consul, "CACHE", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EnvironmentUnable) as caught:
        made()
    assert caught.value.exit_code == 3 and "scripts/consul" in caught.value.hint


def test_the_rules_are_those_that_an_operator_reads() -> None:
    assert f"```\n{consul.rules('/trimtab/shop', ['api'])}```" in (ROOT / "docs" / "agent.md").read_text()


def test_every_site_is_waited_for(cache: Path) -> None:
    found = [check for check in made().checks if check.kind == "consul"]
    assert [check.nodes[0] for check in found] == ["hk-registry-1", "sg-registry-1"]
    assert found[0].args[3:] == PEERS


@pytest.mark.parametrize(
    ("reply", "truth", "why"),
    [
        (Reply(0, f"{LEADER}\n{SERVERS}\n"), "true", ""),
        (Reply(0, f'""\n{SERVERS}\n'), "false", "no leader"),
        (
            Reply(0, f'{LEADER}\n["10.1.96.10:8300"]\n'),
            "false",
            "10.1.96.11, 10.1.96.12 not among the servers",
        ),
        (Reply(7, "curl: (7) Failed to connect\n"), "unknown", "curl: (7) Failed to connect"),
        (Reply(0, "No cluster leader\n"), "unknown", "No cluster leader"),
        (Reply(0, '""\n7\n'), "unknown", '""\n7'),
        (Reply(0, ""), "unknown", "no answer"),
    ],
)
def test_what_consul_says_of_itself(reply: Reply, truth: str, why: str) -> None:
    found = table().probes["consul"].judge(ARGS, reply)
    assert (found.truth, found.why) == (truth, why)
    assert (found == TRUE) is (truth == "true")
