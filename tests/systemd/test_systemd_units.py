"""The rendered units on a real systemd: active, ours and not the package's, with the rights that they state."""

from __future__ import annotations

import re

import pytest

from tests.systemd.host_kit import OnSystemd
from tests.systemd.nspawn_kit import may_raise_limits

pytestmark = [pytest.mark.daemon, pytest.mark.alone, pytest.mark.full]
PACKAGED = {"bird.service", "haproxy.service", "nginx.service", "keepalived.service"}
CAPABILITIES = {"CAP_NET_BIND_SERVICE": 10, "CAP_NET_ADMIN": 12, "CAP_NET_RAW": 13}
OTHER_USERS = {
    "nginx: worker": "www-data"
}  # by how a process calls itself; all others are as their unit says


def said(host: OnSystemd, unit: str, key: str) -> str:
    """What the rendered unit says, "" for nothing."""
    found = re.findall(rf"(?m)^{key}=(.*)$", host.file(f"/etc/systemd/system/{unit}"))
    return str(found[-1]) if found else ""


def processes(host: OnSystemd, unit: str) -> list[dict[str, str]]:
    """Of each process of a unit: `Title`, `User`, `Nice`, `Files` (its limits, soft and hard), and /proc's status."""
    group = host.machine.property(unit, "ControlGroup")
    pids = host.machine.run("cat", f"/sys/fs/cgroup{group}/cgroup.procs").text.split()
    found = []
    for pid in pids:
        text = host.machine.sh(
            f"cat /proc/{pid}/status; echo Title: $(tr '\\0' ' ' < /proc/{pid}/cmdline); "
            f"echo User: $(stat -c %U /proc/{pid}); echo Nice: $(ps -o ni= -p {pid}); "
            f"echo Files: $(sed -n 's/^Max open files *//p' /proc/{pid}/limits)",
            fine=False,
        ).text
        if "Files:" in text and "CapEff:" in text:
            found.append({k: v.strip() for k, _, v in (line.partition(":") for line in text.splitlines())})
    return found


def test_every_unit_is_active_and_was_never_restarted(host: OnSystemd) -> None:
    host.await_active()
    assert len(host.units) >= 3
    for unit in host.units:
        assert host.machine.show(unit, "ActiveState", "SubState", "NRestarts", "UnitFileState") == {
            "ActiveState": "active",
            "SubState": "running",
            "NRestarts": "0",
            "UnitFileState": "enabled",
        }, unit
    assert host.machine.run("systemctl", "is-system-running").text == "running\n"


def test_the_packages_own_unit_of_the_same_name_is_hidden_as_a_whole(host: OnSystemd) -> None:
    for unit in host.units:
        shown = host.machine.show(unit, "FragmentPath", "DropInPaths", "NeedDaemonReload")
        assert shown == {
            "FragmentPath": f"/etc/systemd/system/{unit}",
            "DropInPaths": "",
            "NeedDaemonReload": "no",
        }
        packaged = (host.machine.root / "usr/lib/systemd/system" / unit).exists()
        assert packaged == (unit in PACKAGED), f"{unit}: does the package still have one?"
    on_a_host = host.machine.run(
        "systemctl", "list-units", "--type=service", "--state=running", "--plain", "--no-legend"
    )
    running = {line.split()[0] for line in on_a_host.lines}
    assert not running & {"etcd.service", "haproxy.service", "nginx.service", "bird.service"} - set(
        host.units
    )


def test_users_are_as_the_units_say(host: OnSystemd) -> None:
    for unit in host.units:
        found = processes(host, unit)
        assert found, unit
        for process in found:
            other = [user for title, user in OTHER_USERS.items() if process["Title"].startswith(title)]
            assert process["User"] == (other[0] if other else said(host, unit, "User") or "root"), process[
                "Title"
            ]
    users = {unit: {process["User"] for process in processes(host, unit)} for unit in host.units}
    expected = {
        "haproxy.service": {"haproxy"},
        "bird.service": {"bird"},
        "nginx.service": {"root", "www-data"},
    }
    expected |= {unit: {"etcd"} for unit in users if unit.startswith("etcd-")}
    assert {unit: users[unit] for unit in users if unit in expected} == {
        u: expected[u] for u in users if u in expected
    }


def test_capabilities_are_those_of_the_units_and_no_others(host: OnSystemd) -> None:
    """Root's daemons have what the machine has; nginx's workers have none."""
    whole = int(host.machine.sh("sed -n 's/^CapEff:.//p' /proc/1/status").text, 16)
    for unit in host.units:
        stated = sum(1 << CAPABILITIES[name] for name in said(host, unit, "AmbientCapabilities").split())
        for process in processes(host, unit):
            effective = int(process["CapEff"], 16)
            if process["User"] != "root":
                assert effective == stated, (unit, process["Title"])
            elif unit != "trimtab-agent.service":
                assert effective == whole, (unit, process["Title"])


def test_limits_and_priority_are_those_of_the_units(host: OnSystemd) -> None:
    """Where the machine may not raise limits, those beyond its own end there."""
    most = int(host.machine.sh("ulimit -Hn").text)
    for unit in host.units:
        limit, nice = said(host, unit, "LimitNOFILE"), said(host, unit, "Nice") or "0"
        for process in processes(host, unit):
            assert process["Nice"] == nice, (unit, process["Title"])
            if limit:
                wanted = limit if may_raise_limits() else str(min(int(limit), most))
                assert process["Files"].split()[:2] == [wanted, wanted], (unit, process["Title"])


def test_the_addresses_are_held(host: OnSystemd) -> None:
    """keepalived's on the interface, the anchor on `lo`, both written by daemons and hooks that systemd has started."""
    if "registry" in host.host.roles:
        pytest.skip("a registry host has none")

    def held() -> bool:
        shown = host.machine.run("ip", "-o", "address", "show").text
        vips = re.findall(r"(?m)^ +(\S+/\d+) dev", host.file("/etc/keepalived/keepalived.conf"))
        assert vips
        return all(f" {vip} " in shown for vip in vips)

    host.machine.until("keepalived holds every address", held, 60, "keepalived.service")
    if "proxy" in host.host.roles:
        anchors = re.findall(r"address replace (\S+) dev lo", host.file("/usr/local/lib/trimtab/front"))

        def anchored() -> bool:
            shown = host.machine.run("ip", "-o", "address", "show", "dev", "lo").text
            return len(anchors) == 2 and all(f" {anchor} " in shown for anchor in anchors)

        host.machine.until("the anchor is on lo", anchored, 30, "trimtab-front.service")


def test_a_boot_starts_them(host: OnSystemd) -> None:
    """As at the end of a boot: the target is reached, and pulls in what is enabled."""
    host.machine.run("systemctl", "stop", *host.units)
    assert not any(host.active(unit) for unit in host.units)
    host.machine.run("systemctl", "start", "--no-block", "multi-user.target")
    host.await_active()
