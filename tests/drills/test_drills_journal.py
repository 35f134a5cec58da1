"""A drill may be killed at any line: what it broke is written down before, and the next one mends it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from drills_paper_kit import PROCEDURES, PaperTwin, scene

from trimtab.drills.faults import FAULTS
from trimtab.drills.faults.base import Aim
from trimtab.drills.journal import Journal
from trimtab.drills.play import begin_whole
from trimtab.errors import TrimtabError, TwinFailed


def aim(twin: PaperTwin, kind: str, of: str) -> Aim:
    return FAULTS[kind].aim(twin, scene(), {"site": "hk"}, of)


def strike(twin: PaperTwin, kind: str, of: str) -> None:
    Journal(twin).strike(kind, aim(twin, kind, of))


def written(twin: PaperTwin) -> list[str]:
    path = twin.scratch / "struck.jsonl"
    return [json.loads(line)["kind"] for line in path.read_text().splitlines()] if path.exists() else []


@pytest.mark.parametrize(
    ("kind", "of"),
    [(kind.kind, of) for kind in FAULTS.values() for of in kind.targets if kind.kind not in PROCEDURES],
)
def test_the_next_drill_mends_what_a_killed_one_left(tmp_path: Path, kind: str, of: str) -> None:
    twin = PaperTwin(tmp_path)
    strike(twin, kind, of)
    begin_whole(twin)
    assert twin.broken() == {}
    assert written(twin) == []


class KilledBefore(PaperTwin):
    """The drill ends between what it writes and what it does."""

    def power_cut(self, nodes: Sequence[str]) -> float:
        raise KeyboardInterrupt


class KilledAfter(PaperTwin):
    """The drill ends when the power is gone, before it knows."""

    def power_cut(self, nodes: Sequence[str]) -> float:
        super().power_cut(nodes)
        raise KeyboardInterrupt


@pytest.mark.parametrize("twin_class", [KilledBefore, KilledAfter])
def test_it_is_written_down_before_it_is_done(tmp_path: Path, twin_class: type[PaperTwin]) -> None:
    twin = twin_class(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        strike(twin, "power-cut", "backend")
    assert written(twin) == ["power-cut"]
    Journal(twin).restore()
    assert (twin.broken(), written(twin)) == ({}, [])


class OneAfterTheOther(PaperTwin):
    """Cables can be mended only once everybody has power again."""

    def mend_cables(self, segments: Sequence[str]) -> None:
        assert not self.dark
        super().mend_cables(segments)


def test_the_latest_is_undone_first(tmp_path: Path) -> None:
    twin = OneAfterTheOther(tmp_path)
    strike(twin, "cable-cut", "replica-links")
    strike(twin, "power-cut", "backend")
    assert written(twin) == ["cable-cut", "power-cut"]
    Journal(twin).restore()
    assert (twin.broken(), written(twin)) == ({}, [])


class StaysDark(PaperTwin):
    """Power does not come back until somebody has looked after it."""

    looked_after = False

    def power_on(self, nodes: Sequence[str]) -> None:
        if not self.looked_after:
            raise TwinFailed("hk-backend-1 does not boot")
        super().power_on(nodes)


def test_what_cannot_be_undone_stays_written_down(tmp_path: Path) -> None:
    twin = StaysDark(tmp_path)
    strike(twin, "power-cut", "backend")
    strike(twin, "hang", "vip-holder")
    with pytest.raises(TwinFailed, match="does not boot"):
        Journal(twin).restore()
    assert written(twin) == ["power-cut"]
    assert twin.broken() == {"dark": {"hk-backend-1"}}
    twin.looked_after = True
    Journal(twin).restore()
    assert (twin.broken(), written(twin)) == ({}, [])


def test_an_aim_survives_the_file(tmp_path: Path) -> None:
    twin = PaperTwin(tmp_path)
    for kind, of in (("cable-cut", "site-links"), ("session-drop", "upstream"), ("bad-reload", "vip-holder")):
        wanted = aim(twin, kind, of)
        Journal(twin).strike(kind, wanted)
        assert Journal(twin)._read()[-1] == (kind, wanted)


def test_a_draft_that_was_never_finished_is_not_believed(tmp_path: Path) -> None:
    twin = PaperTwin(tmp_path)
    strike(twin, "power-cut", "backend")
    (tmp_path / "struck.draft").write_text('{"kind": "power-')
    strike(twin, "hang", "vip-holder")
    assert written(twin) == ["power-cut", "hang"]
    (tmp_path / "struck.draft").write_text('{"kind": "power-')
    Journal(twin).restore()
    assert (twin.broken(), written(twin)) == ({}, [])


def test_leftovers_of_another_version_are_told_and_kept(tmp_path: Path) -> None:
    """Whoever wrote them knows how to undo them; to go on as if they were not there would measure a broken twin."""
    twin = PaperTwin(tmp_path)
    entry = {"kind": "meteorite", "aim": {"site": "hk", "nodes": [], "unit": "", "says": "hk is flooded"}}
    (tmp_path / "struck.jsonl").write_text(json.dumps(entry) + "\n")
    with pytest.raises(TrimtabError, match="meteorite"):
        begin_whole(twin)
    assert written(twin) == ["meteorite"]


def test_what_others_have_repaired_is_forgotten(tmp_path: Path) -> None:
    twin = PaperTwin(tmp_path)
    strike(twin, "process-kill", "backend")
    for _ in range(2):
        Journal(twin).forget()
        assert written(twin) == []


def test_a_twin_that_was_never_struck_has_nothing_to_undo(tmp_path: Path) -> None:
    Journal(PaperTwin(tmp_path)).restore()
    assert list(tmp_path.iterdir()) == []
