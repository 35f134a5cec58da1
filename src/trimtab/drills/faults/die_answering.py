"""Members are killed while they answer POSTs, one after the other, several times.

The clients are curl over HTTP/2 and HTTP/1.1: told that nothing was done (RFC 9113, 8.7), or left without an answer on a kept
connection (RFC 9112, 9.3.1), it repeats by itself, as browsers do. They ask for a ledger without idempotency keys, each with
an id of its own, so what was done more often than asked can be counted afterwards.
"""

from __future__ import annotations

import contextlib
import itertools
import subprocess
import time
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trimtab.drills.faults.base import Aim, Arguments, Struck
from trimtab.drills.faults.targets import HOSTS
from trimtab.drills.load.spec import Target
from trimtab.drills.node_exec import ask_if_there, asked
from trimtab.drills.scene import LabLike, Region, Scene, read_scene
from trimtab.errors import EnvironmentUnable, TwinFailed
from trimtab.lab.storefront import LEDGER

VERSIONS = {"http2": "--http2", "http1.1": "--http1.1"}
CLIENTS = 3  # of each version and region, one request at a time each
EACH = 60  # requests; with the ledger's own pause about 15 s
BEGIN_SECONDS = 1.0
PAUSE_SECONDS = 1.2  # at least between two kills: the supervisor starts the member
BACK_SECONDS = 10.0  # at most, until checks find it: up to 3 s on Debian 13, and then all were dead at once
END_SECONDS = 90.0


@dataclass(frozen=True, slots=True)
class Client:
    """A running curl. said: where it writes the status and the address of each request."""

    version: str
    said: Path
    process: subprocess.Popen[Any]


class DieAnswering:
    """of: the `backends` of a site, in turns."""

    kind = "die-answering"
    targets = ("backends",)

    def aim(self, lab: LabLike, scene: Scene, arguments: Arguments, of: str) -> Aim:
        place = scene.site(arguments["site"])
        nodes, who = HOSTS[of](lab, scene, arguments)
        prefix = f"l{uuid.uuid4().hex[:8]}"
        says = f"{place.backend_unit} on {who} is killed in turns, while POSTs are answered"
        return Aim(place.name, nodes, place.backend_unit, says, names=(prefix,))

    def strike(self, lab: LabLike, aim: Aim) -> Struck:
        scene, (prefix,) = read_scene(lab.status()["facts"]), aim.names
        with _clients(lab, scene, aim.site, prefix) as clients:
            time.sleep(BEGIN_SECONDS)
            at, kills = _kill_in_turns(lab, scene, aim, clients)
        answers = {c.said.name: (c.version, c.said.read_text()) for c in clients}
        done = Counter(
            line for text in _ledgers(lab, scene) for line in text.split() if line.startswith(prefix)
        )
        return Struck(at, {"kills": kills, **judge(answers, done)})

    def restore(self, lab: LabLike, aim: Aim) -> None:
        return None


@contextlib.contextmanager
def _clients(lab: LabLike, scene: Scene, site: str, prefix: str) -> Iterator[list[Client]]:
    """Of the regions that the site serves; whatever happens, none of them is left."""
    folder = lab.scratch / f"ledger-{prefix}"
    folder.mkdir(parents=True)
    regions = [region for region in scene.regions.values() if region.nearest == site]
    clients = list[Client]()
    try:
        for region in regions or scene.regions.values():
            for version, number in itertools.product(VERSIONS, range(CLIENTS)):
                clients.append(
                    _client(lab, scene, region, version, folder / f"{region.name}-{version}-{number}", prefix)
                )
        yield clients
    finally:
        for client in clients:
            client.process.kill()
            client.process.wait()


def _client(lab: LabLike, scene: Scene, region: Region, version: str, said: Path, prefix: str) -> Client:
    target = _target(scene, region)
    at = f"{target.host}:{target.port}"
    command = [
        "curl", "--silent", "--cacert", scene.ca, "--resolve", f"{at}:{target.address}", "--max-time", "5",
        VERSIONS[version], "--data", "pieces=1", "--output", "/dev/null", "--write-out", r"%{http_code} %{url}\n",
        f"https://{at}/ledger/{prefix}-{said.name}-[1-{EACH}]",
    ]  # fmt: skip
    with said.open("w") as file:
        return Client(
            version, said, lab.popen(region.node, command, stdin=subprocess.DEVNULL, stdout=file, first=True)
        )


def _target(scene: Scene, region: Region) -> Target:
    """Where orders go, by IPv4. Raises EnvironmentUnable."""
    assert scene.ledger is not None
    host = scene.ledger.url.removeprefix("https://").partition(":")[0]
    for target in region.targets:
        if target.host == host and target.family == 4:
            return target
    raise EnvironmentUnable(f"{region.name} has no IPv4 address of {host}")


def _kill_in_turns(lab: LabLike, scene: Scene, aim: Aim, clients: list[Client]) -> tuple[float, int]:
    """Until every client has its answers: (when the first was killed, how many were). Raises EnvironmentUnable."""
    began, first, kills = time.monotonic(), 0.0, 0
    whole = _alive(lab, scene, aim.site)
    for node in itertools.cycle(aim.nodes):
        if all(client.process.poll() is not None for client in clients):
            return first or began, kills
        if time.monotonic() > began + END_SECONDS:
            raise EnvironmentUnable(f"the clients of the ledger are not done after {END_SECONDS:g} s")
        with contextlib.suppress(TwinFailed):  # its supervisor is about to start it
            at = lab.kill(node, aim.unit, "KILL")
            first, kills = first or at, kills + 1
        killed = time.monotonic()
        time.sleep(PAUSE_SECONDS)
        while _alive(lab, scene, aim.site) < whole and time.monotonic() < killed + BACK_SECONDS:
            time.sleep(0.1)
    raise AssertionError("a cycle ends only without nodes")


def _alive(lab: LabLike, scene: Scene, site: str) -> int:
    """How many members the site's proxies find well, all together; 0 where their engine checks none."""
    question = scene.serving.alive
    return sum(asked(lab, proxy, question) for proxy in scene.site(site).proxies) if question else 0


def _ledgers(lab: LabLike, scene: Scene) -> Iterator[str]:
    for site in scene.sites.values():
        for node in site.backends:
            yield ask_if_there(lab, node, ("cat", LEDGER)) or ""


def judge(answers: Mapping[str, tuple[str, str]], done: Mapping[str, int]) -> dict[str, Any]:
    """answers: by client its HTTP version and a line `STATUS URL` a request. done: by id how often it was executed."""
    told = dict[str, dict[str, int]]()
    unanswered = dict.fromkeys(sorted({version for version, _ in answers.values()}), 0)
    acknowledged = set[str]()
    for version, text in answers.values():
        for line in text.splitlines():
            status, _, url = line.partition(" ")
            entry = url.rpartition("/")[2]
            counts = told.setdefault(version, {})
            counts[status] = counts.get(status, 0) + 1
            if status == "201":
                acknowledged.add(entry)
            elif done.get(entry):
                unanswered[version] += 1
    return {
        "sent": sum(sum(counts.values()) for counts in told.values()),
        "answers": told,
        "executed": sum(done.values()),
        "unanswered": unanswered,
        "twice": sorted(entry for entry, times in done.items() if times > 1),
        "lost": sorted(acknowledged - done.keys()),
    }
