"""A delivery to a host that a real systemd runs: what is reloaded, begun and ended, what is taken back, and what was given up."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.systemd.host_kit import OnSystemd
from trimtab.daemons.artifact import UNITS, Artifact

pytestmark = [pytest.mark.daemon, pytest.mark.alone, pytest.mark.full]
HAPROXY, FRONT, BIRD, MORE = "haproxy.service", "trimtab-front.service", "bird.service", "more.service"
STATE = ("ActiveState", "Result")
REFUSED = 1
# One with a start limit, as no unit of ours has; it is given up after its second start.
LIMITED = """\
[Unit]
StartLimitIntervalSec=600
StartLimitBurst=2
[Service]
Type={kind}
ExecStart={command}
Restart=always
RestartSec=100ms
[Install]
WantedBy=multi-user.target
"""


@pytest.fixture
def host(edge: OnSystemd) -> Iterator[OnSystemd]:
    """As `build` has it, delivered and running; afterwards it is so again."""
    edge.await_active()
    assert edge.deliver(edge.artifacts)[0] == 0
    yield edge
    for unit in edge.units:
        (edge.machine.root / f"etc/systemd/system/{unit}.d/test.conf").unlink(missing_ok=True)
    edge.machine.run("systemctl", "daemon-reload")
    edge.machine.run("systemctl", "reset-failed")
    edge.machine.run("systemctl", "start", *edge.units)
    assert edge.deliver(edge.artifacts)[0] == 0
    assert edge.machine.run("systemctl", "is-system-running").text == "running\n"


def changed(host: OnSystemd, path: str, old: str, new: str) -> tuple[Artifact, ...]:
    """The host's files, in one of them another text."""
    assert old in host.file(path)
    return tuple(
        replace(each, content=each.content.replace(old, new)) if each.path == path else each
        for each in host.artifacts
    )


def with_more(host: OnSystemd, command: str, kind: str = "exec") -> tuple[Artifact, ...]:
    """The host's files, and a unit more."""
    text = LIMITED.format(kind=kind, command=command)
    return (*host.artifacts, Artifact(UNITS + MORE, text, take_up="daemon-reload", unit=MORE))


def pids(host: OnSystemd) -> dict[str, int]:
    return {unit: host.machine.pid(unit) for unit in host.units}


def protocols(host: OnSystemd) -> str:
    """What BIRD runs by, as it says; nothing while it does not run."""
    return host.machine.run("birdc", "-s", "/run/bird/bird.ctl", "show", "protocols", fine=False).text


def with_protocol(host: OnSystemd, name: str) -> tuple[Artifact, ...]:
    """BIRD has one protocol more."""
    return changed(
        host, "/etc/bird/bird.conf", "protocol device", f"protocol static {name} {{ ipv4; }}\nprotocol device"
    )


def test_a_file_is_taken_up_and_a_unit_s_own_lines_wait(host: OnSystemd) -> None:
    before = pids(host)
    new = [
        replace(a, content=a.content.replace("TimeoutStopSec=10s", "TimeoutStopSec=11s")) if a.path == UNITS + BIRD else a
        for a in with_protocol(host, "reloaded")
    ]  # fmt: skip
    code, said = host.deliver(new)
    assert (code, said["took"], said["later"]) == (0, [BIRD], [BIRD])
    assert "reloaded" in protocols(host)
    assert pids(host) == before
    assert host.machine.show(BIRD, "NeedDaemonReload", "TimeoutStopUSec") == {
        "NeedDaemonReload": "no", "TimeoutStopUSec": "11s",
    }  # fmt: skip


def test_a_unit_comes_with_every_boot_and_goes_for_good(host: OnSystemd) -> None:
    link = host.machine.root / f"etc/systemd/system/multi-user.target.wants/{MORE}"
    before = pids(host)
    assert host.deliver(with_more(host, "/bin/sleep infinity"))[0] == 0
    assert host.active(MORE) and link.is_symlink()
    assert host.machine.property(MORE, "UnitFileState") == "enabled"
    assert host.deliver(host.artifacts)[0] == 0
    assert host.machine.show(MORE, "LoadState", "ActiveState") == {
        "LoadState": "not-found",
        "ActiveState": "inactive",
    }
    assert not link.is_symlink()
    assert pids(host) == before


@pytest.mark.parametrize("ended", [("stop",), ("kill", "--signal=KILL")])
def test_a_unit_that_does_not_run_goes_too(host: OnSystemd, ended: tuple[str, ...]) -> None:
    """systemd forgets a stopped one with its file, and stops nothing that it does not know; a failed one it remembers."""
    new = with_more(host, "/bin/sleep infinity")
    assert host.deliver(new)[0] == 0
    host.drop_in(MORE, "[Service]\nRestart=no\n")
    host.machine.run("systemctl", *ended, MORE)
    host.machine.until("it has ended", lambda: not host.active(MORE))
    (host.machine.root / f"etc/systemd/system/{MORE}.d/test.conf").unlink()
    code, said = host.deliver(host.artifacts)
    assert code == 0, said
    assert host.machine.property(MORE, "LoadState") == "not-found"
    assert host.machine.run("systemctl", "is-system-running").text == "running\n"


@pytest.mark.parametrize(
    ("kind", "command"),
    [("notify", "/bin/false"), ("exec", "/bin/false"), ("exec", '/bin/sh -c "sleep 0.3; exit 3"'), ("exec", "/nowhere/at-all")],
)  # fmt: skip
def test_a_unit_that_does_not_start_is_taken_back_and_the_next_one_starts(
    host: OnSystemd, kind: str, command: str
) -> None:
    """Whether its start fails, or what it started ends at once; systemd has given it up by then, and forgets it."""
    before = pids(host)
    code, said = host.deliver(with_more(host, command, kind))
    assert code == REFUSED and MORE in said["error"] and "old files again" in said["hint"], said
    assert not (host.machine.root / (UNITS + MORE).lstrip("/")).is_symlink()
    assert host.machine.property(MORE, "LoadState") == "not-found"
    assert host.machine.run("systemctl", "is-system-running").text == "running\n"
    assert pids(host) == before
    code, said = host.deliver(with_more(host, "/bin/sleep infinity"))
    assert (code, said.get("took")) == (0, [MORE]), said
    assert host.active(MORE)


def give_up(host: OnSystemd, unit: str) -> None:
    """systemd has started the unit as often as its limit lets it, and refuses the next start."""
    host.drop_in(unit, "[Unit]\nStartLimitIntervalSec=600\nStartLimitBurst=2\n[Service]\nRestartSec=100ms\n")
    host.machine.run("systemctl", "stop", "trimtab-agent.service")  # which would help
    host.machine.run("systemctl", "restart", unit)

    def given_up() -> bool:
        host.machine.run("systemctl", "kill", "--signal=KILL", unit, fine=False)
        return host.machine.show(unit, *STATE) == {"ActiveState": "failed", "Result": "signal"}

    host.machine.until(f"systemd gives {unit} up", given_up, 30, unit)
    assert host.machine.run("systemctl", "restart", unit, fine=False).code != 0


def test_a_daemon_that_systemd_gave_up_gets_its_new_file_and_runs(host: OnSystemd) -> None:
    """It cannot reload, and it is the file that may help."""
    give_up(host, BIRD)
    code, said = host.deliver(with_protocol(host, "helped"))
    assert (code, said.get("took")) == (0, [BIRD]), said
    assert host.active(BIRD) and "helped" in protocols(host)


def test_a_helper_that_systemd_gave_up_is_begun_anew(host: OnSystemd) -> None:
    give_up(host, FRONT)
    code, said = host.deliver(changed(host, "/usr/local/lib/trimtab/front-watch", "\n\n", "\n\n# another\n"))
    assert (code, said.get("took")) == (0, [FRONT]), said
    assert host.active(FRONT)


def test_what_somebody_stopped_stays_stopped_and_has_the_new_file_when_it_starts(host: OnSystemd) -> None:
    host.machine.run("systemctl", "stop", BIRD)
    code, said = host.deliver(with_protocol(host, "waited"))
    assert (code, said.get("took"), said.get("later")) == (0, [], [BIRD]), said
    assert not host.active(BIRD)
    host.machine.run("systemctl", "start", BIRD)
    host.machine.until("it runs by the new file", lambda: "waited" in protocols(host), 20, BIRD)


def test_a_reload_that_fails_leaves_the_old_file_and_the_old_process(host: OnSystemd) -> None:
    """What its judge accepts and its reload refuses: here by a drop-in of somebody's."""
    before = pids(host)
    host.drop_in(BIRD, "[Service]\nExecReload=\nExecReload=/bin/false\n")
    code, said = host.deliver(with_protocol(host, "unwanted"))
    assert code == REFUSED and BIRD in said["error"], said
    assert host.read("/etc/bird/bird.conf") == host.file("/etc/bird/bird.conf")
    assert pids(host) == before and "unwanted" not in protocols(host)


def test_a_unit_that_was_to_go_is_there_again_with_the_old_files(host: OnSystemd) -> None:
    assert host.deliver(with_more(host, "/bin/sleep infinity"))[0] == 0
    host.drop_in(BIRD, "[Service]\nExecReload=\nExecReload=/bin/false\n")
    code, said = host.deliver(with_protocol(host, "unwanted"))  # without it
    assert code == REFUSED and BIRD in said["error"], said
    assert host.active(MORE) and host.machine.property(MORE, "UnitFileState") == "enabled"


def test_a_helper_that_does_not_start_is_taken_back(host: OnSystemd) -> None:
    """Its judge knows its grammar, not whether it runs."""
    code, said = host.deliver(
        changed(host, "/usr/local/lib/trimtab/front-watch", "\nimport ", "\nimport nothing_such\nimport ")
    )
    assert code == REFUSED and FRONT in said["error"], said
    assert host.read("/usr/local/lib/trimtab/front-watch") == host.file("/usr/local/lib/trimtab/front-watch")
    host.await_active(FRONT)
