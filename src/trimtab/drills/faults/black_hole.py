"""An operator has one address of a site black-holed (RFC 7999), for a time: it ends by itself, whoever is left to see to it.

It may be left alone, too: then the agents of the site's routers are killed while it stands, and the estate's store is stopped until
after its end.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import ClassVar

from trimtab.answers.blackhole import BlackHoles
from trimtab.drills.drain_outcome import await_well
from trimtab.drills.faults.base import Aim, Arguments, Struck
from trimtab.drills.faults.black_hole_needs import needs_black_hole
from trimtab.drills.faults.preconditions import desks, scene_of
from trimtab.drills.faults.targets import AGENT_UNIT
from trimtab.drills.operator import REASON, run
from trimtab.drills.probes.black_hole import address_of, dropped
from trimtab.drills.scene import LabLike, Scene
from trimtab.errors import EnvironmentUnable

LASTS_S = 30.0
LATE_S = 15.0  # after its end a router has seen to it long ago
ESTATE_UNIT = "etcd-estate.service"


class BlackHole:
    """of: one `address` of a service at the site; or the same `unattended`, without agents and store."""

    kind: ClassVar[str] = "blackhole"
    targets = ("address", "unattended")

    def aim(self, lab: LabLike, scene: Scene, arguments: Arguments, of: str) -> Aim:
        needs_black_hole(scene, arguments)
        place = scene.site(arguments["site"])
        found = address_of(scene, place.name)
        node = desks(scene)[-1] if len(desks(scene)) == 1 else desks(scene, place.name)[0]
        await_well(lab, node, scene.source)
        alone = of == "unattended"
        more = "; the routers' agents are killed, and the estate's store is stopped" if alone else ""
        says = f"{found.address} of {found.service} at {place.name} is black-holed for {LASTS_S:g} s{more}"
        assert scene.estate_store is not None
        members = scene.estate_store.hosts if alone else ()
        return Aim(place.name, place.speakers, of, says, names=(node, scene.source, found.address, *members))

    def strike(self, lab: LabLike, aim: Aim) -> Struck:
        """told: the address and whose it is, and when the black hole was there."""
        node, source, address, *members = aim.names
        at = time.monotonic()
        words = ("blackhole", address, "--for", f"{LASTS_S:g}s", "--json", "--reason", REASON)
        ended = run(lab, node, source, *words)
        if ended.exit != 0 or not isinstance(ended.reply, BlackHoles):
            raise EnvironmentUnable(
                f"{address} was not black-holed: {ended.said}", "`trimtab blackhole --list` says what is"
            )
        if members:
            for router in aim.nodes:
                lab.kill(router, AGENT_UNIT)
            for member in members:
                lab.unit(member, ESTATE_UNIT, "stop")
        scene = scene_of(lab)
        found = address_of(scene, aim.site)
        regions = [r.name for r in scene.regions.values() if any(t.address == address for t in r.targets)]
        stood = time.monotonic()
        told = {
            "address": address,
            "service": found.service,
            "regions": regions,
            "since": stood,
            "until": at + LASTS_S,
        }
        return Struck(at, told)

    def restore(self, lab: LabLike, aim: Aim) -> None:
        """Nobody ends it: its time does. What is left after that is lifted, as a drill that was killed may have to."""
        node, source, address, *members = aim.names
        ends = time.monotonic() + LASTS_S + LATE_S
        while members and time.monotonic() < ends and not _is_gone(lab, aim, address):
            time.sleep(0.5)
        _start(lab, members)
        while time.monotonic() < ends:
            listed = run(lab, node, source, "blackhole", "--list", "--json").reply
            if isinstance(listed, BlackHoles) and not any(
                each.address == address and each.state == "stands" for each in listed.holes
            ):
                return
            time.sleep(0.5)
        run(lab, node, source, "blackhole", address, "--lift", "--reason", REASON, "--json")


def _start(lab: LabLike, members: Sequence[str]) -> None:
    """All at once: each is up only when most of them are."""
    with ThreadPoolExecutor(max(1, len(members))) as pool:
        list(pool.map(lambda member: lab.unit(member, ESTATE_UNIT, "start"), members))


def _is_gone(lab: LabLike, aim: Aim, address: str) -> bool:
    return not any(dropped(lab, router, address) for router in aim.nodes)
