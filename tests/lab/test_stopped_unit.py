"""A unit that was stopped by a signal (SIGSTOP) can be cut, and can be gone on with."""

from __future__ import annotations

import pytest
from tests.twin.conftest import eventually, run, twin

pytestmark = pytest.mark.twin


@pytest.mark.timeout(60)
def test_a_stopped_unit_dies_with_its_node_and_wakes_with_sigcont() -> None:
    with twin("enterprise") as lab:
        lab.kill("east-web-1", "storefront.service", "STOP")
        lab.power_cut(["east-web-1"])
        lab.power_on(["east-web-1"])
        lab.kill("east-web-2", "storefront.service", "STOP")
        lab.kill("east-web-2", "storefront.service", "CONT")
        lab.unit("east-web-2", "storefront.service", "restart")
        answer = ("curl", "-s", "-m", "1", "http://127.0.0.1:8080/health")
        assert eventually(lambda: all("ok" in run(lab, n, *answer) for n in ("east-web-1", "east-web-2")), 20)
