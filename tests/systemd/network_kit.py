"""Networks of a host as systemd-networkd makes them at a boot: its operator's files, and links that lead nowhere.

In a container /sys is read-only, by which networkd takes it that there is no udev: it then configures each link before it has
asked which addresses and routes there are, and removes none of them. `as_on_a_host` has it ask first, as everywhere else.
"""

from __future__ import annotations

import ipaddress

from tests.systemd.machine_kit import Machine
from trimtab.lab.topology import Leg, Node

NETWORKD = "systemd-networkd.service"
FOLDER = "/etc/systemd/network"
_SEEN = """
set -e
mount -o remount,rw /sys
mkdir -p /run/udev/data
for link in /sys/class/net/*; do printf 'I:1\\n' > /run/udev/data/n$(cat $link/ifindex); done
"""


def as_on_a_host(machine: Machine) -> None:
    """udev is there, and is done with every link that there is now."""
    machine.sh(_SEEN)


def network(leg: Leg, *more: str, routes: tuple[str, ...] = ()) -> str:
    """The .network file of one interface. more: lines of [Network].  routes: as `ip route add` has them, with their gateway."""
    lines = ["[Match]", f"Name={leg.interface}", "[Network]", "LinkLocalAddressing=ipv6", "IPv6AcceptRA=no"]
    lines += [*more, *(f"Address={address}" for address in leg.addresses)]
    for route in routes:
        target, _, gateway = route.removeprefix("-6 ").partition(" via ")
        lines += ["[Route]", f"Gateway={gateway}"]
        lines += [] if target == "default" else [f"Destination={target}"]
    return "\n".join(lines) + "\n"


def files(node: Node) -> dict[str, str]:
    """By path, for all networks of a host; KeepConfiguration= as docs/estate.md asks for it."""
    found = {f"{FOLDER}/20-far.network": "[Match]\nName=far*\n[Network]\nLinkLocalAddressing=no\n"}
    for number, leg in enumerate(node.legs):
        name, near = f"{FOLDER}/10-{leg.interface}", tuple(r for r in node.routes if _leads(leg, r))
        found[f"{name}.netdev"] = f"[NetDev]\nName={leg.interface}\nKind=veth\n[Peer]\nName=far{number}\n"
        found[f"{name}.network"] = network(leg, "KeepConfiguration=yes", routes=near)
    return found


def _leads(leg: Leg, route: str) -> bool:
    gateway = ipaddress.ip_address(route.split()[-1])
    return any(gateway in ipaddress.ip_interface(address).network for address in leg.addresses)
