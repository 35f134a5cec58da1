from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from drills_kit import Pki, TlsShop, make_pki, tls_shop

from trimtab.delivery import releases
from trimtab.drills.faults import other_system


@pytest.fixture(autouse=True)
def another_system(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """On paper every machine has another Debian beside its own, and the release before."""
    if "twin" not in request.keywords:
        folder = tmp_path_factory.mktemp("older")
        (folder / "bin").mkdir()
        (folder / "bin/trimtab-agent").touch()
        monkeypatch.setattr(releases, "folder", lambda: folder)
        monkeypatch.setattr(other_system.system, "require", lambda release, programs: Path("/", release))


@pytest.fixture
def pki(tmp_path: Path) -> Pki:
    return make_pki(tmp_path)


@pytest.fixture
def shop(pki: Pki) -> Iterator[TlsShop]:
    with tls_shop(pki) as found:
        yield found
