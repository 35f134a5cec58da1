"""NetBox's CSV: what its lists of devices, IP addresses, VLANs and prefixes export, and what its own import takes.

Sources: NetBox 3 and 4, netbox/dcim/tables/devices.py, netbox/ipam/tables/ip.py and vlans.py: the columns' titles are the
headers of an export, their names those of an import. Titles have changed: `Device Role` became `Role`, `Device/VM` `Parent`.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator, Mapping
from ipaddress import ip_network

from trimtab.estate.fault import BadEstate
from trimtab.estate.importing.found import (
    Assigned,
    Device,
    Found,
    Gateway,
    Names,
    Place,
    VlanRow,
    host_name,
    local_of,
    prefixes_of,
    shown,
)
from trimtab.estate.lan import HOST_NAME

Row = Mapping[str, str]
# Ours → the headers that NetBox has for it, in lower case.
HEADERS = {
    "name": ("name",),
    "site": ("site", "scope"),
    "role": ("role", "device role", "device_role"),
    "status": ("status",),
    "address": ("ip address", "address"),
    "device": ("device", "device/vm", "parent", "assigned object parent", "parent object"),
    "interface": ("interface", "assigned object"),
    "number": ("vid", "vlan id", "id number"),
    "prefixes": ("prefixes", "prefix"),
    "vlan": ("vlan", "vlan_vid"),
}
SHARED = ("vrrp", "hsrp", "glbp", "carp")  # roles of addresses that routers share
APART = ("loopback", "anycast", "secondary", "vip")
RUNS = ("", "active", "staged")


def read(text: str, file: str, names: Names, found: Found) -> None:
    """Adds what the file says. Raises BadEstate for one that is none of NetBox's."""
    rows = list(_rows(text, file))
    header = rows[0][1].keys() if rows else _header(text)
    for needed, kind in KINDS:
        if needed <= set(header):
            for place, row in rows:
                kind(row, place, names, found)
            return
    hint = "devices have Name, Site and Role; addresses `IP Address` and Device; VLANs VID and Name; prefixes Prefix and VLAN"
    raise BadEstate([Place(file, 1).fault("these columns are of no list of NetBox's that is read", hint)])


def _header(text: str) -> list[str]:
    first = text.removeprefix("\ufeff").splitlines()[:1]
    return (
        [_known(cell) for cell in next(csv.reader(first, delimiter=_delimiter(first)), [])] if first else []
    )


def _rows(text: str, file: str) -> Iterator[tuple[Place, Row]]:
    text = text.removeprefix("\ufeff")
    reader = csv.reader(
        io.StringIO(text, newline=""), delimiter=_delimiter(text.splitlines()[:1]), strict=True
    )
    keys: list[str] = []
    line = 1
    try:
        for cells in reader:
            if not keys:
                keys = [_known(cell) for cell in cells]
            elif any(cells):
                pairs = zip(keys, (cell.strip() for cell in cells), strict=False)
                # the first of two columns with one meaning that says something
                row: dict[str, str] = {}
                for key, cell in pairs:
                    row[key] = row.get(key) or ("" if cell in ("—", "-") else cell)
                yield Place(file, line), {key: row.get(key, "") for key in keys}
            line = reader.line_num + 1
    except csv.Error as error:
        raise BadEstate(
            [Place(file, line).fault(f"not CSV: {error}", "export the list from NetBox anew")]
        ) from error


def _delimiter(first: list[str]) -> str:
    """What spreadsheets make of a comma."""
    return ";" if first and first[0].count(";") > first[0].count(",") else ","


def _known(header: str) -> str:
    plain = header.strip().lower()
    return next((ours for ours, theirs in HEADERS.items() if plain in theirs), plain)


def _device(row: Row, place: Place, names: Names, found: Found) -> None:
    if row.get("status", "").lower() not in RUNS:
        found.leave(f"devices that are {row['status'].lower()}")
        return
    group, site = names.group(row["role"]), names.site(row["site"])
    if group == "" or site == "":
        found.leave("devices of groups and sites that are left out")
        return
    if group is None:
        hint = f"`--group '{shown(row['role'])}=GROUP'` says which, with nothing behind the `=` they are left out"
        found.foreign(f"no group of the estate is called `{shown(row['role'])}`", place, hint)
    if site is None:
        hint = f"there is {', '.join(sorted(names.known_sites))}: `--as '{shown(row['site'])}=SITE'`, or `=` alone"
        found.foreign(f"no site of the estate is called `{shown(row['site'])}`", place, hint)
    if group is None or site is None:
        return
    name = host_name(row["name"])
    if HOST_NAME.fullmatch(name) is None:
        hint = "a-z, 0-9 and `-`, it begins with a letter and has at most 45 characters, without the domain"
        found.faults.append(place.fault(f"`{shown(row['name'])}` is no name of a host", hint))
        return
    found.add(Device(name, site, group, place))


def _address(row: Row, place: Place, names: Names, found: Found) -> None:
    role, text = row.get("role", "").lower(), row["address"]
    try:
        address, local = local_of(text)
    except ValueError:
        found.faults.append(
            place.fault(f"`{shown(text)}` is no address", "an address with its length: `10.20.30.11/24`")
        )
        return
    if role in SHARED and local is not None:
        found.gateways.append(Gateway(local, place))
    elif role in APART or row["interface"] in names.without:
        found.leave(
            f"addresses of the role {role}" if role in APART else "addresses of interfaces that are left out"
        )
    elif not row["device"]:
        found.leave("addresses of nobody")
    else:
        found.assigned.append(Assigned(host_name(row["device"]), address, local, row["interface"], place))


def _vlan(row: Row, place: Place, names: Names, found: Found) -> None:
    site = names.site(row.get("site", "")) if row.get("site") else ""
    if (
        not row["number"].isascii()
        or not row["number"].isdecimal()
        or not 1 <= int(row["number"][:5]) <= 4094
    ):
        found.faults.append(place.fault(f"`{shown(row['number'])}` is no VLAN", "1 to 4094"))
    elif site is None:
        found.leave("VLANs of other sites")
    else:
        _prefixes(int(row["number"]), row["name"], site, row.get("prefixes", ""), place, found)


def _prefix(row: Row, place: Place, names: Names, found: Found) -> None:
    """NetBox shows a VLAN as `name (number)`."""
    number = re.search(r"(?:^|\()(\d{1,4})\)?$", row["vlan"])
    site = names.site(row.get("site", "")) if row.get("site") else ""
    if number is None or site is None:
        found.leave("prefixes without a VLAN, or of other sites")
        return
    name = row["vlan"].rpartition("(")[0].strip()
    _prefixes(int(number[1]), name, site, row["prefixes"], place, found)


def _prefixes(number: int, name: str, site: str, text: str, place: Place, found: Found) -> None:
    nets = []
    for each in prefixes_of(text):
        try:
            if "/" not in each:
                raise ValueError("no length")
            nets.append(ip_network(each))
        except ValueError:
            hint = "a prefix with its length, host bits zero: `10.20.30.0/24`"
            found.faults.append(place.fault(f"`{shown(each)}` is no prefix", hint))
    found.vlans.append(VlanRow(number, name, site, tuple(nets), place))


KINDS: tuple[tuple[set[str], Callable[[Row, Place, Names, Found], None]], ...] = (
    ({"number", "name"}, _vlan),
    ({"name", "site", "role"}, _device),
    ({"address", "device", "interface"}, _address),
    ({"prefixes", "vlan"}, _prefix),
)
