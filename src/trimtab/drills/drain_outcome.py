"""What becomes of a drain: `trimtab status` is asked until it is settled, and a drained site is brought back."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from trimtab.answers.status import Site, Status
from trimtab.drills.node_exec import ask, whatever_it_exits
from trimtab.drills.operator import REASON, run
from trimtab.drills.scene import LabLike
from trimtab.errors import EnvironmentUnable

STATUS_SECONDS = 15.0
LOOK_SECONDS = 0.5  # between two questions: each is a program of its own, and takes from what is measured
WELL_SECONDS, BACK_SECONDS = 30.0, 90.0
# The brackets keep it from naming itself.
DRAINING = "[-]m trimtab drain"


def rows(lab: LabLike, node: str, source: str) -> dict[str, Site] | None:
    """What `trimtab status` answers, by site; None where it gives no answer."""
    reply = run(lab, node, source, "status", "--json", seconds=STATUS_SECONDS).reply
    return {row.site: row for row in reply.sites} if isinstance(reply, Status) else None


def came_to(row: Site) -> str | None:
    """`done`: drained, and so it stands; `undone`: it is announced as before; None: on the way, here or there."""
    if row.step == "withdraw" and row.drained and not row.under_way:
        return "done"
    return "undone" if row.step == "serve" and not row.under_way else None


def is_well(found: Mapping[str, Site]) -> bool:
    """Every site is announced, and known to serve."""
    return all(row.verdict == "serving" and came_to(row) == "undone" for row in found.values())


def settled(lab: LabLike, node: str, source: str, site: str, seconds: float) -> str | None:
    """What a drain came to within so many seconds, None if neither."""
    found: list[str] = []

    def looks(seen: Mapping[str, Site]) -> bool:
        found[:] = [came] if (came := came_to(seen[site])) else []
        return bool(found)

    return found[0] if _until(lab, node, source, looks, seconds) else None


def well(lab: LabLike, node: str, source: str, seconds: float) -> bool:
    """Whether all of the estate is as it should be within so many seconds."""
    return _until(lab, node, source, is_well, seconds)


def await_well(lab: LabLike, node: str, source: str) -> None:
    """Before anything is broken: a site of which nothing is known yet is judged as one that does not serve. Raises
    EnvironmentUnable.
    """
    if not well(lab, node, source, WELL_SECONDS):
        raise EnvironmentUnable(
            f"not every site is announced and known to serve, for {WELL_SECONDS:g} s",
            "`trimtab status --twin` says which, `trimtab why SITE --twin` why",
        )


def bring_back(lab: LabLike, node: str, source: str, *sites: str) -> None:
    """Until each of them is announced again; one that is not drained is none to bring back. Raises EnvironmentUnable."""
    ends = time.monotonic() + BACK_SECONDS
    for site in sites:

        def back(seen: Mapping[str, Site], site: str = site) -> bool:
            if seen[site].drained:
                run(lab, node, source, "undrain", site, "--reason", REASON)
            return came_to(seen[site]) == "undone"

        if not _until(lab, node, source, back, ends - time.monotonic()):
            raise EnvironmentUnable(
                f"{site} is not announced again {BACK_SECONDS:g} s after it was asked for",
                "`trimtab why` says more",
            )


def end_drains(lab: LabLike, *nodes: str) -> None:
    """Those that a killed drill left running on these hosts: they would go on."""
    for node in nodes:
        ask(lab, node, whatever_it_exits("pkill", "-KILL", "-f", DRAINING))


def _until(
    lab: LabLike, node: str, source: str, holds: Callable[[dict[str, Site]], bool], seconds: float
) -> bool:
    """Ask at least once."""
    ends = time.monotonic() + seconds
    while True:
        seen = rows(lab, node, source)
        if seen is not None and holds(seen):
            return True
        if time.monotonic() > ends:
            return False
        time.sleep(LOOK_SECONDS)
