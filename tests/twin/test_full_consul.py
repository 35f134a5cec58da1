"""Registries that are Consul: real servers in the twin, all of them lost at once, three times over."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.twin.conftest import ROOT, eventually, run, twin
from tests.twin.drill_kit import hold, kept
from trimtab.daemons import pki
from trimtab.lab.client import Lab

pytestmark = [pytest.mark.twin, pytest.mark.alone, pytest.mark.full]
SOURCE = Path(__file__).parent / "estates" / "consul.yaml"


@pytest.fixture(scope="module")
def pair() -> Iterator[Lab]:
    brought = subprocess.run([ROOT / "scripts" / "consul"], capture_output=True, text=True)
    if brought.returncode:
        pytest.fail(f"no Consul here, and scripts/consul cannot bring one: {brought.stderr.strip()}")
    with twin(SOURCE) as lab:
        yield lab


def catalogue(lab: Lab, site: str) -> dict[str, int]:
    """What a site's Consul itself says: member → weight."""
    trust = f"--cacert {pki.CA} --cert {pki.CERTIFICATE} --key {pki.KEY}"
    token = f'-H "X-Consul-Token: $(cat {pki.PASSWORD})"'
    url = "https://127.0.0.1:8501/v1/catalog/node/trimtab-consul-pair"
    said: Any = json.loads(run(lab, f"{site}-registry-2", "sh", "-c", f"curl -sS {trust} {token} {url}"))
    return {name: each["Weights"]["Passing"] for name, each in said["Services"].items()}


def told(lab: Lab, host: str) -> int:
    """The weight that a host's file registers."""
    file: Any = json.loads(run(lab, host, "cat", "/etc/trimtab/register.d/api.json"))
    return int(file.get("weight", 100))


def test_members_are_services_of_the_site_s_own_consul(pair: Lab) -> None:
    for site in ("hk", "sg"):
        assert catalogue(pair, site) == {f"api/{site}-backend-{n}": 100 for n in (1, 2)}


def test_nobody_without_a_certificate_or_a_token_is_served(pair: Lab) -> None:
    url = "https://127.0.0.1:8501/v1/kv/trimtab/?recurse"
    trust = ["--cacert", pki.CA]
    status = ["-o", "/dev/null", "-w", "%{http_code}"]
    assert run(pair, "hk-registry-1", "curl", "-s", *status, *trust, url) == "000"  # no answer at all
    known = ["--cert", pki.CERTIFICATE, "--key", pki.KEY]
    assert (
        run(pair, "hk-registry-1", "curl", "-s", *status, *trust, *known, url) == "404"
    )  # nothing to be seen


@pytest.mark.timeout(900)
def test_the_loss_of_all_of_it_is_not_noticed_and_what_changed_meanwhile_arrives(pair: Lab) -> None:
    result = hold(pair, "registry-total-loss", 3)
    kept(result)
    for each in result.runs:
        (members,) = (verdict for verdict in each.verdicts if verdict.checker == "members")
        assert members.value == "true"
    for site in ("hk", "sg"):  # one of them was told another weight while there was no Consul to tell it to
        wanted = {f"api/{site}-backend-{n}": told(pair, f"{site}-backend-{n}") for n in (1, 2)}
        assert eventually(lambda: catalogue(pair, site) == wanted), (wanted, catalogue(pair, site))  # noqa: B023
