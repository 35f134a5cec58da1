"""How often an election of the shop's store takes a second round, by simulation: the figures of docs/timing.md.

Each survivor waits one to two election time-outs, drawn in heartbeats, from the last heartbeat on. Who is not told of the
first one's pre-vote before his own time is up stands too; then both have one vote of the two that are needed, and wait anew
(etcd 3.4, raft package: `tickElection`, `campaign`, `Step`).
"""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest

from trimtab.estate.inventory import Inventory
from trimtab.estate.load import load_estate
from trimtab.render.etcd import election_ms, link_rtt
from trimtab.timing.layout import first_store

ROOT = Path(__file__).parents[2]
DRAWS = 40_000


def elections(inventory: Inventory, survivors: tuple[str, str]) -> list[tuple[float, int]]:
    """(seconds from the leader's loss to the first write, split votes) of each."""
    heartbeat_ms, timeout_ms, _ = election_ms(inventory, first_store(inventory))
    heartbeat, trip = heartbeat_ms / 1000, link_rtt(inventory, *survivors)
    draw, found = random.Random(1), []

    def waits() -> float:
        steps = timeout_ms // heartbeat_ms
        return (steps + draw.randrange(steps)) * heartbeat - draw.random() * heartbeat

    for _ in range(DRAWS):
        passed, splits = 0.0, 0
        while abs((one := waits()) - (other := waits())) < trip / 2:
            passed, splits = passed + max(one, other) + trip, splits + 1
        found.append((passed + min(one, other) + 3 * trip, splits))  # pre-vote, vote, the first write
    return found


def test_the_figures_of_the_docs() -> None:
    inventory = Inventory(load_estate(ROOT / "examples/shop/estate.yaml"))
    found = elections(inventory, ("sg", "la"))
    promised = inventory.estate.objectives.write.rto
    assert promised is not None
    split = sum(splits > 0 for _, splits in found) / DRAWS
    late = sum(seconds > promised for seconds, _ in found) / DRAWS
    said = re.search(
        r"about one in (\d+) is split.*?about one in (\d+) takes longer than the ([\d.]+) s",
        (ROOT / "docs/timing.md").read_text(), re.DOTALL,
    )  # fmt: skip
    assert said
    assert [1 / float(said[1]), 1 / float(said[2])] == pytest.approx([split, late], rel=0.2)
    assert float(said[3]) == promised
