"""Each `bad/NAME.yaml` has its faults beside it in `bad/NAME.faults`: all of them at once, with file and line."""

from __future__ import annotations

from pathlib import Path

import pytest

from trimtab.estate import plan_faults
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


def test_no_fault_shows_a_secret() -> None:
    with pytest.raises(BadEstate) as caught:
        read_estate((BAD / "secrets-where-none-belong.yaml").read_text())
    assert len(caught.value.faults) >= 6 and "hunter2" not in str(caught.value)


def test_far_too_many_hosts_are_never_expanded(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("the hosts were expanded")

    for name in ("Inventory", "host_numbers"):
        monkeypatch.setattr(plan_faults, name, refuse)
    text = (BAD / "too-many-hosts.yaml").read_text().replace("backend: 300", "backend: 9999999999")
    with pytest.raises(BadEstate, match="9999999999 hosts in a group, the limit is 240"):
        read_estate(text)
