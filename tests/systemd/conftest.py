"""Hosts on a real systemd, each started once a release for all tests of a file."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.systemd.host_kit import OnSystemd, inventory_of, on_systemd
from tests.systemd.nspawn_kit import RELEASES, require

EDGE = """\
estate: mixed
zone: mixed.example
groups:
  edge: {id: 9, roles: [proxy, registry]}
sites:
  one:
    id: 1
    at: [22.3, 114.2]
    asn: 65010
    hosts: {router: 1, edge: 1, backend: 2}
    upstreams:
      isp: {asn: 64500, peer: [198.51.100.1, 2001:db8:ff01::1]}
edge:
  anycast: {prefixes: [203.0.113.0/24, 2001:db8:113::/48]}
tiers:
  proxy: {engine: haproxy, maxconn: 4000}
services:
  www:
    names: [www.mixed.example]
    address: anycast
    routes: [{pool: web}]
pools:
  web: {hosts: backend, port: 8080, check: {get: /health}}
"""


@pytest.fixture(scope="session", autouse=True)
def able() -> None:
    require()


HOSTS = {
    "haproxy": ("shop", "hk-proxy-1"),
    "nginx": ("enterprise", "east-proxy-1"),
    "router": ("enterprise", "east-router-1"),
    "registry": ("enterprise", "east-registry-1"),
    "edge": (EDGE, "one-edge-1"),  # a proxy that is the site's registry too: what its agent follows is there
}


def host_of(kind: str) -> Iterator[OnSystemd]:
    """kind: as `haproxy-trixie`."""
    kind, release = kind.split("-")
    estate, name = HOSTS[kind]
    with on_systemd(release, inventory_of(estate), name) as host:
        yield host


@pytest.fixture(scope="module", params=[f"haproxy-{release}" for release in RELEASES])
def haproxy(request: pytest.FixtureRequest) -> Iterator[OnSystemd]:
    yield from host_of(request.param)


@pytest.fixture(scope="module", params=[f"nginx-{release}" for release in RELEASES])
def nginx(request: pytest.FixtureRequest) -> Iterator[OnSystemd]:
    yield from host_of(request.param)


@pytest.fixture(scope="module", params=[f"router-{release}" for release in RELEASES])
def router(request: pytest.FixtureRequest) -> Iterator[OnSystemd]:
    yield from host_of(request.param)


@pytest.fixture(scope="module", params=[f"edge-{release}" for release in RELEASES])
def edge(request: pytest.FixtureRequest) -> Iterator[OnSystemd]:
    yield from host_of(request.param)


@pytest.fixture(
    scope="module",
    params=[
        f"{kind}-{release}" for release in RELEASES for kind in ("haproxy", "nginx", "router", "registry")
    ],
)
def host(request: pytest.FixtureRequest) -> Iterator[OnSystemd]:
    yield from host_of(request.param)
