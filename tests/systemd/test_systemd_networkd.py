"""A real systemd-networkd that starts anew on a router: with the rendered file it leaves BIRD's routes alone, without it they
are away for one look of BIRD at the kernel. And what has to be there at boot is in the order in which systemd reads it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.systemd.host_kit import OnSystemd
from trimtab.render.networkd import CONFIG
from trimtab.render.sysctl import MODULES

pytestmark = [pytest.mark.daemon, pytest.mark.full]
NETWORKD, MONITOR = "systemd-networkd.service", "monitor.service"


def routes(host: OnSystemd) -> set[str]:
    return {
        " ".join(line.split())
        for line in host.machine.sh("ip route show proto bird; ip -6 route show proto bird").lines
    }


@contextmanager
def configured(host: OnSystemd) -> Iterator[str]:
    """networkd has the front network, as an administrator's file says; gives the interface."""
    bird = host.file("/etc/bird/bird.conf")
    front = next(
        line.split('"')[1]
        for line in bird.splitlines()
        if line.strip().startswith("route ") and " via " in line
    )
    addresses = host.machine.sh(f"ip -o address show dev {front} scope global | awk '{{print $4}}'").lines
    lines = [f"[Match]\nName={front}\n[Network]\nLinkLocalAddressing=ipv6\nIPv6AcceptRA=no"]
    host.write(
        "/etc/systemd/network/10-front.network",
        "\n".join([*lines, *(f"Address={each}" for each in addresses)]) + "\n",
    )
    try:
        yield front
    finally:
        host.machine.run("systemctl", "stop", NETWORKD, "systemd-networkd.socket", fine=False)


def restart(host: OnSystemd, front: str) -> list[str]:
    """networkd starts; what of BIRD's it removes, as the kernel tells it."""
    host.machine.run(
        "systemd-run", f"--unit={MONITOR}", "--collect", "sh", "-c", "echo begun > /run/monitor; exec ip monitor route >> /run/monitor"
    )  # fmt: skip
    host.machine.until("somebody listens", lambda: "begun" in host.read("/run/monitor"))
    host.machine.run("systemctl", "restart", NETWORKD)
    host.machine.until(
        "networkd has configured the front network",
        lambda: "(configured)" in host.machine.run("networkctl", "status", front, fine=False).text,
        told=NETWORKD,
    )
    host.machine.run("systemctl", "stop", MONITOR)
    said = host.read("/run/monitor").splitlines()
    return [line for line in said if line.startswith("Deleted") and "proto bird" in line]


def test_a_networkd_that_starts_leaves_birds_routes_alone(router: OnSystemd) -> None:
    router.await_active()
    with configured(router) as front:
        router.machine.until("BIRD has its routes", lambda: len(routes(router)) > 5)
        before = routes(router)
        assert restart(router, front) == []
        assert routes(router) == before


def test_without_the_file_they_are_back_after_one_scan(router: OnSystemd) -> None:
    router.await_active()
    text = router.read(CONFIG)
    with configured(router) as front:
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


def test_the_connection_table_is_there_before_its_limit_is_set(haproxy: OnSystemd) -> None:
    """A container may not load modules, so systemd is asked what it would do at a boot."""
    read = haproxy.machine.run("systemd-analyze", "cat-config", "modules-load.d").text
    assert f"# {MODULES}\n" in read
    assert "\nnf_conntrack\n" in read[read.index(MODULES) :]
    after = haproxy.machine.property("systemd-sysctl.service", "After")
    assert "systemd-modules-load.service" in after.split()
