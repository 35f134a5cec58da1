from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from drills_kit import Pki, TlsShop, make_pki, tls_shop


@pytest.fixture
def pki(tmp_path: Path) -> Pki:
    return make_pki(tmp_path)


@pytest.fixture
def shop(pki: Pki) -> Iterator[TlsShop]:
    with tls_shop(pki) as found:
        yield found
