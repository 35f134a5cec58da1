"""One room and one line are enough: a daemon that no file of `src/` knows is read, checked, rendered and judged."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.daemons.outside_kit import GREETS, OUTSIDE, run
from trimtab.agent_config import load

WELL = GREETS + "tiers: {greeter: {port: 7008, words: good day}}\n"


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "estate.yaml"
    path.write_text(text)
    return path


@pytest.mark.daemon
def test_its_files_are_rendered_judged_and_looked_after(tmp_path: Path) -> None:
    estate = written(tmp_path, WELL)
    done = run(estate, "build", "--out", "built")
    assert done.returncode == 0, done.stderr
    host = next((tmp_path / "built").rglob("one-greeter-1"))
    assert (host / "etc/greeter/words").read_text() == "good day\n"
    assert "socat TCP-LISTEN:7008" in (host / "etc/systemd/system/greeter.service").read_text()
    (watched,) = load((host / "etc/trimtab/agent.json").read_text()).units
    assert (watched.name, watched.probe.expect) == ("greeter.service", "good day")
    assert (
        "7008" in (host / "etc/sysctl.d/90-trimtab.conf").read_text()
    )  # no outgoing connection takes its port


@pytest.mark.daemon
def test_its_own_judge_refuses_its_file(tmp_path: Path) -> None:
    done = run(written(tmp_path, WELL.replace("good day", '" "')), "build", "--out", "built")
    assert (done.returncode, (tmp_path / "built").exists()) == (1, False)
    assert "one-greeter-1  /etc/greeter/words:1  refused by awk" in done.stderr


@pytest.mark.parametrize(
    ("tier", "says"),
    [
        ("{greter: {port: 7008}}", "did you mean `greeter`?"),
        ("{greeter: {prt: 7008}}", "did you mean `port`?"),
        ("{greeter: {port: 80}}", "at least 1024"),
    ],
)
def test_its_keys_are_judged_as_ours_are(tmp_path: Path, tier: str, says: str) -> None:
    estate = written(tmp_path, GREETS + f"tiers: {tier}\n")
    done = run(estate, "check")
    line = len(estate.read_text().splitlines())
    assert done.returncode == 2 and f"estate.yaml:{line}:" in done.stderr and says in done.stderr


def test_its_port_is_no_pools_on_the_same_hosts(tmp_path: Path) -> None:
    both = GREETS + "groups: {greeter: {id: 0, roles: [greeter]}, both: {id: 1, roles: [greeter, backend]}}\n"
    text = both.replace("backend: 2", "backend: 2, both: 1").replace(
        "hosts: backend, port: 8080", "hosts: both, port: 7007"
    )
    text = text.replace("groups: {greeter: {id: 0, roles: [greeter]}, both", "groups: {both")
    done = run(written(tmp_path, text), "check")
    assert done.returncode == 2 and "7007 is the port of `greeter` on the same hosts" in done.stderr, (
        done.stderr
    )


def test_editors_know_its_keys_and_roles(tmp_path: Path) -> None:
    found = json.loads(run(written(tmp_path, GREETS), "schema").stdout)["$defs"]
    assert found["Group"]["properties"]["roles"]["items"]["enum"][-1] == "greeter"
    assert {"proxy", "greeter"} <= found["Tiers"]["properties"].keys()


def test_without_its_package_its_role_is_none(tmp_path: Path) -> None:
    done = run(written(tmp_path, GREETS), "check", brought="")
    assert done.returncode == 2 and "`greeter` is not in `groups`" in done.stderr


@pytest.mark.parametrize(
    ("file", "spoil", "says"),
    [
        ("rendered", ('"greeter": Role(14)', '"proxy": Role(14)'), "there is a role `proxy` already"),
        ("rendered", ("Role(14)", "Role(3)"), "which is `proxy`'s"),
        ("rendered", ("Role(14)", "Role(15)"), "at most 14"),
        ("rendered", ('tiers={"greeter"', 'tiers={"proxy"'), "there is a tier `proxy` already"),
        (
            "rendered",
            ('    "greeter",\n    with_role', '    "haproxy",\n    with_role'),
            "is not the daemon greeter",
        ),
        ("rendered", ("RENDERED = ", "OTHER = "), "its package has `rendered.py` with RENDERED"),
        ("rendered", ("    ready=_ready,", "    reddy=_ready,"), "TypeError"),
        ("daemon", ("DAEMON = Daemon(", "DAEMON = Daemon(("), "SyntaxError"),
        (
            "daemon",
            ('Probe("greeting"', 'Probe("bgp"'),
            "daemons from outside clash: two probes are called bgp",
        ),
    ],
)
def test_a_room_that_cannot_be_had_is_said(
    tmp_path: Path, file: str, spoil: tuple[str, str], says: str
) -> None:
    for each in OUTSIDE.rglob("*"):
        if each.is_file() and each.suffix != ".pyc":
            to = tmp_path / "brought" / each.relative_to(OUTSIDE)
            to.parent.mkdir(parents=True, exist_ok=True)
            to.write_text(each.read_text())
    half = tmp_path / f"brought/greeter/{file}.py"
    assert spoil[0] in half.read_text()
    half.write_text(half.read_text().replace(*spoil))
    done = run(written(tmp_path, GREETS), "check", brought=str(tmp_path / "brought"))
    assert (done.returncode, says in done.stderr) == (2, True), done.stderr
