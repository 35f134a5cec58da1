"""Each `bad/NAME.yaml` has its faults beside it in `bad/NAME.faults`: all of them at once, with file and line."""

from __future__ import annotations

from pathlib import Path

import pytest

from trimtab.estate.fault import BadEstate
from trimtab.estate.load import load_estate, read_estate

BAD = Path(__file__).parent / "bad"


@pytest.mark.parametrize("path", sorted(BAD.glob("*.yaml")), ids=lambda p: p.stem)
def test_every_fault_is_told_with_its_line(path: Path, request: pytest.FixtureRequest) -> None:
    with pytest.raises(BadEstate) as caught:
        read_estate(path.read_text(), path.name)
    told = "".join(f"{fault}\n" for fault in caught.value.faults)
    assert told == path.with_suffix(".faults").read_text()


def test_every_bad_file_has_its_faults() -> None:
    assert {p.stem for p in BAD.glob("*.yaml")} == {p.stem for p in BAD.glob("*.faults")}
    assert len(list(BAD.glob("*.yaml"))) >= 10


def test_a_missing_file_is_a_fault_with_a_way_out(tmp_path: Path) -> None:
    with pytest.raises(BadEstate, match="no such file") as caught:
        load_estate(tmp_path / "none.yaml")
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    "content", [b"\xff\xfe\x00", b"a: \x01", b"[" * 5000, b"- a\n- b\n", b"", b"---\na: b\n---\nc: d\n"]
)
def test_rubbish_is_bad_input_never_a_crash(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "rubbish.yaml"
    path.write_bytes(content)
    with pytest.raises(BadEstate):
        load_estate(path)
