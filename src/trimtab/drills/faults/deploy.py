"""A new version of the application on every backend of a site, one after the other, under load.

What a deployment does on each host: `trimtab-agent drain`, wait until nobody is served, stop, replace, start, wait until
it answers, register the new version, `trimtab-agent ready`.
"""

from __future__ import annotations

import json
import time
import uuid

from trimtab.drills.faults.base import Aim, Arguments, Struck
from trimtab.drills.faults.registry_loss import registered, rewrite
from trimtab.drills.faults.targets import HOSTS
from trimtab.drills.node_exec import ask
from trimtab.drills.scene import LabLike, Scene, read_scene
from trimtab.errors import EnvironmentUnable
from trimtab.lab.storefront import CONFIG

DRAIN_SECONDS = 10.0
QUIET_SECONDS = 2.0  # nginx takes a drain up by a reload, at most once a second
LOOK_SECONDS = (
    1.0  # a host that gets nothing for so long before its turn (a spare one) is not awaited after it
)
AGENT = "trimtab-agent"
# Connections from others to what serves here. nginx opens one for each request in the examples.
OPEN = "ss -Hnt state established '( sport = :{port} )' | wc -l"


class Deploy:
    """of: `backends`, every one of the site."""

    kind = "deploy"
    targets = ("backends",)

    def aim(self, lab: LabLike, scene: Scene, arguments: Arguments, of: str) -> Aim:
        place = scene.site(arguments["site"])
        nodes, who = HOSTS[of](lab, scene, arguments)
        version = f"v{uuid.uuid4().hex[:6]}"
        says = f"{who} gets version {version}, one after the other"
        return Aim(place.name, nodes, place.backend_unit, says, names=(version,))

    def strike(self, lab: LabLike, aim: Aim) -> Struck:
        scene, at = read_scene(lab.status()["facts"]), time.monotonic()
        return Struck(at, {node: self._replace(lab, scene, node, aim) for node in aim.nodes})

    def restore(self, lab: LabLike, aim: Aim) -> None:
        for node in aim.nodes:
            ask(lab, node, [AGENT, "ready", "--reason", "the drill was interrupted"])

    def _replace(self, lab: LabLike, scene: Scene, node: str, aim: Aim) -> dict[str, float]:
        """Seconds that each part took, and how many requests were being served at the stop."""
        serves = self._served(lab, node, LOOK_SECONDS)
        begin = time.monotonic()
        ask(lab, node, [AGENT, "drain", "--reason", f"deploying {aim.names[0]}"])
        left = self._idle(lab, scene, node)
        drained = time.monotonic()
        lab.unit(node, aim.unit, "stop")
        ask(lab, node, ["sed", "-i", f"s/X-Version [^ ]*/X-Version {aim.names[0]}/", CONFIG])
        lab.unit(node, aim.unit, "start")
        self._answers(lab, node)
        for _, file in registered(lab, node):
            content = ask(lab, node, ["cat", file])
            rewrite(lab, node, file, {**_json(content), "version": aim.names[0]})
        ask(lab, node, [AGENT, "ready", "--reason", f"{aim.names[0]} is deployed"])
        if serves:
            self._serving(lab, node)
        return {
            "drain_s": round(drained - begin, 2),
            "whole_s": round(time.monotonic() - begin, 2),
            "left": left,
        }

    def _idle(self, lab: LabLike, scene: Scene, node: str) -> int:
        """Wait until nobody is served; how many still are when the patience ends."""
        ends, quiet_since, left = time.monotonic() + DRAIN_SECONDS, time.monotonic(), 0
        while time.monotonic() < ends and time.monotonic() - quiet_since < QUIET_SECONDS:
            time.sleep(0.1)
            if left := self._busy(lab, scene, node):
                quiet_since = time.monotonic()
        return left

    def _busy(self, lab: LabLike, scene: Scene, node: str) -> int:
        if (busy := scene.serving.busy) is None:
            return sum(int(ask(lab, node, ["sh", "-c", OPEN.format(port=p)])) for p in self._ports(lab, node))
        (address,) = {
            a for host in lab.status()["hosts"] if host["name"] == node for a in host["addresses"][:1]
        }
        proxies = scene.site(scene.site_of(node)).proxies
        replies = [busy.judge(ask(lab, proxy, busy.command, busy.text)) for proxy in proxies]
        return sum(reply.get(address, 0) for reply in replies)

    def _ports(self, lab: LabLike, node: str) -> list[str]:
        text = ask(lab, node, ["sed", "-n", r"s/^ *listen \([0-9]*\);/\1/p", CONFIG])
        return text.split()

    def _answers(self, lab: LabLike, node: str) -> None:
        ends, port = time.monotonic() + DRAIN_SECONDS, self._ports(lab, node)[0]
        while time.monotonic() < ends:
            try:
                ask(lab, node, ["curl", "-sf", "-o", "/dev/null", f"http://127.0.0.1:{port}/health"])
                return
            except EnvironmentUnable:
                time.sleep(0.05)
        raise EnvironmentUnable(
            f"{node} does not answer after its deployment", "see its log: trimtab lab status"
        )

    def _serving(self, lab: LabLike, node: str) -> None:
        """Wait until proxies send it requests again: what is rolled out one by one waits for each. Raises
        EnvironmentUnable.
        """
        if self._served(lab, node, DRAIN_SECONDS):
            return
        raise EnvironmentUnable(
            f"no request came to {node} in {DRAIN_SECONDS:.0f} s after `{AGENT} ready`",
            "trimtab members --twin says what the registry has of it",
        )

    def _served(self, lab: LabLike, node: str, within: float) -> bool:
        """Whether a request comes to the host, on any of its ports."""
        ends, ports = time.monotonic() + within, self._ports(lab, node)
        while time.monotonic() < ends:
            if any(int(ask(lab, node, ["sh", "-c", OPEN.format(port=port)])) for port in ports):
                return True
            time.sleep(0.05)
        return False


def _json(text: str) -> dict[str, object]:
    found = json.loads(text)
    assert isinstance(found, dict)
    return found
