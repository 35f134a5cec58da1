"""After `systemctl reload` a new connection gets the new file, on a real systemd; and what a unit looks like where it does not."""

from __future__ import annotations

import re

import pytest

from tests.systemd.host_kit import OnSystemd

pytestmark = [pytest.mark.daemon, pytest.mark.alone, pytest.mark.full]
HAPROXY, NGINX = "/etc/haproxy/haproxy.cfg", "/etc/nginx/nginx.conf"
# A master of root's with workers of another user, as Debian's own unit has it, and hardened without CAP_KILL.
ROOTS = "[Service]\nUser=\nUser=root\nGroup=\nGroup=root\nAmbientCapabilities=\n"
NO_KILL = "CapabilityBoundingSet=~CAP_KILL\n"
DEBIANS_RELOAD = (
    "ExecReload=\nExecReload=/usr/sbin/haproxy -c -q -f /etc/haproxy/haproxy.cfg -f /run/haproxy/pools.cfg\n"
    "ExecReload=/bin/kill -USR2 $MAINPID\n"
)


def renew(host: OnSystemd, path: str, word: str) -> None:
    """A new file: the health answer is another one."""
    text, times = re.subn(
        r'(return (?:status )?200 .*")[a-z0-9]+(")', rf"\g<1>{word}\g<2>", host.read(path), count=0
    )
    assert times
    host.write(path, text)


def answers(host: OnSystemd, times: int = 40) -> set[str]:
    """Of so many new connections, one after the other, begun when the reload has returned."""
    one = "curl -s -m 5 http://127.0.0.1:8404/healthz; echo"
    return set(host.machine.sh(f"for i in $(seq {times}); do {one}; done").lines)


def workers(host: OnSystemd, unit: str) -> set[str]:
    """Processes of the unit but its main one."""
    group, main = (host.machine.property(unit, name) for name in ("ControlGroup", "MainPID"))
    return set(host.machine.run("cat", f"/sys/fs/cgroup{group}/cgroup.procs").text.split()) - {main}


def reload(host: OnSystemd, unit: str) -> int:
    """The exit code of `systemctl reload`."""
    return host.machine.run("systemctl", "reload", unit, fine=False).code


def without_cap_kill(host: OnSystemd, more: str = "") -> None:
    """The HAProxy unit as hardening guides have it, begun anew."""
    host.machine.run(
        "systemctl", "kill", "--signal=KILL", "haproxy.service"
    )  # such a master cannot end its workers
    host.machine.run("systemctl", "stop", "haproxy.service")
    if "user haproxy" not in (text := host.read(HAPROXY)):
        host.write(HAPROXY, text.replace("global\n", "global\n    user haproxy\n    group haproxy\n", 1))
    host.drop_in("haproxy.service", ROOTS + NO_KILL + more)
    host.machine.run("systemctl", "start", "haproxy.service")


@pytest.mark.parametrize("hardened", [False, True], ids=["as rendered", "without any other capability"])
def test_haproxy_reloads(haproxy: OnSystemd, hardened: bool) -> None:
    """All of our HAProxy is one user, and a user may signal his own processes: nothing is missing without CAP_KILL."""
    if hardened:
        haproxy.drop_in("haproxy.service", "[Service]\nCapabilityBoundingSet=CAP_NET_BIND_SERVICE\n")
        haproxy.machine.run("systemctl", "restart", "haproxy.service")
        assert "CAP_KILL" not in haproxy.machine.property("haproxy.service", "CapabilityBoundingSet").upper()
    for word in ("second", "third"):
        main, before = haproxy.machine.pid("haproxy.service"), workers(haproxy, "haproxy.service")
        renew(haproxy, HAPROXY, word)
        assert reload(haproxy, "haproxy.service") == 0, haproxy.machine.journal("haproxy.service")
        assert answers(haproxy) == {word}
        assert haproxy.machine.pid("haproxy.service") == main
        assert workers(haproxy, "haproxy.service") - before


def test_a_file_that_haproxy_refuses_changes_nothing(haproxy: OnSystemd) -> None:
    text, before = haproxy.read(HAPROXY), answers(haproxy, 1)
    haproxy.write(HAPROXY, text.replace("mode http", "mode hptt"))
    try:
        assert reload(haproxy, "haproxy.service") != 0
        assert haproxy.active("haproxy.service") and answers(haproxy) == before
    finally:
        haproxy.write(HAPROXY, text)


def test_a_master_without_cap_kill_serves_the_old_file_and_debians_reload_says_done(
    haproxy: OnSystemd,
) -> None:
    """The check of these tests can fail: this is what it looks like."""
    without_cap_kill(haproxy, DEBIANS_RELOAD)
    renew(haproxy, HAPROXY, "old")
    haproxy.machine.run("systemctl", "kill", "--signal=KILL", "haproxy.service")
    haproxy.machine.until(
        "it is back", lambda: haproxy.active("haproxy.service") and answers(haproxy, 1) == {"old"}
    )
    renew(haproxy, HAPROXY, "new")
    assert reload(haproxy, "haproxy.service") == 0
    assert "old" in answers(haproxy, 200)


def test_our_reload_finds_it(haproxy: OnSystemd) -> None:
    without_cap_kill(haproxy)
    before = answers(haproxy, 1)
    renew(haproxy, HAPROXY, "newer")
    assert before != {"newer"}
    assert reload(haproxy, "haproxy.service") != 0
    assert "take connections beside the new ones" in haproxy.machine.journal("haproxy.service")
    assert before & answers(haproxy, 200)


def test_nginx_reloads(nginx: OnSystemd) -> None:
    """Its master tells its workers by a pipe: it needs no CAP_KILL, though they are another user's."""
    for word, drop in (("second", ""), ("third", NO_KILL)):
        if drop:
            nginx.drop_in("nginx.service", f"[Service]\n{drop}")
            nginx.machine.run("systemctl", "restart", "nginx.service")
        main, before = nginx.machine.pid("nginx.service"), workers(nginx, "nginx.service")
        renew(nginx, NGINX, word)
        assert reload(nginx, "nginx.service") == 0, nginx.machine.journal("nginx.service")
        assert answers(nginx) == {word}
        assert nginx.machine.pid("nginx.service") == main
        assert workers(nginx, "nginx.service") - before
    renew(nginx, NGINX, "fourth")
    nginx.write(NGINX, nginx.read(NGINX).replace("sendfile on;", "sendfile maybe;"))
    assert reload(nginx, "nginx.service") != 0
    assert answers(nginx) == {"third"}


def test_bird_and_keepalived_reload(router: OnSystemd) -> None:
    machine = router.machine
    mains = {unit: machine.pid(unit) for unit in ("bird.service", "keepalived.service")}
    bird = "/etc/bird/bird.conf"
    router.write(
        bird, router.read(bird) + "\nprotocol static added { ipv4; route 192.0.2.77/32 blackhole; }\n"
    )
    assert reload(router, "bird.service") == 0
    shown = "birdc -s /run/bird/bird.ctl show route 192.0.2.77/32"
    machine.until("BIRD has the new route", lambda: "added" in machine.sh(shown, fine=False).text, 10)

    vrrp = "/etc/keepalived/keepalived.conf"
    first = next(line for line in router.read(vrrp).splitlines() if re.match(r" +\S+/\d+ dev vlan", line))
    more = re.sub(r"\S+/\d+", "192.0.2.78/32", first)
    machine.until(
        "the gateways are held", lambda: first.split()[0] in machine.run("ip", "-o", "address").text
    )
    router.write(vrrp, router.read(vrrp).replace(first, f"{first}\n{more}", 1))
    assert reload(router, "keepalived.service") == 0
    machine.until(
        "keepalived has the new address", lambda: "192.0.2.78/32" in machine.run("ip", "-o", "address").text
    )
    assert {unit: machine.pid(unit) for unit in mains} == mains


@pytest.mark.parametrize(
    ("unit", "path", "old", "new"),
    [
        ("bird.service", "/etc/bird/bird.conf", "protocol device", "protocol devise"),
        ("keepalived.service", "/etc/keepalived/keepalived.conf", "vrrp_instance", "vrrp_instanze"),
    ],
)
def test_a_file_that_they_refuse_changes_nothing(
    router: OnSystemd, unit: str, path: str, old: str, new: str
) -> None:
    """keepalived would take it up, say nothing, and run nothing: its file is tried before."""
    text, pid = router.read(path), router.machine.pid(unit)
    router.write(path, text.replace(old, new))
    try:
        assert reload(router, unit) != 0
        assert router.active(unit) and router.machine.pid(unit) == pid
    finally:
        router.write(path, text)
    assert reload(router, unit) == 0
    assert router.machine.pid(unit) == pid
