"""A real systemd-networkd that starts anew on a router: with the rendered file it leaves BIRD's routes alone, without it they
are away for one look of BIRD at the kernel. And what has to be there at boot is in the order in which systemd reads it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.systemd.host_kit import OnSystemd
from trimtab.estate.addressing import FAMILIES
from trimtab.render.networkd import CONFIG
from trimtab.render.sysctl import MODULES

pytestmark = [pytest.mark.daemon, pytest.mark.alone, pytest.mark.full]
NETWORKD, MONITOR = "systemd-networkd.service", "monitor.service"


def routes(host: OnSystemd) -> set[str]:
    return {
        " ".join(line.split())
        for line in host.machine.sh("ip route show proto bird; ip -6 route show proto bird").lines
    }


def front_of(host: OnSystemd) -> str:
    """The interface that has VIPs, or leads to those who have them."""
    if "proxy" in host.host.roles:
        return host.host.vlan.interface
    return host.inventory.front(host.host.site)[0].vlan.interface


@contextmanager
def configured(host: OnSystemd, keep: str) -> Iterator[str]:
    """networkd has the front network, as an administrator's file says; gives the interface. The addresses that are there are
    the network's own: systemd 252 cannot set any on newer kernels. keep: KeepConfiguration=.
    """
    front = front_of(host)
    lines = ["[Match]", f"Name={front}", "[Network]", "LinkLocalAddressing=ipv6", "IPv6AcceptRA=no"]
    lines.append(f"KeepConfiguration={keep}")
    host.write("/etc/systemd/network/10-front.network", "\n".join(lines) + "\n")
    try:
        yield front
    finally:
        host.machine.run("systemctl", "stop", NETWORKD, "systemd-networkd.socket", fine=False)


def restart(host: OnSystemd, front: str, what: str = "route") -> list[str]:
    """networkd starts; what of others' it removes, as the kernel tells it: `route`s of BIRD, or any `address`."""
    host.machine.run(
        "systemd-run", f"--unit={MONITOR}", "--collect", "sh", "-c",
        f"echo begun > /run/monitor; exec ip monitor {what} >> /run/monitor",
    )  # fmt: skip
    host.machine.until("somebody listens", lambda: "begun" in host.read("/run/monitor"))
    host.machine.run("systemctl", "restart", NETWORKD)
    host.machine.until(
        "networkd has configured the front network",
        lambda: "(configured)" in host.machine.run("networkctl", "status", front, fine=False).text,
        told=NETWORKD,
    )
    host.machine.run("systemctl", "stop", MONITOR)
    deleted = [line for line in host.read("/run/monitor").splitlines() if line.startswith("Deleted")]
    return [line for line in deleted if what == "address" or "proto bird" in line]


def test_a_networkd_that_starts_leaves_birds_routes_alone(router: OnSystemd) -> None:
    router.await_active()
    with configured(router, "static") as front:
        router.machine.until("BIRD has its routes", lambda: len(routes(router)) > 5)
        before = routes(router)
        assert restart(router, front) == []
        assert routes(router) == before


def test_without_the_file_they_are_back_after_one_scan(router: OnSystemd) -> None:
    router.await_active()
    text = router.read(CONFIG)
    with configured(router, "static") as front:
        before = routes(router)
        router.machine.run("rm", CONFIG)
        try:
            assert restart(router, front), "networkd removed nothing: the test above shows nothing"
            router.machine.until(
                "they are back",
                lambda: before <= routes(router),
                2 * router.inventory.estate.tiers.router.scan + 1,
            )
        finally:
            router.write(CONFIG, text)


def vips(host: OnSystemd) -> set[str]:
    """Those that the proxy has now."""
    every = {str(vip) for family in FAMILIES for vip in host.inventory.vips(family)}
    said = host.machine.run("ip", "-o", "address", "show", "dev", front_of(host)).lines
    return every & {line.split()[3].partition("/")[0] for line in said}


def test_a_networkd_that_is_told_to_keep_leaves_vips_alone(haproxy: OnSystemd) -> None:
    haproxy.await_active()
    haproxy.machine.until("the proxy has the VIPs", lambda: bool(vips(haproxy)), 60)
    before = vips(haproxy)
    with configured(haproxy, "yes") as front:
        removed = [line for line in restart(haproxy, front, "address") if any(vip in line for vip in before)]
    assert removed == []
    assert vips(haproxy) == before


def test_the_connection_table_is_there_before_its_limit_is_set(haproxy: OnSystemd) -> None:
    """A container may not load modules, so systemd is asked what it would do at a boot."""
    read = haproxy.machine.run("systemd-analyze", "cat-config", "modules-load.d").text
    assert f"# {MODULES}\n" in read
    assert "\nnf_conntrack\n" in read[read.index(MODULES) :]
    after = haproxy.machine.property("systemd-sysctl.service", "After")
    assert "systemd-modules-load.service" in after.split()
