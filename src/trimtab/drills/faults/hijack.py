"""A network announces what is not its own; and RPKI validators that are killed and come back with nothing."""

from __future__ import annotations

import time
from ipaddress import ip_network

from trimtab.daemons.frr import wire as frr
from trimtab.drills.faults.base import Aim, Arguments, Struck
from trimtab.drills.faults.preconditions import needs_rpki
from trimtab.drills.faults.targets import upstream
from trimtab.drills.faults.told_by_frr import told, untold
from trimtab.drills.node_exec import ask
from trimtab.drills.scene import LabLike, Scene

EMPTY = '{"roas": []}'


class Hijack:
    """of: an `upstream`: it announces a part of each of the site's prefixes, and prefixes that a ROA gives to somebody else."""

    kind = "hijack"
    targets = ("upstream",)

    def aim(self, lab: LabLike, scene: Scene, arguments: Arguments, of: str) -> Aim:
        place, rpki = scene.site(arguments["site"]), needs_rpki(scene)
        found = upstream(place, arguments)
        prefixes = tuple(
            p for p in (*map(upper_half, place.prefixes), *rpki.foreign) if _speaks(found.peers, p)
        )
        says = f"{found.transit}, which carries {place.name} as {found.name}, announces {', '.join(prefixes)} as its own"
        how = frr.NAME if found.runs_frr else str(rpki.table)
        return Aim(place.name, (found.transit,), how, says, names=prefixes)

    def strike(self, lab: LabLike, aim: Aim) -> Struck:
        if aim.unit == frr.NAME:
            ask(lab, aim.nodes[0], told(aim.nodes[0], dict.fromkeys(aim.names, ())))
            return Struck(time.monotonic(), {"prefixes": list(aim.names)})
        for family in ("-4", "-6"):
            own = [p for p in aim.names if (":" in p) == (family == "-6")]
            lines = "".join(f"route replace blackhole {p} table {aim.unit} proto static\n" for p in own)
            ask(lab, aim.nodes[0], ["ip", family, "-batch", "-"], lines)
        return Struck(time.monotonic(), {"prefixes": list(aim.names)})

    def restore(self, lab: LabLike, aim: Aim) -> None:
        if aim.unit == frr.NAME:
            ask(lab, aim.nodes[0], untold(aim.nodes[0], aim.names))
            return
        for family in ("-4", "-6"):  # one that was never filled is no table to the kernel
            flush = f"ip {family} route flush table {aim.unit} 2>/dev/null || :"
            ask(lab, aim.nodes[0], ["sh", "-c", flush])


class ValidatorsEmpty:
    """of: the `validators`, all of them: their processes are killed, and what is started in their place knows no ROA."""

    kind = "validators-empty"
    targets = ("validators",)

    def aim(self, lab: LabLike, scene: Scene, arguments: Arguments, of: str) -> Aim:
        place, rpki = scene.site(arguments["site"]), needs_rpki(scene)
        pairs = tuple(f"{node} {unit}" for node, units in rpki.units.items() for unit in units)
        says = f"every RPKI validator ({len(pairs)}) is killed, and comes back without a single ROA"
        return Aim(place.name, tuple(rpki.units), rpki.file, says, names=pairs)

    def strike(self, lab: LabLike, aim: Aim) -> Struck:
        keep = f"test -e {aim.unit}.kept || cp {aim.unit} {aim.unit}.kept; printf '%s' '{EMPTY}' > {aim.unit}"
        at = []
        for node in aim.nodes:
            ask(lab, node, ["sh", "-c", keep])
            at += [lab.kill(node, unit) for unit in _units(aim, node)]
        return Struck(min(at))

    def restore(self, lab: LabLike, aim: Aim) -> None:
        back = f"if test -e {aim.unit}.kept; then mv {aim.unit}.kept {aim.unit}; fi"
        for node in aim.nodes:
            ask(lab, node, ["sh", "-c", back])


def upper_half(prefix: str) -> str:
    """Where no VIP is: those are at the beginning."""
    return str(list(ip_network(prefix).subnets(1))[1])


def _units(aim: Aim, node: str) -> list[str]:
    return [unit for at, _, unit in (pair.partition(" ") for pair in aim.names) if at == node]


def _speaks(peers: tuple[str, ...], prefix: str) -> bool:
    return any((":" in peer) == (":" in prefix) for peer in peers)
