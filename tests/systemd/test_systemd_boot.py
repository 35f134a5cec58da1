"""A delivered host that boots: networks by systemd-networkd, then every rendered unit, with the kernel settings in place."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from ipaddress import ip_interface
from pathlib import Path

import pytest

from tests.systemd.conftest import HOSTS
from tests.systemd.host_kit import OnSystemd, before_its_boot, inventory_of
from tests.systemd.nspawn_kit import RELEASES, reboot
from trimtab.daemons.artifact import UNITS, Artifact
from trimtab.daemons.sysctl.config import CONFIG, MODULES
from trimtab.delivery.generations import FILES

pytestmark = [pytest.mark.daemon, pytest.mark.alone, pytest.mark.full]
CAME, WENT = "came.service", "went.service"
LOADER, SETTER = "systemd-modules-load.service", "systemd-sysctl.service"
# A container may not load modules, so it is not asked to. Here it is, whatever comes of it.
ASKED = "[Unit]\nConditionCapability=\n[Service]\nSuccessExitStatus=1\n"


def sleeper(name: str) -> Artifact:
    text = "[Service]\nExecStart=/bin/sleep infinity\n[Install]\nWantedBy=multi-user.target\n"
    return Artifact(f"{UNITS}{name}", text, take_up="daemon-reload", unit=name)


def delivered(host: OnSystemd) -> None:
    """Three times: one unit has come with the first set, whose folder is gone by now, and one has come and gone."""
    some = Artifact("/etc/trimtab/some", "thing\n")
    for more in ((sleeper(CAME), sleeper(WENT)), (sleeper(CAME),), (sleeper(CAME), some)):
        code, said = host.deliver((*host.artifacts, *more))
        assert code == 0, said


KINDS = ("edge", "nginx", "router")


def hosts(kinds: Sequence[str]) -> list[str]:
    return [f"{kind}-{release}" for release in RELEASES for kind in kinds]


def of(*kinds: str) -> pytest.MarkDecorator:
    """Hosts of these kinds alone."""
    return pytest.mark.parametrize("booted", hosts(kinds), indirect=True)


@pytest.fixture(scope="module", params=hosts(KINDS))
def booted(request: pytest.FixtureRequest) -> Iterator[OnSystemd]:
    """A host that got its files by a delivery, and was then booted."""
    kind, release = request.param.split("-")
    estate, name = HOSTS[kind]
    with before_its_boot(release, inventory_of(estate), name) as host:
        delivered(host)
        host.drop_in(LOADER, ASKED)
        reboot(host.machine)
        host.await_active()
        yield host


def test_every_unit_is_up_by_the_delivered_files_and_none_was_tried_twice(booted: OnSystemd) -> None:
    for unit in (*booted.units, CAME):
        path = f"{UNITS}{unit}"
        assert booted.machine.run("readlink", path).text == f"{FILES}/current{path}\n"
        assert booted.machine.show(unit, "ActiveState", "NRestarts", "FragmentPath", "NeedDaemonReload") == {
            "ActiveState": "active", "NRestarts": "0", "FragmentPath": path, "NeedDaemonReload": "no",
        }, f"{unit}\n{booted.machine.journal(unit)}"  # fmt: skip
    assert booted.machine.property(WENT, "LoadState") == "not-found"
    assert booted.machine.run("systemctl", "is-system-running").text == "running\n"


def test_addresses_and_routes_are_there(booted: OnSystemd) -> None:
    own = [str(ip_interface(address)) for leg in booted.node.legs for address in leg.addresses]
    keepalived = [line.split() for line in booted.file("/etc/keepalived/keepalived.conf").splitlines()]
    held = [words[0] for words in keepalived if words[1:2] == ["dev"]]
    assert own and held

    def there() -> bool:
        shown = booted.machine.run("ip", "-o", "address").text
        return all(f" {address} " in shown for address in own + held)

    booted.machine.until("every address is there", there, 60, "keepalived.service")
    for route in booted.node.routes:
        family = "-6" if route.startswith("-6 ") else "-4"
        assert (
            route.removeprefix("-6 ")
            in booted.machine.run("ip", family, "route", "show", "proto", "static").text
        )
    if "router" in booted.host.roles:
        shown = "ip route show proto bird; ip -6 route show proto bird"
        booted.machine.until("BIRD's routes are there", lambda: len(booted.machine.sh(shown).lines) > 5)


def test_kernel_settings_hold(booted: OnSystemd) -> None:
    """All that a container has of its own; those of the whole kernel (neighbour and connection tables) it cannot set."""
    held = {}
    for line in booted.file(CONFIG).splitlines()[1:]:
        key, _, value = line.removeprefix("-").partition(" = ")
        path = f"/proc/sys/{key.replace('.', '/')}"
        if booted.machine.run("test", "-w", path, fine=False).code == 0:
            held[key] = (value.split(), booted.machine.run("cat", path).text.split())
    assert {key: found for key, (wanted, found) in held.items() if found != wanted} == {}
    assert {"net.core.somaxconn", "net.ipv4.ip_local_port_range"} <= held.keys()
    if "proxy" in booted.host.roles:
        assert {"net.ipv4.ip_local_reserved_ports", "net.ipv6.ip_nonlocal_bind"} <= held.keys()


@of("router")
def test_a_router_forwards_on_every_interface(booted: OnSystemd) -> None:
    """networkd has settings of its own for each interface that it makes."""
    for leg in booted.node.legs:
        for family in ("ipv4", "ipv6"):
            path = f"/proc/sys/net/{family}/conf/{leg.interface}/forwarding"
            assert booted.machine.run("cat", path).text == "1\n", path


@of("edge", "nginx")  # only proxies have the limit
def test_the_connection_table_was_asked_for_before_its_limit_was_set(booted: OnSystemd) -> None:
    machine = booted.machine
    assert machine.run("readlink", MODULES).text == f"{FILES}/current{MODULES}\n"
    read = machine.run("systemd-analyze", "cat-config", f"modules-load.d/{Path(MODULES).name}").text
    assert "\nnf_conntrack\n" in read, read
    loaded = machine.property(LOADER, "ExecMainExitTimestampMonotonic")
    began = machine.property(SETTER, "ExecMainStartTimestampMonotonic")
    assert 0 < int(loaded) <= int(began)
    assert LOADER in machine.property(SETTER, "After").split()
