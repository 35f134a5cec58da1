"""Whatever the loader takes is taken by the daemons: odd estates, on both engines and both releases, with real validators."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import pytest

from tests.delivery.odd_estates import odd_estate
from trimtab.daemons.load import load_estate
from trimtab.delivery.build import build
from trimtab.estate.fault import BadEstate

CASES = [
    (engine, platform, seed)
    for engine, platform in product(("haproxy", "nginx"), ("debian-12", "debian-13"))
    for seed in range(8)
]


@pytest.mark.full
@pytest.mark.daemon
@pytest.mark.parametrize(("engine", "platform", "seed"), CASES)
def test_what_is_an_estate_builds(tmp_path: Path, engine: str, platform: str, seed: int) -> None:
    path = tmp_path / "estate.yaml"
    path.write_text(odd_estate(seed, engine, platform))
    assert build(load_estate(path), tmp_path / "out").validated


def test_the_odd_estates_are_estates(tmp_path: Path) -> None:
    """Otherwise the test above tries nothing."""
    path = tmp_path / "estate.yaml"
    for engine, platform, seed in CASES:
        path.write_text(odd_estate(seed, engine, platform))
        try:
            load_estate(path)
        except BadEstate as error:
            pytest.fail(f"{engine} {platform} {seed}: {error}")
