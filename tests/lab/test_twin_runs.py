"""A real twin: what a node is like inside, its network, its units, and the loss of power."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from lab_kit import DELAY_MS, output, small_topology, wait_for

from trimtab.errors import BadInput, EnvironmentUnable, TwinFailed
from trimtab.lab.client import Lab, start

pytestmark = [pytest.mark.twin, pytest.mark.alone]

# Holds a connection to hk's front open and prints what happens to it.
PEER = """
import socket, sys
peer = socket.create_connection(("192.0.2.5", 80))
peer.settimeout(float(sys.argv[1]))
print("connected", flush=True)
try:
    print("end" if peer.recv(1) == b"" else "data")
except TimeoutError:
    print("silence")
except OSError as error:
    print("reset", error)
"""


def unit(lab: Lab, node: str) -> dict[str, object]:
    host = next(host for host in lab.status()["hosts"] if host["name"] == node)
    return dict(host["units"][0])


def history(lab: Lab) -> list[str]:
    return output(lab, "hk-proxy", "cat", "/var/lib/haproxy/history").split("\n")[:-1]


def test_status_names_hosts_units_and_addresses(lab: Lab) -> None:
    status = Lab.connect("small").status()
    assert status["ready"] and status["waiting"] == [] and status["facts"] == {"estate": "small"}
    host = status["hosts"][0]
    assert host["name"] == "hk-proxy" and host["powered"] and "10.1.0.1" in host["addresses"]
    assert host["units"][0]["state"] == "active" and host["units"][0]["pid"] > 1


def test_a_node_has_its_own_name_processes_files_and_disks(lab: Lab) -> None:
    assert output(lab, "hk-proxy", "hostname") == "hk-proxy\n"
    assert "192.0.2.5 www.example" in output(lab, "client", "cat", "/etc/hosts")
    assert output(lab, "hk-proxy", "/usr/local/lib/trimtab/hook") == "hooked\n"
    assert "nginx" not in output(lab, "hk-proxy", "sh", "-c", "cat /proc/[0-9]*/cmdline")
    assert not Path("/usr/local/lib/trimtab/hook").exists()
    assert "192.0.2.5" not in Path("/etc/hosts").read_text()


def test_scratch_is_one_folder_inside_and_outside(lab: Lab) -> None:
    output(lab, "client", "sh", "-c", f"echo seen > {lab.scratch}/note")
    assert (lab.scratch / "note").read_text() == "seen\n"


def test_standard_input_and_exit_status_pass_through(lab: Lab) -> None:
    with lab.popen(
        "client", ["sh", "-c", "read x; echo got $x; exit 7"], stdin=-1, stdout=-1, text=True
    ) as process:
        assert process.communicate("it\n", timeout=10)[0] == "got it\n"
    assert process.returncode == 7


def test_killing_what_was_started_kills_it_in_the_node(lab: Lab) -> None:
    process = lab.popen("client", ["sleep", "4321"])
    running = "grep -lsz 4321 /proc/[0-9]*/cmdline | grep -v self"
    wait_for(
        lambda: (
            output(lab, "client", "sh", "-c", f"cat /proc/[0-9]*/comm | grep -c sleep; : {running}") > "1"
        ),
        "sleep",
    )
    process.kill()
    process.wait()
    wait_for(
        lambda: output(lab, "client", "sh", "-c", "cat /proc/[0-9]*/comm | grep -c sleep") == "1\n", "its end"
    )


@pytest.mark.parametrize(
    ("site", "target"), [("hk", "192.0.2.5"), ("sg", "192.0.2.9"), ("sg", "2001:db8:2::1")]
)
def test_a_delayed_segment_takes_its_time_each_way(lab: Lab, site: str, target: str) -> None:
    said = output(lab, "client", "ping", "-c", "5", "-i", "0.05", "-q", target)
    lowest, average = map(float, said.split(" = ")[1].split("/")[:2])
    assert 2 * DELAY_MS[site] <= lowest and average < 2 * DELAY_MS[site] + 10


def test_bulk_data_crosses_a_delayed_segment_whole(lab: Lab) -> None:
    """Large segments and unfinished checksums (offloads of veth) arrive intact."""
    data = bytes(range(256)) * 80_000
    (lab.scratch / "data").write_bytes(data)
    receive = ["socat", "-u", "TCP-LISTEN:9999,bind=192.0.2.5", f"CREATE:{lab.scratch}/received"]
    with lab.popen("hk-proxy", receive) as receiver:
        wait_for(lambda: ":9999" in output(lab, "hk-proxy", "ss", "-ltn"), "the listener")
        output(lab, "client", "socat", "-u", f"OPEN:{lab.scratch}/data", "TCP:192.0.2.5:9999")
        receiver.wait(20)
    assert (lab.scratch / "received").read_bytes() == data


def test_hundreds_of_clients_do_not_fill_the_neighbour_table(lab: Lab) -> None:
    """It is one for the whole machine; entries known from the start do not count."""
    assert "PERMANENT" in output(lab, "hk-proxy", "ip", "neigh", "show", "192.0.2.6")


def test_a_killed_unit_runs_its_stop_hook_at_once_and_comes_back(lab: Lab) -> None:
    before, lines = unit(lab, "hk-proxy"), history(lab)
    at = lab.kill("hk-proxy", "haproxy.service")
    killed = time.time() - (time.monotonic() - at)
    lab.wait_ready(10)
    after = unit(lab, "hk-proxy")
    assert history(lab)[len(lines) :] == ["down", "up hk-proxy"]
    assert after["pid"] != before["pid"] and after["restarts"] == int(str(before["restarts"])) + 1
    ended = float(output(lab, "hk-proxy", "cat", "/var/lib/haproxy/ended"))
    assert 0 < ended - killed < 0.2  # some 10 ms on a quiet machine


def test_a_unit_has_the_limits_its_file_says(lab: Lab) -> None:
    limits = output(lab, "hk-proxy", "cat", f"/proc/{unit(lab, 'hk-proxy')['pid']}/limits")
    assert (
        next(line for line in limits.splitlines() if line.startswith("Max open files")).split()[3] == "4096"
    )


def test_reload_keeps_the_main_process(lab: Lab) -> None:
    before = unit(lab, "hk-proxy")["pid"]
    lab.unit("hk-proxy", "haproxy.service", "reload")
    assert unit(lab, "hk-proxy")["pid"] == before
    lab.wait_ready(10)


def test_stop_and_start(lab: Lab) -> None:
    lab.unit("hk-proxy", "haproxy.service", "stop")
    assert unit(lab, "hk-proxy")["state"] == "inactive"
    assert output(lab, "hk-proxy", "sh", "-c", "cat /proc/[0-9]*/comm").split().count("haproxy") == 0
    assert "admin.sock" not in output(lab, "hk-proxy", "sh", "-c", "ls /run/haproxy 2>&1")
    lab.unit("hk-proxy", "haproxy.service", "start")
    lab.wait_ready(10)


@pytest.fixture
def peer(lab: Lab) -> Iterator[subprocess.Popen[str]]:
    with lab.popen("client", [sys.executable, "-c", PEER, "1.5"], stdout=-1, text=True) as process:
        assert process.stdout and process.stdout.readline() == "connected\n"
        yield process


def test_a_killed_process_is_heard_by_its_peer(lab: Lab, peer: subprocess.Popen[str]) -> None:
    lab.kill("hk-proxy", "haproxy.service")
    assert peer.communicate(timeout=10)[0].split()[0] in ("end", "reset")
    lab.wait_ready(10)


def test_a_power_cut_is_silent_and_power_comes_back_with_the_same_disks(
    lab: Lab, peer: subprocess.Popen[str]
) -> None:
    output(lab, "hk-proxy", "sh", "-c", "echo kept > /var/kept; echo kept > /etc/kept; echo gone > /run/gone")
    lines = history(lab)
    lab.power_cut(["hk-proxy", "hk-backend"])
    assert peer.communicate(timeout=10)[0] == "silence\n"
    powered = {host["name"]: host["powered"] for host in lab.status()["hosts"]}
    assert not powered["hk-proxy"] and not powered["hk-backend"] and powered["sg-proxy"]
    with pytest.raises(EnvironmentUnable, match="no power"):
        lab.popen("hk-proxy", ["true"])
    with pytest.raises(TwinFailed, match="hk-proxy has no power"):
        lab.wait_ready(0.3)
    assert output(lab, "client", "curl", "-s", "http://192.0.2.9/") == "sg\n"

    lab.power_on(["hk-proxy", "hk-backend"])
    lab.wait_ready(15)
    assert output(lab, "hk-proxy", "cat", "/var/kept", "/etc/kept") == "kept\nkept\n"
    assert "No such file" in output(lab, "hk-proxy", "sh", "-c", "cat /run/gone 2>&1")
    assert history(lab)[len(lines) :] == ["up hk-proxy"]  # no stop hook ran
    assert output(lab, "client", "curl", "-s", "http://192.0.2.5/") == "hk\n"


def test_wrong_names_are_told_with_the_right_ones(lab: Lab) -> None:
    with pytest.raises(BadInput, match="no node nowhere"):
        lab.power_cut(["nowhere"])
    with pytest.raises(BadInput, match="has no unit") as refused:
        lab.kill("hk-proxy", "nginx.service")
    assert "haproxy.service" in refused.value.hint
    with pytest.raises(BadInput, match="no signal"):
        lab.kill("hk-proxy", "haproxy.service", "NOISE")


def test_two_twins_side_by_side_do_not_see_each_other(lab: Lab) -> None:
    with pytest.raises(EnvironmentUnable, match="already runs"):
        start(small_topology("small"))
    second = start(small_topology("second"), timeout=30)
    try:
        second.power_cut(["hk-proxy"])
        assert output(lab, "client", "curl", "-s", "http://192.0.2.5/") == "hk\n"
        assert lab.status()["ready"] and not second.status()["ready"]
    finally:
        second.down()
    assert output(lab, "client", "curl", "-s", "http://192.0.2.9/") == "sg\n"


def test_the_machine_itself_is_untouched(lab: Lab) -> None:
    interfaces = {name for _, name in socket.if_nameindex()}
    assert not {name for name in interfaces if name.startswith(("p1", "b0", "to-"))}
    assert str(lab.path / "disks") not in Path("/proc/mounts").read_text()
