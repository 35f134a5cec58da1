"""`front-watch` holds an anchor that comes and goes: what counts, how long, what outlives a restart. Its clock is ours here."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType

import pytest

from tests.daemons.test_front_watch_real import ESTATE
from trimtab.agent.proxy.hold_down import HoldDown, hold_down
from trimtab.daemons.front.config import render
from trimtab.estate.inventory import Inventory
from trimtab.estate.load import read_estate

UP = 2.0  # seconds from its start until a proxy is announced, here


class Proxy:
    """A proxy that answers or not, under the watch."""

    def __init__(self, folder: Path, keys: str = "") -> None:
        text = f"{ESTATE}edge: {{hold_down: {{{keys}}}}}\n" if keys else ESTATE
        inventory = Inventory(read_estate(text, "watch.yaml")[0])
        host = next(host for host in inventory.hosts if host.does("vips"))
        program = next(a.content for a in render(inventory, host) if a.path.endswith("/front-watch"))
        program = program.replace("/run/trimtab/front/", f"{folder}/")
        self.folder, self.now, self.works = folder, 1000.0, True
        self.hook = ModuleType("front_watch")
        exec(compile(program, "front-watch", "exec"), self.hook.__dict__)
        self.said: list[tuple[float, str]] = []
        self.hook.__dict__.update(
            front=lambda *words: self.said.append((self.now, " ".join(words))),
            ask=lambda path: "yes" if self.works else "silent",
            look=lambda: "yes" if self.works else "silent",
            started=lambda: True,
            SETTLE=UP / 2,
            VRRP=UP / 2,
        )
        self.hook.time.monotonic = lambda: self.now
        self.start()

    def start(self) -> None:
        self.watch = self.hook.Watch()

    def go(self, seconds: float) -> None:
        for _ in range(round(seconds / 0.2)):
            self.watch.look(self.now)
            self.now = round(self.now + 0.2, 3)

    def lose(self) -> float:
        """The anchor is lost, and works again at once. How long until it is told again."""
        self.works = False
        while self.watch.announced:
            self.go(0.2)
        lost, self.works = self.now, True
        while not self.watch.announced:
            self.go(0.2)
        return self.now - lost


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.monotonic", lambda: 0.0)  # put back whatever a proxy has set


@pytest.fixture
def proxy(tmp_path: Path, clock: None) -> Proxy:
    found = Proxy(tmp_path)
    found.go(UP + 1)
    assert found.watch.announced
    return found


def test_three_losses_cost_nothing_and_then_each_one_doubles_the_wait(proxy: Proxy) -> None:
    waits = [round(proxy.lose()) for _ in range(10)]
    assert waits == [2, 2, 2, 5, 10, 20, 40, 60, 60, 60]


def test_addresses_move_inside_the_site_as_ever(proxy: Proxy) -> None:
    for _ in range(6):
        proxy.lose()
    told = [(at, word) for at, word in proxy.said if word in ("set health up", "set health down")]
    back = [up - down for (down, _), (up, _) in zip(told[1::2], told[2::2], strict=False)]
    assert len(back) == 6 and max(back) <= UP


def test_whoever_stays_up_is_forgiven(proxy: Proxy) -> None:
    for _ in range(5):
        proxy.lose()
    proxy.go(61)
    assert round(proxy.lose()) == 2


def test_losses_that_are_far_apart_never_count(proxy: Proxy) -> None:
    for _ in range(20):
        proxy.go(21)
        assert round(proxy.lose()) == 2


def test_who_was_not_announced_was_not_lost(proxy: Proxy) -> None:
    proxy.lose()
    for _ in range(10):  # it dies before it is told again
        proxy.works = False
        proxy.go(1)
        proxy.works = True
        proxy.go(UP / 2 + 0.4)
    proxy.go(UP + 1)
    assert proxy.watch.announced


def test_a_restart_of_the_watch_forgets_nothing(proxy: Proxy) -> None:
    for _ in range(5):
        proxy.lose()
    proxy.works = False
    proxy.go(1)
    proxy.works = True
    lost = proxy.now
    proxy.start()
    while not proxy.watch.announced:
        proxy.go(0.2)
    assert 19 <= proxy.now - lost <= 21


@pytest.mark.parametrize("spoilt", ["", "{", "[]", '{"losses": [1], "until": "never"}', '{"losses": 3}'])
def test_a_file_that_is_none_holds_nothing(proxy: Proxy, spoilt: str) -> None:
    (proxy.folder / "losses").write_text(spoilt)
    proxy.start()
    assert proxy.watch.hold.losses == [] or proxy.watch.hold.until == 0.0
    assert hold_down(proxy.folder, lambda: proxy.now) == HoldDown()


def test_a_file_of_another_clock_holds_no_longer_than_the_longest_wait(proxy: Proxy) -> None:
    (proxy.folder / "losses").write_text(json.dumps({"losses": [], "until": 1e9, "within": 60}))
    proxy.start()
    assert proxy.watch.hold.until == proxy.now + 60


def test_the_agent_tells_it(proxy: Proxy) -> None:
    for _ in range(3):
        proxy.lose()
    assert hold_down(proxy.folder, lambda: proxy.now) == HoldDown(3, 0.0)
    proxy.works = False
    proxy.go(1)
    found = hold_down(proxy.folder, lambda: proxy.now)
    assert found.losses == 4 and 4 < found.held_s <= 5


def test_the_estate_may_say_so_otherwise_or_never(tmp_path: Path, clock: None) -> None:
    for keys, expected in (
        ("losses: 0", [2] * 6),
        ("losses: 1, first: 3s, most: 7s", [3, 6, 7, 7, 7, 7]),
    ):
        (tmp_path / "losses").unlink(missing_ok=True)
        proxy = Proxy(tmp_path, keys)
        proxy.go(UP + 1)
        assert [round(proxy.lose()) for _ in range(6)] == expected
