"""A twin with every kind of link, against FRR and a route server by arouteserver: what each hears, and which way clients come."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.twin.conftest import run, twin
from trimtab.cli.routes import _around, collect
from trimtab.daemons.frr import wire as frr
from trimtab.drills.probes import route
from trimtab.drills.scene import read_scene
from trimtab.lab.client import Lab

pytestmark = [pytest.mark.twin, pytest.mark.alone, pytest.mark.timeout(180)]
ESTATE = Path(__file__).parent / "estates" / "peerings.yaml"


@pytest.fixture(scope="module")
def peerings() -> Iterator[Lab]:
    with twin(ESTATE) as lab:
        yield lab


def test_every_upstream_hears_the_site(peerings: Lab) -> None:
    """Ready has meant already that sessions and BFD are up and clients are served."""
    heard = route.look(peerings, read_scene(peerings.status()["facts"]), "ams")
    assert set(heard["203.0.113.0/24"]) == {"bilateral", "far", "ix-rs1", "ix-rs2", "transit"}
    assert all(since for by in heard.values() for since in by.values()), heard
    assert frr.paths(run(peerings, "as64503", *frr.show_route("203.0.113.0/24"))), "IPv4 in the IPv6 session"


def test_clients_come_over_the_exchange_and_are_answered_over_it(peerings: Lab) -> None:
    """The member has our route of the route servers with our own address as its next hop, and we have its clients' alike."""
    (region,) = read_scene(peerings.status()["facts"]).regions.values()
    assert region.transits[0] == "as420000"
    best = [
        path
        for path in frr.paths(run(peerings, "as420000", *frr.show_route("203.0.113.0/24")))
        if path.get("bestpath", {}).get("overall")
    ]
    assert [hop["ip"] for path in best for hop in path["nexthops"]] == ["198.51.100.77"]
    back = run(peerings, "ams-router-1", "ip", "-j", "route", "get", region.sources["4"][0])
    assert json.loads(back)[0]["dev"] == "up0", back


def test_what_the_answer_about_routes_says(peerings: Lab) -> None:
    asked = _around(ESTATE, True, peerings.name)
    found = collect(asked.inventory, asked.routers(), asked.others, asked.birds, asked.says)
    (router,) = found.routers
    assert not found.silent
    assert all(session.up for session in router.sessions)
    assert {told.prefix for session in router.sessions for told in session.told} == {
        "203.0.113.0/24",
        "2001:db8:100::/48",
    }
