"""A router follows a shift in the same moment as what is steered, and says which word it has come to."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.agent.steer_kit import OURS, Stage

from trimtab.agent.site.shift import ShiftedRoutes
from trimtab.agent.site.steer import RouterSteer
from trimtab.daemons.bird.shift_file import Row, ShiftFile, read, text
from trimtab.ops.steering.shift import Shift, UpstreamShift
from trimtab.ops.steering.wish import Committed, Doing, Done, Orders, PermitRef

NOTHING = Shift("a", "", "", 0.0)
WORD = Shift("a", "ann", "fibre work", 12.5, (UpstreamShift("x", 2, 50, ((64500, 3),)),))
FILE = ShiftFile(0, {"x": Row(2, 50, ((64500, 3),))})


class Shifting(Stage):
    """word: what the store says of the shift; None: it cannot be known."""

    def restart(self) -> None:
        self.word: Shift | None = NOTHING
        routes = ShiftedRoutes(self.folder, self.bird, lambda: self.word)
        self.steer = RouterSteer(
            "a", "a-router-1", OURS, self.bird, lambda: self.orders, self.told.append, self.folder,
            now=lambda: self.now, wall=lambda: self.wall, boot=self.boot, settle_s=self.settle_s, shift=routes,
        )  # fmt: skip

    def came_to(self) -> Done:
        self.sync()
        return self.told[-1]

    def shifted(self) -> ShiftFile:
        return read((self.folder / "shift.conf").read_text())


@pytest.fixture
def stage(tmp_path: Path) -> Shifting:
    return Shifting(tmp_path)


def test_a_word_is_followed_and_answered_and_so_is_its_end(stage: Shifting) -> None:
    assert (stage.came_to().shift, stage.shifted()) == (0.0, ShiftFile())
    stage.word = WORD
    done = stage.came_to()
    assert (done.step, done.verified, done.shift, done.amiss) == ("serve", True, 12.5, "")
    assert stage.shifted() == FILE and stage.bird.shifts == FILE
    calls = len(stage.bird.calls)
    assert stage.came_to() == done and len(stage.bird.calls) == calls, "twice changes nothing"
    stage.word = Shift("a", "ann", "it is over", 13.0)
    assert (stage.came_to().shift, stage.bird.shifts) == (13.0, ShiftFile())


def test_it_goes_on_while_the_site_is_drained_and_afterwards(stage: Shifting) -> None:
    stage.word = WORD
    for step in ("prefer", "withdraw", "serve"):
        stage.commit(step)  # type: ignore[arg-type]
        assert stage.came_to().verified and stage.shifted() == FILE


def test_without_a_word_of_the_store_what_stands_stays(stage: Shifting) -> None:
    stage.word = WORD
    assert stage.came_to().verified
    stage.restart()
    stage.word = None
    assert stage.came_to().verified and stage.shifted() == FILE


def test_a_filter_that_does_not_call_it_is_told(stage: Shifting) -> None:
    stage.word = WORD
    stage.came_to()
    stage.bird.follows = False
    done = stage.came_to()
    assert not done.verified and "up_x4: 192.88.9.0/24 leaves with 0 prepended and not 2" in done.amiss


def test_a_configuration_of_an_earlier_release_shifts_nothing_and_steers_all_the_same(
    stage: Shifting,
) -> None:
    stage.bird.shifts = None
    assert stage.came_to().verified, "nothing is to be shifted"
    stage.word = WORD
    stage.commit("withdraw")
    done = stage.came_to()
    assert (done.step, done.verified) == ("withdraw", False)
    assert "deliver the files of this release" in done.amiss
    assert stage.heard() == {"up_x4": {}, "up_x6": {}}


def test_a_file_of_somebody_else_is_replaced(stage: Shifting) -> None:
    (stage.folder / "shift.conf").write_text("define SHIFT = 1;\n")
    assert stage.came_to().verified and stage.shifted() == ShiftFile()


def test_a_ramp_stands_before_every_upstream_and_ends_with_its_step(stage: Shifting) -> None:
    stage.word = WORD
    committed, permits = (
        Committed("a", "withdraw", "ann", "", 1.0, "p0"),
        (PermitRef("p1", "undrain-site", "a", 9.0),),
    )
    stage.orders = Orders(committed, Doing("a", "serve", "p1", 8, 9.0, prepend=3), permits, stage.now)
    done = stage.came_to()
    assert (done.step, done.token, done.verified) == ("serve", 8, True)
    assert stage.shifted() == ShiftFile(3, FILE.upstreams) and stage.bird.calls == ["configure"], (
        "in one moment"
    )
    stage.restart()
    assert stage.saved() == stage.orders, "a successor knows of it"
    stage.orders = Orders(committed, None, (), stage.now)
    stage.word = WORD
    assert stage.came_to().step == "withdraw" and stage.shifted() == FILE


def test_what_a_successor_of_an_earlier_release_reads_has_no_ramp_in_it(stage: Shifting) -> None:
    stage.do("prefer")
    stage.came_to()
    assert "prepend" not in stage.memory.read_text()


def test_the_text_is_the_agents(stage: Shifting) -> None:
    stage.word = WORD
    stage.came_to()
    assert (stage.folder / "shift.conf").read_text() == text(FILE)
