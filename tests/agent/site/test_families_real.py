"""IPv4's routes in the session that is named after IPv6 (RFC 8950), on a real BIRD: what was told of either family is looked at."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.agent.site.test_steer_real import (
    CHANNEL_4,
    CHANNEL_6,
    HEAD,
    HEARD,
    OURS_CONF,
    Pair,
    eventually,
    free_port,
    run,
    session,
)
from tests.agent.steer_kit import OURS

from trimtab.agent.site.steer import RouterSteer
from trimtab.errors import Refused
from trimtab.ops.steering.wish import Committed, Done, Orders, Step

pytestmark = [pytest.mark.daemon, pytest.mark.timeout(120)]


class Both(Pair):
    """One session has the channels of both families."""

    def _configure(self) -> None:
        here, there = "127.0.0.5", "127.0.0.6"
        ports = {address: free_port(address) for address in (here, there)}
        ours = HEAD.format(address=here, folder=self.folder, name="ours") + OURS_CONF.format(
            folder=self.folder
        )
        peer = HEAD.format(address=there, folder=self.folder, name="peer")
        hears = "ipv4 { import all; export none; }; ipv6 { import all; export none; };"
        ours += session("up_x6", here, there, ports, 64512, 64513, CHANNEL_4 + CHANNEL_6)
        peer += session("up_x6", there, here, ports, 64513, 64512, hears)
        (self.folder / "ours.conf").write_text(ours)
        (self.folder / "peer.conf").write_text(peer)

    def up(self) -> bool:
        states = [run(end.protocols()) for end in (self.ours, self.peer)]
        return all(found["up_x6"].state == "up" for found in states)


@pytest.fixture
def both(tmp_path: Path) -> Iterator[Both]:
    found = Both(tmp_path)
    try:
        found.established()
        yield found
    finally:
        for name in list(found.running):
            found.stop(name)


class Steering:
    """families: as `agent.json` has them."""

    def __init__(self, both: Both, families: dict[str, tuple[int, ...]]) -> None:
        self.done: list[Done] = []
        self.orders = Orders(None, None, (), 0.0)
        self._steer = RouterSteer(
            "a", "a-router-1", OURS, both.ours, lambda: self.orders, self.done.append, both.folder, settle_s=3.0,
            sessions=families,
        )  # fmt: skip

    def sync(self, step: Step) -> Done:
        self.orders = Orders(Committed("a", step, "ann", "works", 1.0), None, (), 0.0)
        run(self._steer.reconcile(frozenset(self._steer.keys())))
        return self.done[-1]


def test_both_families_of_one_session_leave_and_come_back(both: Both) -> None:
    steering = Steering(both, {"up_x6": (4, 6)})
    steps: tuple[Step, ...] = ("serve", "prefer", "withdraw", "serve")
    for step in steps:
        assert (done := steering.sync(step)).verified, done.amiss
        both.hears(HEARD[step])


def test_what_ipv4_in_it_was_told_all_the_same_is_found(both: Both) -> None:
    """Where the name alone said what it carries, this was verified."""
    conf = both.folder / "ours.conf"
    conf.write_text(conf.read_text().replace('proto != "origin4" || net ~ WITHDRAWN4', 'proto != "origin4"'))
    assert run(both.ours.configure()) == "done"
    assert Steering(both, {}).sync("withdraw").verified, "nobody looks at IPv4"
    steering = Steering(both, {"up_x6": (4, 6)})
    with pytest.raises(Refused, match=r"up_x6: 198\.18\.1\.0/24 is announced"):
        steering.sync("withdraw")
    assert not steering.done[-1].verified


def test_a_peer_whose_ipv4_was_not_fed_is_fed(both: Both) -> None:
    steering = Steering(both, {"up_x6": (4, 6)})
    assert steering.sync("serve").verified
    both.write("withdraw")
    argv = ["birdc", "-s", str(both.folder / "ours.ctl"), "configure", "soft"]
    subprocess.run(argv, capture_output=True, timeout=20, check=True)
    assert steering.sync("withdraw").verified
    both.hears(HEARD["withdraw"])
    eventually(both.up, "the session stays")
