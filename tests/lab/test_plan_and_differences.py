"""The twin runs the very files that `build` writes; what differs stands in one table."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from trimtab.daemons import pki
from trimtab.daemons.rendered import render_host
from trimtab.estate.inventory import Inventory
from trimtab.estate.load import load_estate
from trimtab.lab.differences import DIFFERENCES
from trimtab.lab.plan import plan
from trimtab.lab.topology import Topology

EXAMPLES = sorted(Path(__file__).parents[2].glob("examples/*/estate.yaml"))
ANNOUNCING = Path(__file__).parents[1] / "twin/estates/rack-exabgp.yaml"
ONLY_IN_THE_TWIN = re.compile(r"/etc/trimtab/(tls|secrets|pki|register.d)/|storefront")


def load(path: Path) -> tuple[Inventory, Topology]:
    inventory = Inventory(load_estate(path), shrink=True)
    return inventory, plan(inventory, "t")


# Whole lines that the twin has and `build` has not.
ADDED = {"/etc/haproxy/haproxy.cfg": ["    nbthread 1"]}


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda p: p.parent.name)
def test_every_byte_but_the_documented_ones_equals_the_build(path: Path) -> None:
    inventory, topology = load(path)
    nodes = {node.name: node for node in topology.nodes}
    for host in inventory.hosts:
        built = {a.path: a for a in render_host(inventory, host)}
        twin = {a.path: a for a in nodes[host.name].files if not ONLY_IN_THE_TWIN.search(a.path)}
        assert twin.keys() == built.keys()
        for name, artifact in built.items():
            allowed = [d for d in DIFFERENCES if d.path == name]
            ours, theirs = artifact.content.splitlines(), twin[name].content.splitlines()
            added = ADDED.get(name, [])
            assert [line for line in theirs if line in added] == added
            theirs = [line for line in theirs if line not in added]
            assert len(ours) == len(theirs) and twin[name].mode == artifact.mode
            for was, now in zip(ours, theirs, strict=True):
                assert was == now or any(re.search(d.pattern, was) for d in allowed), (name, was, now)


def test_proxies_show_certificates_for_the_names_that_others_verify() -> None:
    """Of the twin's own CA, for server and client, with a name for each host that a proxy asks at another site."""
    inventory, topology = load(next(path for path in EXAMPLES if path.parent.name == "shop"))
    files = {node.name: {a.path: a.content for a in node.files} for node in topology.nodes}
    for proxy in inventory.on_duty("vips"):
        text = files[proxy.name]["/etc/haproxy/haproxy.cfg"]
        asked = re.findall(r"server (\S+) (\S+):8443 .* verifyhost (\S+)", text)
        assert {name for name, _, _ in asked} == {
            other.name for other in inventory.on_duty("vips") if other.site != proxy.site
        }
        for name, address, verified in asked:
            assert (name, address) == (verified, inventory.by_name[name].v4)
            door = f"bind {address}:8443 ssl crt {pki.CERTIFICATE} "
            assert door in files[name]["/etc/haproxy/haproxy.cfg"]
            shown = x509.load_pem_x509_certificate(files[name][pki.CERTIFICATE].encode())
            names = shown.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
            uses = shown.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
            assert verified in names.get_values_for_type(x509.DNSName)
            assert {ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH} <= set(uses)
            shown.verify_directly_issued_by(
                x509.load_pem_x509_certificate(files[proxy.name][pki.CA].encode())
            )


def test_a_drill_is_told_whom_each_pool_asks_elsewhere() -> None:
    found = {path.parent.name: load(path)[1].facts["sites"] for path in EXAMPLES}
    asked = found["shop"]["hk"]["across"]
    assert asked == {pool: ["sg", "la"] for pool in ("api", "static", "web", "web-next")}
    assert {tuple(sites) for site in found["ecommerce"].values() for sites in site["across"].values()} == {()}
    assert found["ecommerce"]["witness"]["across"] == {}, "nobody's member can be lost there"


def test_every_difference_has_a_reason_and_changes_something() -> None:
    seen = set()
    for path in (*EXAMPLES, ANNOUNCING):
        inventory, _ = load(path)
        for host in inventory.hosts:
            for artifact in render_host(inventory, host):
                seen |= {
                    d
                    for d in DIFFERENCES
                    if d.path == artifact.path and re.search(d.pattern, artifact.content)
                }
    assert seen == set(DIFFERENCES)
    assert all(len(d.why) > 20 for d in DIFFERENCES)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda p: p.parent.name)
def test_the_plan_holds_together(path: Path) -> None:
    _, topology = load(path)
    legs = [(leg.segment, node.name) for node in topology.nodes for leg in node.legs]
    segments = {s.name: s for s in topology.segments}
    assert {segment for segment, _ in legs} <= segments.keys()
    for name, segment in segments.items():
        if segment.delay_ms is not None:
            assert sum(s == name for s, _ in legs) == 2, name
    names = {node.name for node in topology.nodes}
    assert all(set(check.nodes) <= names for check in topology.checks)
    assert all(len(leg.interface) <= 15 for node in topology.nodes for leg in node.legs)
    for node in topology.nodes:
        assert {f"/etc/systemd/system/{u}" for u in node.units} <= {f.path for f in node.files}
    addresses = [a for node in topology.nodes for leg in node.legs for a in leg.addresses]
    assert len(addresses) == len(set(addresses))
