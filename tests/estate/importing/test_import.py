"""What other inventories say becomes lines of the estate; what cannot be has its file and line."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from trimtab.errors import BadInput
from trimtab.estate.fault import BadEstate
from trimtab.estate.importing import ansible, netbox
from trimtab.estate.importing.found import Found, Names
from trimtab.estate.importing.insert import insert
from trimtab.estate.importing.plan import put_together
from trimtab.estate.importing.text import lines
from trimtab.estate.inventory import Inventory
from trimtab.estate.load import read_estate

HERE = Path(__file__).parent
ESTATE = (HERE / "estate.yaml").read_text()
NAMES = Names(
    frozenset({"fra"}),
    frozenset({"router", "proxy", "backend", "registry"}),
    {"Frankfurt": "fra", "frankfurt": "fra"},
    {"Edge Router": "router", "Leaf Switch": "", "web": "backend"},
    frozenset({"idrac"}),
)
DEVICES, ADDRESSES, VLANS = ((HERE / f"{name}.csv").read_text() for name in ("devices", "addresses", "vlans"))


def imported(*texts: str, estate: str = ESTATE, names: Names = NAMES) -> tuple[str, Found]:
    """The YAML and what was found. Raises BadEstate."""
    found = Found()
    for number, text in enumerate(texts, 1):
        (ansible if text.startswith("{") else netbox).read(text, f"file{number}", names, found)
    plans = put_together(found, read_estate(estate)[0])
    if found.faults:
        raise BadEstate(found.faults)
    return "\n".join(lines(plans)), found


def told(*texts: str, names: Names = NAMES) -> str:
    with pytest.raises(BadEstate) as caught:
        imported(*texts, names=names)
    return "".join(f"{fault}\n" for fault in caught.value.faults)


def merged(text: str) -> str:
    """The estate with the imported keys in the place of its own."""
    tree, new = (yaml.load(each, Loader=yaml.BaseLoader) for each in (ESTATE, text))
    tree["sites"]["fra"] |= new["sites"]["fra"]
    return yaml.safe_dump(tree, sort_keys=False)


def test_what_netbox_has_is_an_estate_with_these_addresses() -> None:
    text, found = imported(DEVICES, ADDRESSES, VLANS)
    assert text == (HERE / "expected.yaml").read_text().rstrip("\n")
    inventory = Inventory(read_estate(merged(text))[0])
    assert (inventory.by_name["edge-b"].v4, inventory.by_name["edge-b"].interface) == ("10.20.30.12", "eno1")
    assert inventory.by_name["edge-b"].v6 == "2001:db8:100:310::12"
    assert [str(a) for _, f, a in inventory.moving_gateways("fra") if f == 4] == [
        "10.20.0.14",
        "10.20.30.1",
        "172.20.1.126",
    ]
    assert found.left["devices that are planned"] == found.left["VLANs of other sites"] == 1


def test_the_columns_of_an_import_are_read_too() -> None:
    devices = "name,role,site,status\nedge-a,proxy,fra,active\n"
    addresses = "address,device,interface,role\n10.20.30.11/24,edge-a,bond0.310,\n"
    assert (
        "edge-a: {group: proxy, number: 1, addresses: [10.20.30.11], interface: bond0.310}"
        in imported(devices, addresses)[0]
    )
    spread = "\ufeff" + devices.replace(",", ";").replace("\n", "\r\n")
    assert imported(spread, addresses)[0] == imported(devices, addresses)[0]


def test_what_a_server_calls_its_port_is_not_the_routers() -> None:
    """fra has a router, which stands in each of its networks."""
    devices = "Name,Site,Role\nedge-a,fra,proxy\nedge-b,fra,proxy\n"
    addresses = "IP Address,Parent,Interface\n10.20.30.11/24,edge-a,ens3\n10.20.30.12/24,edge-b,ens3\n"
    text, _ = imported(devices, addresses)
    (net,) = [line for line in text.splitlines() if "prefixes" in line]
    assert "ens3" not in net and text.count("interface: ens3") == 2


def test_a_group_that_is_left_out_does_not_hide_another_one() -> None:
    groups = {"fra": ["x"], "backend": ["x"], "monitoring": ["x"]}
    facts = {
        "ansible_host": "172.20.1.20",
        "ansible_default_ipv4": {"address": "172.20.1.20", "netmask": "255.255.255.128"},
    }
    inventory = {"_meta": {"hostvars": {"x": facts}}} | {name: {"hosts": own} for name, own in groups.items()}
    names = replace(NAMES, groups={**NAMES.groups, "monitoring": ""})
    text, _ = imported(json.dumps(inventory), names=names)
    assert "x: {group: backend, number: 1," in text
    assert "`x` is in several groups of the estate, backend, proxy" in told(
        json.dumps(inventory | {"proxy": {"hosts": ["x"]}}), names=names
    )


def test_prefixes_say_the_vlan_of_an_address_and_its_length() -> None:
    devices = "Name,Site,Role\nedge-a,fra,proxy\n"
    addresses = "IP Address,Parent,Interface\n10.20.30.11,edge-a,eth0\n"
    prefixes = "Prefix,Status,VLAN,Site\n10.20.30.0/24,Active,front (310),fra\n2001:db8:1::/64,Active,front (310),fra\n"
    text, _ = imported(devices, addresses, prefixes)
    assert "front: {groups: [proxy], vlan: 310, prefixes: [10.20.30.0/24" in text
    assert told(devices, addresses).startswith("file2:2:1  10.20.30.11 of edge-a has no mask\n")


def test_ansible_says_the_same_by_groups_and_facts() -> None:
    text, _ = imported((HERE / "inventory.json").read_text(), VLANS)
    assert "fra-r1: {group: router, number: 1, addresses: [10.20.0.1]}" in text
    assert "rack-1: {groups: [backend], vlan: 321, prefixes: [172.20.1.0/25]}" in text
    assert told((HERE / "inventory.json").read_text()).startswith(
        "file1:14:1  172.20.1.20 of web01 has no mask\n"
    )


def test_who_has_a_number_keeps_it() -> None:
    site = "    machines: {edge-b: {group: proxy, number: 1, addresses: [10.1.48.20]}}\n    retired: [fra-proxy-2]\n"
    known = ESTATE.replace("    upstreams:", site + "    upstreams:").replace("proxy: 2", "proxy: 3")
    text, _ = imported(DEVICES, ADDRESSES, VLANS, estate=known)
    assert "edge-b: {group: proxy, number: 1," in text and "edge-a: {group: proxy, number: 3," in text


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("10.20.30.12/24", "10.20.30.11/24", "file2:17:1  10.20.30.11 is edge-a's too, file2:15"),
        ("172.20.1.20/25", "172.20.1.20/33", "file2:20:1  `172.20.1.20/33` is no address"),
        ("10.99.0.20/24,Global,Active,,,True,,,idrac", "10.99.0.20/24,Global,Active,,,True,,,oob", "file2:21:1  web01 stands in"),
        ("172.20.1.20/25,Global,Active,,,True,,,eno1,web01\n", "", "file1:6:1  web01 has no address"),
        ("10.20.0.14/28,", "10.20.30.254/24,", "10.20.30.1 is the gateway of edge-public already"),
    ],
)  # fmt: skip
def test_what_cannot_be_has_its_line(old: str, new: str, says: str) -> None:
    assert old in ADDRESSES
    assert says in told(DEVICES, ADDRESSES.replace(old, new), VLANS)


def test_unknown_sites_and_roles_are_told_once_with_the_way_out() -> None:
    plain = Names(NAMES.known_sites, NAMES.known_groups)
    found = told(DEVICES, names=plain)
    assert found.count("no site of the estate is called `Frankfurt`") == 1 and "file1:2:1" in found
    assert (
        "file1:8:1  no group of the estate is called `Leaf Switch`" in found
        and "--group 'Leaf Switch=GROUP'" in found
    )


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a,b\n1,2\n", "file1:1:1  these columns are of no list"),
        ("", "file1:1:1  these columns are of no list"),
        ("{]", "file1:1:1  not JSON"),
        ("{}", "file1:1:1  this is no inventory"),
        ('{"_meta": {"hostvars": {"x": {}}}}', "file1:1:1  `x` is in no site"),
        ('{"fra": {"hosts": 5}, "_meta": {"hostvars": {"x": {}}}}', "file1:1:1  `x` is in no site"),
        ('{"fra": {"children": 5}, "_meta": {"hostvars": {"x": {}}}}', "file1:1:1  `x` is in no site"),
        ('Name,Site,Role\n"x', "file1:2:1  not CSV"),
        (
            "Name,Site,Role\nedge-a,fra,proxy\nEDGE-A.example,fra,proxy\n",
            "file1:3:1  `edge-a` stands here twice",
        ),
        ("Name,Site,Role\n12-ä,fra,proxy\n", "file1:2:1  `12-ä` is no name of a host"),
        ("VID,Name\n4095,x\n", "file1:2:1  `4095` is no VLAN"),
        ("VID,Name,Prefixes\n5,x,10.0.0.1/24\n", "file1:2:1  `10.0.0.1/24` is no prefix"),
    ],
)
def test_what_cannot_be_read_is_told(text: str, says: str) -> None:
    assert says in told(text)


def test_it_is_written_below_its_site_and_nothing_else_is_touched() -> None:
    found = Found()
    for text in (DEVICES, ADDRESSES, VLANS):
        netbox.read(text, "file", NAMES, found)
    estate, tree = read_estate(ESTATE)
    text = insert(ESTATE, tree, put_together(found, estate))
    new = (HERE / "expected.yaml").read_text().splitlines()
    added = [line for line in new if line.startswith("      ") or line in ("    networks:", "    machines:")]
    assert [line for line in text.splitlines() if line not in ESTATE.splitlines()] == added
    assert Inventory(read_estate(text)[0]).by_name["edge-a"].v4 == "10.20.30.11"
    with pytest.raises(BadInput, match="fra has `networks` already"):
        insert(text, read_estate(text)[1], put_together(found, estate))
    flat = ESTATE.replace(
        "  fra:\n    id: 1\n", "  fra:\n    {id: 1, hosts: {router: 2, proxy: 2, backend: 1}, asn: 64496,\n"
    )
    flat = flat.replace(
        "    at: [50.1, 8.7]\n    asn: 64496\n    hosts: {router: 2, proxy: 2, backend: 1}\n",
        "    at: [50.1, 8.7],\n",
    )
    flat = flat.replace("[198.51.100.1]}}\n", "[198.51.100.1]}}}\n")
    with pytest.raises(BadInput, match="not on lines of their own"):
        insert(flat, read_estate(flat)[1], put_together(found, estate))


def test_a_group_has_room_for_so_many() -> None:
    devices = "Name,Site,Role\n" + "".join(f"w{n},fra,backend\n" for n in range(300))
    addresses = "IP Address,Parent,Interface\n" + "".join(
        f"10.0.{n // 200}.{n % 200 + 1}/16,w{n},eth0\n" for n in range(300)
    )
    assert told(devices, addresses).startswith("file1:242:1  more than 240 hosts of `backend` at fra\n")


HOSTILE = st.text(st.sampled_from("ab1-./: {}[],'\"#&*!|>%@`\n\r\t\x00—é"), max_size=12)


@settings(max_examples=200, deadline=None)
@given(HOSTILE, HOSTILE, HOSTILE, HOSTILE)
def test_nothing_of_a_file_becomes_syntax(name: str, interface: str, vlan: str, role: str) -> None:
    """Either every line is what was meant, or the file is refused."""
    devices = [["Name", "Site", "Role"], ["edge-a", "fra", "proxy"], [name or "b", "fra", "proxy"]]
    addresses = [
        ["IP Address", "Parent", "Interface", "Role"],
        ["10.0.0.1/24", "edge-a", interface, ""],
        ["10.0.0.2/24", name or "b", interface, role],
    ]
    vlans = [["VID", "Name", "Prefixes"], ["5", vlan, "10.0.0.0/24"]]
    try:
        text, _ = imported(*(_csv(rows) for rows in (devices, addresses, vlans)))
    except BadEstate:
        return
    site = yaml.load(text, Loader=yaml.BaseLoader)["sites"]["fra"]
    assert set(site) == {"hosts", "networks", "machines"} and len(site["networks"]) == 1
    assert all(
        set(each) <= {"group", "number", "addresses", "interface"} for each in site["machines"].values()
    )
    for each in (*site["machines"].values(), *site["networks"].values()):
        assert all(
            "{" not in str(value) and "#" not in str(value)
            for key, value in each.items()
            if key == "interface"
        )


def _csv(rows: list[list[str]]) -> str:
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    return out.getvalue()
