"""The agent and its driver on a real systemd: what systemd restarts, what the agent restarts, and who restarts the agent."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from tests.systemd.host_kit import OnSystemd
from tests.systemd.machine_kit import Machine

pytestmark = [pytest.mark.daemon, pytest.mark.alone, pytest.mark.full]
AGENT, HAPROXY, FRONT, BIRD = (
    "trimtab-agent.service",
    "haproxy.service",
    "trimtab-front.service",
    "bird.service",
)


def words(host: OnSystemd) -> dict[str, str]:
    """What the agent says of each unit; nothing while it has not said anything."""
    try:
        found: dict[str, str] = json.loads(host.read("/run/trimtab/agent/status.json"))["units"]
    except (OSError, ValueError):
        return {}
    return found


def await_words(host: OnSystemd, word: str = "works", *units: str, seconds: float = 60) -> None:
    """Until the agent says this of the units; of all, where none is named."""

    def said() -> bool:
        found = words(host)
        return bool(found) and all(found.get(unit) == word for unit in units or found)

    host.machine.until(f"the agent says {word} of {units or 'all'}", said, seconds, AGENT)


def log(machine: Machine, event: str) -> list[dict[str, Any]]:
    """What every agent of this host has logged of one kind."""
    lines = machine.run("journalctl", "--no-pager", "-o", "cat", "-u", AGENT).lines
    found = [json.loads(line) for line in lines if line.startswith("{")]
    return [each for each in found if each["event"] == event]


def restarts(machine: Machine, unit: str) -> list[str]:
    """Why the agent restarted it, one word a time."""
    return [each["reason"] for each in log(machine, "restarting") if each["unit"] == unit]


def await_another(host: OnSystemd, unit: str, pid: int, seconds: float = 60) -> None:
    def another() -> bool:
        return host.active(unit) and host.machine.pid(unit) not in (0, pid)

    host.machine.until(f"{unit} runs anew", another, seconds, unit)


def served(host: OnSystemd) -> bool:
    asked = "curl -sk -m 2 -o /dev/null -w %{http_code} --resolve www.mixed.example:443:203.0.113.10"
    return host.machine.sh(f"{asked} https://www.mixed.example/", fine=False).text == "200"


def test_it_has_told_systemd_that_it_is_ready_and_sees_all_daemons(edge: OnSystemd) -> None:
    assert edge.machine.show(AGENT, "Type", "NotifyAccess", "WatchdogUSec", "SubState") == {
        "Type": "notify", "NotifyAccess": "main", "WatchdogUSec": "30s", "SubState": "running",
    }  # fmt: skip
    await_words(edge)
    assert set(words(edge)) == set(edge.units) - {AGENT}
    edge.machine.until("the registry is read", lambda: bool(log(edge.machine, "registry read")), 30, AGENT)
    edge.machine.until("requests are served", lambda: served(edge), 30, HAPROXY)


def test_its_sandbox_holds_and_leaves_it_what_it_needs(edge: OnSystemd) -> None:
    machine = edge.machine
    machine.sh(
        "mkdir -p /usr/lib/modules/some && systemctl restart trimtab-agent.service"
    )  # as on a host with a kernel
    await_words(edge)
    inside = f"nsenter --target {machine.pid(AGENT)} --mount"
    machine.sh("mkdir -p /home/somebody && echo secret > /home/somebody/file && echo secret > /root/file")
    for path in ("/home/somebody/file", "/root/file"):
        assert machine.sh(f"cat {path}").text == "secret\n"
        assert machine.sh(f"{inside} cat {path}", fine=False).code != 0
    assert machine.sh(f"{inside} stat /usr/lib/modules/some", fine=False).code != 0
    assert "Seccomp:\t2" in machine.sh(f"cat /proc/{machine.pid(AGENT)}/status").text
    assert {"agent.lock", "agent.json.good", "members.json"} <= set(
        machine.run("ls", "/var/lib/trimtab").text.split()
    )
    assert (
        machine.sh("stat -c %a /var/lib/trimtab/members.json").text == "644\n"
    )  # proxy-members reads it as haproxy


def test_what_is_killed_systemd_starts_and_the_agent_keeps_out(edge: OnSystemd) -> None:
    await_words(edge)
    counted, before = int(edge.machine.property(HAPROXY, "NRestarts")), restarts(edge.machine, HAPROXY)
    pid = edge.machine.pid(HAPROXY)
    edge.machine.run("systemctl", "kill", "--signal=KILL", HAPROXY)
    await_another(edge, HAPROXY, pid)
    await_words(edge)
    assert int(edge.machine.property(HAPROXY, "NRestarts")) == counted + 1
    assert restarts(edge.machine, HAPROXY) == before


def test_what_hangs_the_agent_restarts(edge: OnSystemd) -> None:
    """systemd sees nothing: the process is there. A worker that hangs hears no SIGTERM; TimeoutStopSec= ends it."""
    await_words(edge)
    counted, before = edge.machine.property(HAPROXY, "NRestarts"), restarts(edge.machine, HAPROXY)
    pid = edge.machine.pid(HAPROXY)
    edge.machine.run("systemctl", "kill", "--signal=STOP", HAPROXY)
    await_another(edge, HAPROXY, pid)
    await_words(edge)
    assert restarts(edge.machine, HAPROXY) == [*before, "wedged"]
    assert not log(edge.machine, "restart failed")
    assert edge.machine.property(HAPROXY, "NRestarts") in (
        counted,
        "0",
    )  # 0: systemd counts anew at such a restart
    edge.machine.until("requests are served", lambda: served(edge), 30, HAPROXY)


def test_what_somebody_stopped_stays_stopped(edge: OnSystemd) -> None:
    await_words(edge)
    edge.machine.run("systemctl", "stop", FRONT)
    await_words(edge, "stopped", FRONT)
    assert not edge.active(FRONT) and not restarts(edge.machine, FRONT)
    edge.machine.run("systemctl", "start", FRONT)
    await_words(edge)


def test_what_systemd_gave_up_the_agent_starts_again(edge: OnSystemd) -> None:
    """Over a start limit, as somebody's drop-in may set one: systemd itself refuses to start it until it is forgiven."""
    machine = edge.machine
    await_words(edge)
    limit = "[Unit]\nStartLimitIntervalSec=600\nStartLimitBurst=2\n[Service]\nRestartSec=100ms\n"
    edge.drop_in(FRONT, limit)
    machine.run("systemctl", "stop", AGENT)
    machine.run("systemctl", "restart", FRONT)

    def given_up() -> bool:
        machine.run("systemctl", "kill", "--signal=KILL", FRONT, fine=False)
        return machine.show(FRONT, "ActiveState", "Result") == {"ActiveState": "failed", "Result": "signal"}

    machine.until("systemd gives up", given_up, 30, FRONT)
    assert machine.run("systemctl", "restart", FRONT, fine=False).code != 0
    assert machine.property(FRONT, "ActiveState") == "failed"
    machine.run("systemctl", "start", AGENT)
    edge.await_active(FRONT)
    assert restarts(machine, FRONT) == ["dead"] and not log(machine, "restart failed")
    (machine.root / f"etc/systemd/system/{FRONT}.d/test.conf").unlink()
    machine.run("systemctl", "daemon-reload")
    await_words(edge)


def test_what_does_not_come_back_is_escalated_and_tried_on(edge: OnSystemd) -> None:
    """Five times in vain, then a human is called and each minute it is tried; once it holds, all is forgotten."""
    machine, file = edge.machine, "/etc/bird/bird.conf"
    await_words(edge)
    good = edge.read(file)
    edge.drop_in(BIRD, "[Service]\nRestart=no\n")
    edge.write(file, "protocol nothing such\n" + good)
    machine.run("systemctl", "kill", "--signal=KILL", BIRD)
    await_words(edge, "escalated", BIRD, seconds=90)
    assert restarts(machine, BIRD) == ["dead"] * 5
    assert len(log(machine, "restart failed")) == 5
    assert [each["unit"] for each in log(machine, "escalated: restarts do not help")] == [BIRD]
    edge.write(file, good)
    (machine.root / f"etc/systemd/system/{BIRD}.d/test.conf").unlink()
    machine.run("systemctl", "daemon-reload")
    edge.await_active(BIRD, seconds=90)
    assert restarts(machine, BIRD) == ["dead"] * 6
    await_words(edge, seconds=60)
    assert [each["unit"] for each in log(machine, "recovered")] == [BIRD]


def test_a_reload_takes_the_new_file_up_and_refuses_a_bad_one(edge: OnSystemd) -> None:
    machine, path = edge.machine, "/etc/trimtab/agent.json"
    pid, good = machine.pid(AGENT), edge.read(path)
    edge.write(path, good.replace("{", "[", 1))
    machine.run("systemctl", "reload", AGENT)
    told = "the new file is refused, the old one holds"
    machine.until("it is refused", lambda: bool(log(machine, told)), 20, AGENT)
    edge.write(path, good.replace('"metrics_port": 8407', '"metrics_port": 18407'))
    machine.run("systemctl", "reload", AGENT)
    ask = f"curl -s -m 2 http://{edge.host.v4}:18407/metrics"
    machine.until(
        "it answers there", lambda: "trimtab_build_info" in machine.sh(ask, fine=False).text, 30, AGENT
    )
    edge.write(path, good)
    machine.run("systemctl", "reload", AGENT)
    machine.until("as before", lambda: len(log(machine, "begun anew")) == 2, 30, AGENT)
    assert machine.pid(AGENT) == pid and edge.active(AGENT)


def test_an_agent_that_hangs_systemd_starts_anew_and_the_proxies_serve_on(edge: OnSystemd) -> None:
    machine = edge.machine
    await_words(edge)
    pid, proxy = machine.pid(AGENT), machine.pid(HAPROXY)
    machine.run("systemctl", "kill", "--signal=STOP", AGENT)
    ends = time.monotonic() + 60
    while machine.pid(AGENT) in (0, pid):
        assert served(edge) and time.monotonic() < ends
    edge.await_active(AGENT)
    assert "Failed with result 'watchdog'" in machine.journal(AGENT)
    assert machine.pid(HAPROXY) == proxy
    await_words(edge)


def test_its_end_touches_nobody(edge: OnSystemd) -> None:
    machine = edge.machine
    before = {unit: machine.pid(unit) for unit in edge.units if unit != AGENT}
    began = time.monotonic()
    machine.run("systemctl", "stop", AGENT)
    assert "ended" in [
        json.loads(line)["event"] for line in machine.journal(AGENT).splitlines() if line[0] == "{"
    ]
    assert machine.property(AGENT, "Result") == "success", time.monotonic() - began
    assert {unit: machine.pid(unit) for unit in before} == before and served(edge)
    machine.run("systemctl", "start", AGENT)
    await_words(edge)
