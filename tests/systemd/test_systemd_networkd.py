"""A real systemd-networkd that starts anew beside BIRD and keepalived: with the rendered file it leaves BIRD's routes alone,
without it they are away for one look of BIRD at the kernel; with `KeepConfiguration=yes` it leaves VIPs alone, without it
keepalived puts them back.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.systemd.host_kit import OnSystemd
from tests.systemd.network_kit import FOLDER, NETWORKD, as_on_a_host, network
from trimtab.daemons.networkd.config import CONFIG
from trimtab.estate.addressing import FAMILIES
from trimtab.lab.topology import Leg

pytestmark = [pytest.mark.daemon, pytest.mark.alone, pytest.mark.full]
MONITOR = "monitor.service"
FILE = f"{FOLDER}/10-front.network"


def routes(host: OnSystemd) -> set[str]:
    """BIRD's."""
    shown = host.machine.sh("ip route show proto bird; ip -6 route show proto bird").lines
    return {" ".join(line.split()) for line in shown}


def vips(host: OnSystemd) -> set[str]:
    """Those that the proxy has now."""
    every = {str(vip) for family in FAMILIES for vip in host.inventory.vips(family)}
    said = host.machine.run("ip", "-o", "address", "show", "dev", front_of(host).interface).lines
    return every & {line.split()[3].partition("/")[0] for line in said}


def front_of(host: OnSystemd) -> Leg:
    """The interface that has VIPs, or leads to those who have them."""
    front = host.host if "proxy" in host.host.roles else host.inventory.front(host.host.site)[0]
    return next(leg for leg in host.node.legs if leg.interface == front.vlan.interface)


@contextmanager
def configured(host: OnSystemd, *more: str, routes: tuple[str, ...] = ()) -> Iterator[None]:
    """networkd has the front network with the host's own addresses, as its operator's file says; `network` tells the rest."""
    host.await_active()
    as_on_a_host(host.machine)
    host.write(FILE, network(front_of(host), *more, routes=routes))
    try:
        yield
    finally:
        host.machine.run("systemctl", "stop", NETWORKD, "systemd-networkd.socket", fine=False)
        host.machine.run("systemctl", "restart", "keepalived.service")


@contextmanager
def without_the_file(host: OnSystemd) -> Iterator[None]:
    text = host.read(CONFIG)
    host.machine.run("rm", CONFIG)
    try:
        yield
    finally:
        host.write(CONFIG, text)


def restart(host: OnSystemd, what: str) -> list[str]:
    """networkd starts anew and is done with the front network. Gives the kernel's words on each `route` or `address` removed."""
    front = front_of(host).interface
    host.write("/run/monitor", "")
    host.machine.run(
        "systemd-run", f"--unit={MONITOR}", "--collect", "sh", "-c",
        f"exec stdbuf -oL ip monitor {what} >> /run/monitor",
    )  # fmt: skip
    host.machine.until("somebody listens", lambda: _told(host, "127.9.9.8"))
    host.machine.run("systemctl", "restart", NETWORKD)
    host.machine.until(
        "networkd has configured the front network",
        lambda: "(configured)" in host.machine.run("networkctl", "status", front, fine=False).text,
        told=NETWORKD,
    )
    host.machine.until("all is told", lambda: _told(host, "127.9.9.9"))
    host.machine.run("systemctl", "stop", MONITOR)
    return [line for line in host.read("/run/monitor").splitlines() if line.startswith("Deleted")]


def _told(host: OnSystemd, address: str) -> bool:
    """Whether the listener has heard of an address that came and went: of all before it, too."""
    host.machine.sh(f"ip address add {address}/32 dev lo; ip address del {address}/32 dev lo", fine=False)
    return address in host.read("/run/monitor")


def test_a_networkd_that_starts_leaves_birds_routes_alone(router: OnSystemd) -> None:
    with configured(router, "KeepConfiguration=static"):
        router.machine.until("BIRD has its routes", lambda: len(routes(router)) > 5)
        before = routes(router)
        assert not [line for line in restart(router, "route") if "proto bird" in line]
        assert routes(router) == before


def test_without_the_file_they_are_back_after_one_scan(router: OnSystemd) -> None:
    with configured(router, "KeepConfiguration=static"), without_the_file(router):
        router.machine.until("BIRD has its routes", lambda: len(routes(router)) > 5)
        before, scan = routes(router), router.inventory.estate.tiers.router.scan
        removed = [line for line in restart(router, "route") if "proto bird" in line]
        assert removed, "networkd removed nothing: the test above shows nothing"
        router.machine.until("they are back", lambda: before <= routes(router), 2 * scan + 1)


def test_the_operators_own_routes_are_set_all_the_same(router: OnSystemd) -> None:
    """A networkd that leaves others' routes alone does not know those that the kernel makes for its addresses, either."""
    v4, v6 = (next(a for a in front_of(router).addresses if (":" in a) == six) for six in (False, True))
    gateways = v4.rpartition(".")[0] + ".77", v6.partition("/")[0].rpartition(":")[0] + ":77"
    own = (f"10.250.0.0/16 via {gateways[0]}", f"-6 fdfa::/16 via {gateways[1]}")
    with configured(router, "KeepConfiguration=yes", routes=own):
        restart(router, "route")
        shown = router.machine.sh("ip route show proto static; ip -6 route show proto static").text
        assert all(route.removeprefix("-6 ") in shown for route in own)


def test_a_networkd_that_is_told_to_keep_leaves_vips_alone(haproxy: OnSystemd) -> None:
    with configured(haproxy, "KeepConfiguration=yes"):
        haproxy.machine.until("the proxy has the VIPs", lambda: bool(vips(haproxy)), 60)
        before = vips(haproxy)
        assert not [line for line in restart(haproxy, "address") if any(f" {vip}/" in line for vip in before)]
        assert vips(haproxy) == before


def test_one_that_is_not_told_removes_them_and_keepalived_puts_them_back(haproxy: OnSystemd) -> None:
    with configured(haproxy):
        haproxy.machine.until("the proxy has the VIPs", lambda: bool(vips(haproxy)), 60)
        before = vips(haproxy)
        removed = [line for line in restart(haproxy, "address") if any(f" {vip}/" in line for vip in before)]
        assert removed, "networkd removed none: the test above shows nothing"
        haproxy.machine.until("all VIPs are back", lambda: vips(haproxy) == before, 10, "keepalived.service")
