"""Two Debians in one twin, etcd's next version under three members a registry, and every drill on the other release."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.twin.conftest import ROOT, eventually, run, twin
from tests.twin.drill_kit import hold, kept
from tests.twin.test_full_shop import NAMES
from trimtab.cli.session import TWIN
from trimtab.daemons.bird import features as bird
from trimtab.daemons.etcd import features as etcd
from trimtab.daemons.haproxy import features as haproxy
from trimtab.daemons.keepalived import features as keepalived
from trimtab.delivery import systems
from trimtab.drills.faults.other_system import etcd_systems, other_release
from trimtab.lab.client import Lab

pytestmark = [pytest.mark.twin, pytest.mark.alone, pytest.mark.full]
OTHER = other_release()
ASKED = {
    "haproxy": "haproxy -v",
    "keepalived": "keepalived -v",
    "bird": "bird --version",
    "etcd": "etcd --version",
}
SHOP = ROOT / "examples" / "shop" / "estate.yaml"


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[Lab]:
    """The shop, every host on the other release."""
    with twin("shop", system=[OTHER]) as lab:
        yield lab


@pytest.fixture(scope="module")
def registries(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """The shop with three registry members a site, on the older etcd."""
    path = tmp_path_factory.mktemp("estate") / "estate.yaml"
    path.write_text(re.sub(r"at_most: {[^}]*}", "at_most: {backend: 2, registry: 3}", SHOP.read_text()))
    first, _ = etcd_systems()
    with twin(path, system=[f"registry={first}"] if first else ()) as lab:
        yield lab


def test_both_releases_stand_side_by_side() -> None:
    """One of hk's proxies and the registries are the other Debian's: programs, libraries, Python; the others are this one's."""
    with twin("shop", system=[f"hk-proxy-1={OTHER}", f"registry={OTHER}"]) as lab:
        own, other = systems.own_platform(), systems.RELEASES[OTHER]
        assert own is not None
        for node, platform in (("hk-proxy-1", other), ("hk-proxy-2", own), ("sg-registry-1", other)):
            tables = (haproxy.BY_PLATFORM, keepalived.BY_PLATFORM, bird.BY_PLATFORM, etcd.BY_PLATFORM)
            for (name, command), table in zip(ASKED.items(), tables, strict=True):
                assert table[platform].version in run(lab, node, *command.split()), (node, name)
            assert run(lab, node, "cat", "/etc/debian_version").startswith(platform.removeprefix("debian-"))
            python = run(lab, node, "/usr/bin/python3", "--version")
            assert run(lab, node, "python", "-c", "import sys, trimtab; print(sys.version)").startswith(
                python.removeprefix("Python ").strip()
            )
        built = run(lab, "hk-proxy-1", "haproxy", "-vv")
        running = run(lab, "hk-proxy-1", "openssl", "version").split()[1]
        assert f"Running on OpenSSL version : OpenSSL {running}" in built
        # an operator's command, by the other release's Python, on the registry host
        asked = ["env", f"{TWIN}=1", "python", "-m", "trimtab", "status", "-e", str(SHOP)]
        assert eventually(lambda: "serving" in run(lab, "sg-registry-1", *asked), 60)


@pytest.mark.timeout(1800)
def test_etcd_goes_up_a_member_at_a_time_and_its_snapshot_is_the_way_back(registries: Lab) -> None:
    kept(hold(registries, "registry-version-upgrade", 3))


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", sorted(set(NAMES) - {"proxy-version-upgrade"}))
def test_every_drill_holds_on_the_other_release(elsewhere: Lab, name: str) -> None:
    kept(hold(elsewhere, name, 1))
