"""An operator takes out what is inside a site, through the arbiter: the proxy that holds the addresses, or a member."""

from __future__ import annotations

import time

from trimtab.answers.codec import plain
from trimtab.answers.members import Members
from trimtab.answers.why import WhyHost, WhyMember
from trimtab.drills.drain_outcome import end_drains
from trimtab.drills.faults.base import Aim, Arguments, Struck
from trimtab.drills.faults.preconditions import needs_store
from trimtab.drills.faults.targets import HOSTS
from trimtab.drills.operator import REASON, begin_drain, run
from trimtab.drills.scene import LabLike, Scene
from trimtab.errors import BadInput, Denied, EnvironmentUnable

OVER_S = "2"  # the share of a member grows back within


class DrainInside:
    """of: the `vip-holder`, or a `backend` in the first pool that it serves. Asked on a registry host of the site."""

    kind = "drain-inside"
    targets = ("vip-holder", "backend")

    def aim(self, lab: LabLike, scene: Scene, arguments: Arguments, of: str) -> Aim:
        needs_store(scene, arguments)
        place = scene.site(arguments["site"])
        nodes, who = HOSTS[of](lab, scene, arguments)
        node = place.registries[0]
        target = (
            nodes[0] if of == "vip-holder" else pool_member_of(lab, node, scene.source, place.name, nodes[0])
        )
        says = f"an operator drains {target if of == 'backend' else who.rstrip(',')}"
        return Aim(place.name, nodes, "", says, names=(node, scene.source, target))

    def strike(self, lab: LabLike, aim: Aim) -> Struck:
        """at: when the one word was about to be written. told: every move."""
        node, source, target = aim.names
        asked = time.monotonic()
        with begin_drain(lab, node, source, target) as command:
            ended = command.end()
        if (told := ended.drained) is None:
            raise EnvironmentUnable(f"{target} was not drained: {ended.said}", "`trimtab why` says more")
        began = [move.monotonic_s for move in told.steps if move.step == "drain"]
        return Struck(began[0], {**plain(told), "took_s": round(time.monotonic() - asked, 3)})

    def restore(self, lab: LabLike, aim: Aim) -> None:
        """One that is not drained is none: then it is as it should be. Raises Denied where it is and `undrain` does not
        say that it brought it back: who relies on its exit code was told that it failed.
        """
        node, source, target = aim.names
        end_drains(lab, node)
        drained = _is_out(lab, node, source, target)
        ended = run(lab, node, source, "undrain", target, "--reason", REASON, "--over", OVER_S)
        if drained and ended.exit != 0:
            code = "not in time" if ended.exit is None else f"with {ended.exit}"
            raise Denied(f"`trimtab undrain {target}` ended {code}: {ended.said}", "`trimtab why` says more")


def _is_out(lab: LabLike, node: str, source: str, target: str) -> bool:
    """Whether an operator's word keeps it out; where nobody says, it may."""
    reply = run(lab, node, source, "why", target, "--json").reply
    if isinstance(reply, WhyHost):
        return reply.drained
    return not isinstance(reply, WhyMember) or (
        reply.override is not None and reply.override.state != "ready"
    )


def pool_member_of(lab: LabLike, node: str, source: str, site: str, host: str) -> str:
    """POOL/MEMBER of a host in a pool of its site. Raises BadInput."""
    reply = run(lab, node, source, "members", "--site", site, "--json").reply
    rows = reply.members if isinstance(reply, Members) else ()
    found = [f"{row.pool}/{host}" for row in rows if row.member == host]
    if not found:
        raise BadInput(f"{host} is in no pool of {site}", "the drill needs a pool with at least two members")
    return sorted(found)[0]
