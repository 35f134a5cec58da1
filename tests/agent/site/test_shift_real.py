"""A shift between two real BIRDs: what the other one hears is what counts, and no session flaps."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.agent.site.test_steer_real import Pair, eventually
from tests.agent.steer_kit import A6, OURS, A

from trimtab.agent.site.shift import ShiftedRoutes
from trimtab.agent.site.steer import RouterSteer
from trimtab.daemons.bird.seen import seen
from trimtab.daemons.bird.shift_file import CONF, ShiftFile, text
from trimtab.ops.steering.shift import Shift, UpstreamShift
from trimtab.ops.steering.wish import Committed, Doing, Done, Orders, PermitRef

pytestmark = [pytest.mark.daemon, pytest.mark.timeout(120)]
Told = tuple[int, int, tuple[str, ...]]  # how long the path is, MED, communities
PLAIN: Told = (1, 0, ())


class ShiftPair(Pair):
    """Both export filters call `shift`, as the rendered ones do."""

    def _configure(self) -> None:
        super()._configure()
        (self.folder / CONF).write_text(text(ShiftFile()))
        ours = self.folder / "ours.conf"
        content = ours.read_text().replace(
            'steer.conf";', f'steer.conf";\ndefine OWN_AS = 64512;\ninclude "{self.folder}/{CONF}";'
        )
        ours.write_text(content.replace("accept;", 'shift("x"); accept;'))

    def told(self) -> dict[str, Told | None]:
        """What the peer has of the first prefix of each family."""

        async def ask() -> dict[str, Told | None]:
            replies = await self.peer.ask([f"show route {prefix} all" for prefix in (A, A6)])
            found = [next(iter(seen(reply)), None) for reply in replies]
            return {
                v: (len(each.path.split()), each.med or 0, each.communities) if each else None
                for v, each in zip("46", found, strict=True)
            }

        return asyncio.run(ask())

    def tells(self, told: Told) -> None:
        eventually(
            lambda: self.told() == {"4": told, "6": told}, f"the peer hears {told}; it has {self.told()}"
        )


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[ShiftPair]:
    if shutil.which("bird") is None:
        pytest.fail("bird is not installed: apt-get install bird2")
    found = ShiftPair(tmp_path)
    try:
        found.established()
        yield found
    finally:
        for name in list(found.running):
            found.stop(name)


class Router:
    def __init__(self, pair: ShiftPair) -> None:
        self.done: list[Done] = []
        self.orders, self.word = Orders(None, None, (), 0.0), Shift("a", "", "", 0.0)
        self._steer = RouterSteer(
            "a", "a-router-1", OURS, pair.ours, lambda: self.orders, self.done.append, pair.folder,
            now=lambda: 0.0, settle_s=30.0, shift=ShiftedRoutes(pair.folder, pair.ours, lambda: self.word),
        )  # fmt: skip

    def sync(self) -> Done:
        asyncio.run(self._steer.reconcile(frozenset(self._steer.keys())))
        return self.done[-1]


def test_an_upstream_hears_each_shift_and_its_end_and_no_session_flaps(pair: ShiftPair) -> None:
    router, before = Router(pair), pair.changes()
    assert router.sync().verified
    pair.tells(PLAIN)
    for at, shift, told in (
        (1.0, UpstreamShift("x", 2), (3, 0, ())),
        (2.0, UpstreamShift("x", 0, 50), (1, 50, ())),
        (3.0, UpstreamShift("x", 1, 0, ((64513, 3),)), (2, 0, ("64513:3",))),
        (4.0, UpstreamShift("other", 5), PLAIN),
    ):
        router.word = Shift("a", "ann", "fibre work", at, (shift,))
        done = router.sync()
        assert (done.verified, done.shift, done.amiss) == (True, at, "")
        pair.tells(told)
    router.word = Shift("a", "ann", "it is over", 5.0)
    assert router.sync().shift == 5.0
    pair.tells(PLAIN)
    assert pair.up() and pair.changes() == before


def test_a_site_comes_back_over_a_ramp(pair: ShiftPair) -> None:
    router = Router(pair)
    committed, permits = (
        Committed("a", "withdraw", "ann", "", 1.0, "p0"),
        (PermitRef("p1", "undrain-site", "a", 9.0),),
    )
    router.orders = Orders(committed, None, (), 0.0)
    assert router.sync().step == "withdraw"
    eventually(lambda: pair.told() == {"4": None, "6": None}, "the peer hears nothing")
    for token, (step, prepend, told) in enumerate(
        (("prefer", 0, (1, 0, ("65535:0",))), ("serve", 3, (4, 0, ())), ("serve", 1, (2, 0, ())))
    ):
        doing = Doing("a", step, "p1", token, 9.0, prepend)  # type: ignore[arg-type]
        router.orders = Orders(committed, doing, permits, 0.0)
        done = router.sync()
        assert (done.step, done.token, done.verified) == (step, token, True)
        pair.tells(told)
    router.orders = Orders(None, None, (), 0.0)
    assert router.sync().verified
    pair.tells(PLAIN)
