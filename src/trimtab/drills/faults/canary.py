"""A share of the traffic is asked for, and counted: twice, the second time after the proxies were renewed and every agent
of the sites was killed.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from trimtab.drills.faults.base import Aim, Arguments, Struck
from trimtab.drills.faults.reload import reload
from trimtab.drills.faults.targets import AGENT_UNIT
from trimtab.drills.load.record import read_record
from trimtab.drills.load.spec import LoadSpec
from trimtab.drills.node_exec import ask
from trimtab.drills.scene import LabLike, Scene, Split, read_scene
from trimtab.errors import EnvironmentUnable

AGENT = "trimtab-agent"
PERCENT = 5
WANTED, AGAIN = 21_000, 7_000  # requests in all regions together; the claim is about 20,000
RATE = 130.0  # a second and region, beside the load of every drill
KEPT = 100  # enough for the longest round trip: a request that finds none free makes a new one
SETTLE_SECONDS = 2.0


class Canary:
    """of: `canary`: the first split of the estate, its pool with the smallest share gets 5 % at every site."""

    kind = "split"
    targets = ("canary",)

    def aim(self, lab: LabLike, scene: Scene, arguments: Arguments, of: str) -> Aim:
        name, found = next(iter(sorted(scene.splits.items())))
        nodes = tuple(site.proxies[0] for site in scene.sites.values() if site.proxies and site.registries)
        says = f"{found.canary} gets {PERCENT} % of {name} at every site"
        return Aim(arguments["site"], nodes, "", says, names=(name,))

    def strike(self, lab: LabLike, aim: Aim) -> Struck:
        scene = read_scene(lab.status()["facts"])
        (name,) = aim.names
        split = scene.splits[name]
        at = time.monotonic()
        for node in aim.nodes:
            ask(lab, node, [AGENT, "split", name, *asked(split), "--reason", "a drill"])
        time.sleep(SETTLE_SECONDS)
        first = count(lab, scene, name, WANTED)
        renewed = {proxy: reload(lab, proxy, site.front_unit)["taken"]
                   for site in scene.sites.values() for proxy in site.proxies}  # fmt: skip
        for site in scene.sites.values():
            for proxy in site.proxies:
                lab.kill(proxy, AGENT_UNIT, "KILL")
        second = count(lab, scene, name, AGAIN)
        return Struck(at, {
            "pool": split.canary, "asked_percent": PERCENT, "renewed": renewed,
            "counts": [share(first, split.ports), share(second, split.ports)],
        })  # fmt: skip

    def restore(self, lab: LabLike, aim: Aim) -> None:
        (name,) = aim.names
        split = read_scene(lab.status()["facts"]).splits[name]
        shares = [f"{pool}={share}" for pool, share in sorted(split.shares.items())]
        for node in aim.nodes:
            ask(lab, node, [AGENT, "split", name, *shares, "--reason", "the drill is over"])


def asked(split: Split) -> list[str]:
    """The canary's share, and the rest for the pool that has most."""
    rest = max(sorted(split.shares), key=lambda pool: (pool != split.canary, split.shares[pool]))
    wanted = {**dict.fromkeys(split.shares, 0), rest: 100 - PERCENT, split.canary: PERCENT}
    return [f"{pool}={share}" for pool, share in sorted(wanted.items())]


def count(lab: LabLike, scene: Scene, split: str, wanted: int) -> Counter[str]:
    """Send about so many requests from all regions together; how many came from which port."""
    duration = wanted / (RATE * len(scene.regions))
    folder = lab.scratch / f"split-{time.monotonic_ns()}"
    folder.mkdir(parents=True)
    running = []
    for number, region in enumerate(scene.regions.values()):
        targets = tuple(t for t in region.targets if t.host == scene.splits[split].host)
        spec = LoadSpec(
            region=region.name, targets=targets, ca=scene.ca, sources=region.sources, seed=number,
            out=str(folder / f"{region.name}.jsonl.gz"), duration=duration, new_rate=1.0, kept_rate=RATE, kept_connections=KEPT,
        )  # fmt: skip
        path = folder / f"{region.name}.json"
        spec.write(path)
        command = [sys.executable, "-m", "trimtab.drills.load", str(path)]
        process = lab.popen(
            region.node,
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            first=True,
        )
        running.append((spec, process))
    found: Counter[str] = Counter()
    try:
        for spec, process in running:
            process.wait(timeout=duration + 30)
            rows, _ = read_record(Path(spec.out))
            found.update(row.backend.rpartition(":")[2] for row in rows if row.ok)
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        raise EnvironmentUnable(f"the requests of the split could not be counted: {error}") from error
    finally:
        for _, process in running:
            process.kill()
            process.wait()
    return found


def share(found: Mapping[str, int], ports: Mapping[str, int]) -> dict[str, Any]:
    """{"requests": all, "pools": {pool: percent}}."""
    total = sum(found.values())
    pools = {pool: round(100 * found.get(str(port), 0) / max(1, total), 3) for pool, port in ports.items()}
    return {"requests": total, "pools": pools}
