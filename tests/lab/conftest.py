"""Real twins for the tests of a module, in a state folder of their own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from lab_kit import small_topology

from trimtab.lab.client import Lab, start


@pytest.fixture(scope="module")
def twins(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder for the state of this module's twins; at the end it must be empty again."""
    folder = tmp_path_factory.mktemp("twins")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TRIMTAB_STATE", str(folder))
        yield folder
    assert list(folder.iterdir()) == []


@pytest.fixture(scope="module")
def lab(twins: Path) -> Iterator[Lab]:
    """One small twin for the tests of a module; each leaves it ready."""
    twin = start(small_topology("small"), timeout=30)
    yield twin
    twin.down()
