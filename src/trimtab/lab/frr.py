"""FRR for a network around the estate in the twin: zebra, bfdd and bgpd under units of their own.

Sources: the FRR user guide (bgp, bfd, zebra), RFC 9234 (roles), RFC 8950, RFC 5082. It says what `transit.conf.j2` says to BIRD.
"""

from __future__ import annotations

from typing import Any

from trimtab.daemons.artifact import Artifact
from trimtab.daemons.unit import STEERS, unit
from trimtab.estate.inventory import Inventory
from trimtab.estate.quantity import Timer
from trimtab.lab.template import template

RUN = "/run/frr"
# Its group may be root's alone: then no user of the machine has to exist in the twin of an ordinary user.
GROUP = "root:x:0:\nfrrvty:x:0:root\n"
UNITS = ("zebra.service", "bfdd.service", "bgpd.service")


def files(inventory: Inventory, name: str, values: dict[str, Any]) -> tuple[Artifact, ...]:
    """All that the machine of a network needs. values: as `transit.conf.j2` has them."""
    timer = inventory.estate.tiers.router.bfd
    sessions = [{**each, "bfd_profile": _profile(each["bfd_timer"], timer)} for each in values["sessions"]]
    profiles = {each["bfd_profile"]: each["bfd_timer"] or timer for each in sessions if each["bfd"]}
    told = {**values, "sessions": sessions, "name": name}
    return (
        Artifact("/etc/group", GROUP),
        Artifact("/etc/frr/vtysh.conf", "no service integrated-vtysh-config\n"),
        Artifact("/etc/frr/zebra.conf", f"hostname {name}\nlog stdout warnings\n"),
        Artifact("/etc/frr/bfdd.conf", template("bfdd.conf.j2").render(name=name, profiles=profiles)),
        Artifact("/etc/frr/bgpd.conf", template("bgpd.conf.j2").render(**told)),
        _unit("zebra", f"-A 127.0.0.1 --vty_socket {RUN} -z {RUN}/zserv.api", _nowhere(values)),
        _unit("bfdd", f"-A 127.0.0.1 --vty_socket {RUN} -z {RUN}/zserv.api"),
        _unit("bgpd", f"-A 127.0.0.1 --vty_socket {RUN} -z {RUN}/zserv.api"),
    )


def _profile(own: Timer | None, usual: Timer) -> str:
    timer = own or usual
    return f"every{round(timer.interval * 1000)}x{timer.multiplier}"


def _nowhere(values: dict[str, Any]) -> tuple[str, ...]:
    """Where what its customers have dropped is led: zebra learns these from the kernel as it starts."""
    if not any(each["hosts"] for each in values["sessions"]):
        return ()
    words = "; ".join(
        f"ip -{f} route replace blackhole {address}" for f, address in values["discard"].items()
    )
    return (f"ExecStartPre=/bin/sh -c '{words}'",)


def _unit(daemon: str, options: str, before: tuple[str, ...] = ()) -> Artifact:
    wait = f"ExecStartPre=/bin/sh -c 'until test -S {RUN}/zserv.api; do sleep 0.02; done'"
    lines = [
        "Type=exec",
        *(["RuntimeDirectory=frr"] if daemon == "zebra" else [wait]),
        *before,
        STEERS,
        f"ExecStart=/usr/lib/frr/{daemon} -f /etc/frr/{daemon}.conf -i {RUN}/{daemon}.pid -u root -g root {options}",
    ]
    return unit(f"{daemon}.service", "network-online.target", lines, f"FRR's {daemon}, a network of the twin")
