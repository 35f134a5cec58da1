"""What `ansible-inventory --list` prints: groups say site and group, `ansible_host` and cached facts the addresses.

Source: Ansible's documentation, "Developing dynamic inventory": `_meta.hostvars`, groups with `hosts` and `children`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from ipaddress import ip_interface
from typing import Any

from trimtab.estate.base import IPInterface
from trimtab.estate.fault import BadEstate
from trimtab.estate.importing.found import (
    Assigned,
    Device,
    Found,
    Gateway,
    Names,
    Place,
    host_name,
    local_of,
    shown,
)
from trimtab.estate.lan import HOST_NAME

FACTS = ("ansible_default_ipv4", "ansible_default_ipv6")


def read(text: str, file: str, names: Names, found: Found) -> None:
    """Adds what the file says. Raises BadEstate for one that is no inventory."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        line = getattr(error, "lineno", 1)
        raise BadEstate(
            [Place(file, line).fault("not JSON", "`ansible-inventory --list > FILE` writes it")]
        ) from error
    variables = _map(_map(data).get("_meta")).get("hostvars")
    if not isinstance(variables, dict):
        hint = "`ansible-inventory --list > FILE` writes it, with `_meta.hostvars`"
        raise BadEstate([Place(file, 1).fault("this is no inventory", hint)])
    groups = dict(_groups(_map(data)))
    lines = _lines(text)
    for said, own in variables.items():
        place = Place(file, lines.get(said, 1))
        _host(said, _map(own), sorted(groups.get(said, ())), place, names, found)


def _map(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _groups(data: Mapping[str, Any]) -> Iterator[tuple[str, set[str]]]:
    """Host → the groups that it is in, by whatever way."""
    direct = {name: _map(group) for name, group in data.items() if name != "_meta"}
    of: dict[str, set[str]] = {}
    for name in direct:
        seen, wait = {name}, [name]
        while wait:
            group = direct.get(wait.pop(), {})
            for host in _names(group.get("hosts")):
                of.setdefault(str(host), set()).add(name)
            fresh = [str(child) for child in _names(group.get("children")) if str(child) not in seen]
            seen.update(fresh)
            wait += fresh
    yield from of.items()


def _names(value: Any) -> Iterable[Any]:
    """A list of them, or a map by them; of anything else nothing."""
    return value if isinstance(value, list | dict) else ()


def _lines(text: str) -> dict[str, int]:
    """Where each key first stands behind `hostvars`."""
    found: dict[str, int] = {}
    behind = False
    for number, line in enumerate(text.splitlines(), 1):
        behind = behind or '"hostvars"' in line
        for key in re.findall(r'"((?:[^"\\]|\\.)*)"\s*:', line) if behind else ():
            found.setdefault(key, number)
    return found


def _known(found: set[str | None]) -> set[str]:
    """What a group that is left out says counts only where no other says anything."""
    known = {each for each in found if each is not None}
    return known - {""} or known


def _host(
    said: str, own: Mapping[str, Any], groups: list[str], place: Place, names: Names, found: Found
) -> None:
    sites = _known({names.site(word) for word in groups})
    kinds = _known({names.group(word) for word in groups})
    if len(sites) != 1 or len(kinds) != 1:
        what, among = ("site", sites) if len(sites) != 1 else ("group", kinds)
        has = (
            f"is in several {what}s of the estate, {', '.join(sorted(among))}"
            if among
            else f"is in no {what} of the estate"
        )
        option = "--as 'THEIRS=SITE'" if what == "site" else "--group 'THEIRS=GROUP'"
        hint = f"its groups there are {', '.join(groups) or 'none'}: `{option}` says which; with nothing behind the `=` it is left out"
        found.faults.append(place.fault(f"`{shown(said)}` {has}", hint))
        return
    name, site, group = host_name(said), sites.pop(), kinds.pop()
    if not site or not group:
        found.leave("hosts of groups and sites that are left out")
    elif HOST_NAME.fullmatch(name) is None:
        hint = "a-z, 0-9 and `-`, it begins with a letter and has at most 45 characters, without the domain"
        found.faults.append(place.fault(f"`{shown(said)}` is no name of a host", hint))
    else:
        found.add(Device(name, site, group, place))
        found.assigned += _addresses(name, own, place, found)


def _addresses(name: str, own: Mapping[str, Any], place: Place, found: Found) -> Iterator[Assigned]:
    """Facts have lengths; `ansible_host` may be a name, which says nothing."""
    known: set[str] = set()
    for fact in (_map(own.get(key)) for key in FACTS):
        local = _local(fact)
        if local is not None:
            known.add(str(local.ip))
            found.gateways += _gateway(name, fact, local, place)
            yield Assigned(name, local.ip, local, str(fact.get("interface") or ""), place)
    said = own.get("ansible_host")
    try:
        address, at = local_of(str(said or ""))
    except ValueError:
        return
    if str(address) not in known:
        yield Assigned(name, address, at, "", place)


def _gateway(name: str, fact: Mapping[str, Any], local: IPInterface, place: Place) -> Iterator[Gateway]:
    """The way out of the host's own network."""
    with suppress(ValueError):
        through = ip_interface(f"{fact.get('gateway')}/{local.network.prefixlen}")
        if through.network == local.network:
            yield Gateway(through, place, name)


def _local(fact: Mapping[str, Any]) -> IPInterface | None:
    length = fact.get("prefix") or fact.get("netmask")
    try:
        return ip_interface(f"{fact.get('address')}/{length}") if length else None
    except ValueError:
        return None
