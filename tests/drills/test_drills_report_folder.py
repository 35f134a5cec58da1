"""Where reports are written, and how they are read back."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from drills_report_kit import out_for, report

from trimtab.drills.report import folder
from trimtab.drills.report.document import dumps
from trimtab.drills.report.folder import folder_names, load, prepare, write
from trimtab.errors import BadInput


def test_a_page_and_its_data_side_by_side(tmp_path: Path) -> None:
    prepare(tmp_path / "out" / "deep")
    found = report()
    page = write(tmp_path / "out" / "deep", "site-power-cut", found)
    assert page == tmp_path / "out/deep/site-power-cut/report.html"
    assert page.read_text().startswith("<!doctype html>")
    assert json.loads((page.parent / "report.json").read_text()) == json.loads(json.dumps(found))
    assert sorted(each.name for each in page.parent.iterdir()) == ["report.html", "report.json"]
    assert not (tmp_path / "out/deep/index.html").exists()


def test_the_second_scenario_brings_an_index(tmp_path: Path) -> None:
    write(tmp_path, "a", report())
    write(tmp_path, "b", {**report(), "scenario": "proxy-power-cut"})
    index = (tmp_path / "index.html").read_text()
    assert 'href="a/report.html"' in index
    assert 'href="b/report.html"' in index


def test_a_report_that_cannot_be_read_does_not_spoil_the_index(tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    (tmp_path / "old/report.json").write_text("{}")
    write(tmp_path, "a", report())
    assert not (tmp_path / "index.html").exists()


def test_a_failure_leaves_the_former_page_and_no_draft(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = write(tmp_path, "a", report())
    before = page.read_text()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="No space"):
        write(tmp_path, "a", report(out_for(0.1)))
    assert page.read_text() == before
    assert sorted(each.name for each in page.parent.iterdir()) == ["report.html", "report.json"]


def test_a_folder_that_cannot_be_written_is_bad_input(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInput, match="no report can be written"):
        prepare(tmp_path / "file" / "out")
    with pytest.raises(BadInput, match="no report can be written"):
        prepare(tmp_path / "file")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_the_right_is_bad_input(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(BadInput, match="Permission denied"):
        prepare(tmp_path)


def test_names_are_folders_of_their_own() -> None:
    assert folder_names(["a", "b", "a", "a"]) == ["a", "b", "a-2", "a-3"]
    assert folder_names(["../../etc", "a b/c", "..", "a-2", "a-2"]) == [
        "etc", "a-b-c", "scenario", "a-2", "a-2-2",
    ]  # fmt: skip


def test_load_takes_a_file_a_scenario_and_a_whole_set(tmp_path: Path) -> None:
    for name in ("b", "a"):
        write(tmp_path, name, {**report(), "scenario": name})
    assert [one["scenario"] for one in load(tmp_path)] == ["a", "b"]
    assert [one["scenario"] for one in load(tmp_path / "a")] == ["a"]
    assert [one["scenario"] for one in load(tmp_path / "b/report.json")] == ["b"]


@pytest.mark.parametrize(
    ("content", "says"),
    [(None, "No such file"), ("{", "no JSON"), ("[]", "no report"), ('{"scenario": "x"}', "no report")],
)
def test_what_is_no_report_is_bad_input(tmp_path: Path, content: str | None, says: str) -> None:
    path = tmp_path / "report.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(BadInput, match=says):
        load(path)


def test_an_empty_directory_and_another_format_are_bad_input(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="has no report"):
        load(tmp_path)
    (tmp_path / "report.json").write_text(json.dumps({**report(), "format": 2}))
    with pytest.raises(BadInput, match="has format 2, this version reads 1"):
        load(tmp_path)


def test_columns_stay_on_one_line() -> None:
    value = {"runs": [{"sent": [1, 2, None], "says": "ü"}], "empty": {}, "none": []}
    assert json.loads(dumps(value)) == value
    assert '"sent": [1, 2, null],' in dumps(value)
    assert folder.PAGE == "report.html"
