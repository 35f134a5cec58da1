"""Builds with the real daemons as judges."""

from __future__ import annotations

import errno
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.estate.make import SMALL, estate
from trimtab.daemons.artifact import Artifact
from trimtab.daemons.rendered import render_host
from trimtab.delivery import build as module
from trimtab.delivery import sandbox
from trimtab.delivery.build import MARKER, build
from trimtab.delivery.validate import Refused
from trimtab.errors import BadInput, EnvironmentUnable, PackageMissing
from trimtab.estate.inventory import Host, Inventory
from trimtab.estate.load import load_estate

QUICK = {("haproxy", 120000), ("nginx", 65535), ("nginx", 65536)}  # the others with --full
EXAMPLES = sorted(Path(__file__).parents[2].glob("examples/*/estate.yaml"))


def tree(root: Path) -> dict[str, bytes]:
    return {str(p.relative_to(root)): p.read_bytes() for p in sorted(root.rglob("*")) if p.is_file()}


@pytest.mark.daemon
@pytest.mark.parametrize("path", EXAMPLES, ids=lambda p: p.parent.name)
def test_every_file_of_the_examples_is_accepted_by_its_daemon(path: Path, tmp_path: Path) -> None:
    built = build(load_estate(path), tmp_path / "out")
    assert built.validated and built.files > built.hosts
    assert {p.name for p in (tmp_path / "out").iterdir()} - {MARKER} == {
        h.name for h in Inventory(load_estate(path)).hosts
    }


@pytest.mark.daemon
@pytest.mark.parametrize(
    ("path", "old", "new", "program"),
    [
        ("/etc/haproxy/pools.cfg", "    balance roundrobin", "    balance sideways", "haproxy"),
        ("/etc/bird/bird.conf", "protocol device", "protocol devise", "bird"),
        ("/etc/keepalived/keepalived.conf", "advert_int 0.1", "advert_int never", "keepalived"),
        ("/etc/sysctl.d/90-trimtab.conf", "net.core.somaxconn", "net.core.nothing_such", "sysctl"),
        ("/etc/systemd/system/haproxy.service", "Type=notify", "Tipe=notify", "systemd-analyze"),
        ("/usr/local/lib/trimtab/front", 'case "$1" in', 'case "$1" inn', "sh"),
        ("/usr/local/lib/trimtab/front-watch", "def ask(path):", "def ask(path:", "python3"),
    ],
    ids=["haproxy", "bird", "keepalived", "sysctl", "systemd", "sh", "python"],
)
def test_a_refusal_names_daemon_host_file_and_leaves_nothing(
    path: str, old: str, new: str, program: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def spoiled(inventory: Inventory, host: Host) -> tuple[Artifact, ...]:
        found = render_host(inventory, host)
        if host.name != "one-proxy-1":
            return found
        assert any(old in a.content for a in found if a.path == path)
        return tuple(replace(a, content=a.content.replace(old, new)) if a.path == path else a for a in found)

    monkeypatch.setattr(module, "render_host", spoiled)
    with pytest.raises(Refused) as caught:
        build(estate(), tmp_path / "out")
    assert {(r.host, r.program) for r in caught.value.refusals} == {("one-proxy-1", program)}
    assert all(r.words for r in caught.value.refusals)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.daemon
def test_nginx_and_etcd_refuse_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = SMALL.replace("backend: 2}", "backend: 2, registry: 1}") + "tiers: {proxy: {engine: nginx}}\n"

    def spoiled(inventory: Inventory, host: Host) -> tuple[Artifact, ...]:
        worse = {
            "/etc/nginx/nginx.conf": ("sendfile on", "sendfile maybe"),
            "/etc/etcd/registry.yaml": ("election-timeout: 500", "election-timeout: x"),
        }
        return tuple(
            replace(a, content=a.content.replace(*worse[a.path])) if a.path in worse else a
            for a in render_host(inventory, host)
        )

    monkeypatch.setattr(module, "render_host", spoiled)
    with pytest.raises(Refused) as caught:
        build(estate(text), tmp_path / "out")
    assert {r.program for r in caught.value.refusals} == {"nginx", "etcd"}
    nginx = next(r for r in caught.value.refusals if r.program == "nginx")
    assert nginx.path == "/etc/nginx/nginx.conf" and nginx.line > 0


@pytest.mark.daemon
@pytest.mark.parametrize(
    ("engine", "maxconn"),
    [
        pytest.param(engine, maxconn, marks=[] if (engine, maxconn) in QUICK else pytest.mark.full)
        for engine in ("haproxy", "nginx")
        for maxconn in (100, 65535, 65536, 120000)
    ],
)
def test_as_many_clients_as_the_estate_says(tmp_path: Path, engine: str, maxconn: int) -> None:
    """nginx's limit_conn has 16 bits."""
    text = f"{SMALL}tiers: {{proxy: {{engine: {engine}, maxconn: {maxconn}}}}}\n"
    assert build(estate(text), tmp_path / "out").validated


def test_a_disk_that_is_full_is_told_and_the_last_build_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    build(estate(), out, validate=False)
    before = sorted(path.name for path in tmp_path.rglob("*"))

    def full(root: Path, artifacts: tuple[Artifact, ...]) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(root))

    monkeypatch.setattr(module, "write_host", full)
    with pytest.raises(EnvironmentUnable, match="No space left") as refused:
        build(estate(), out, validate=False)
    assert "make room" in refused.value.hint
    assert sorted(path.name for path in tmp_path.rglob("*")) == before


@pytest.mark.daemon
def test_what_hosts_have_alike_is_asked_once_and_refused_for_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A unit that names another one, and its host has the other: the same file, and its own reply."""
    unit, script = "/etc/systemd/system/trimtab-tune.service", "/usr/local/lib/trimtab/tune"
    asked: list[tuple[str, str]] = []
    run = sandbox.run

    def counted(
        root: Path, extra: Path, interfaces: set[str], commands: dict[str, list[str]], *rest: Any
    ) -> Any:
        asked.extend((root.name, path) for path in commands)
        return run(root, extra, interfaces, commands, *rest)

    def spoiled(inventory: Inventory, host: Host) -> tuple[Artifact, ...]:
        text = f"[Service]\nType=oneshot\nExecStart={script}\n"
        found = [Artifact(unit, text, validator="systemd"), Artifact("/etc/x.py", "1 +", validator="python")]
        if host.name == "one-proxy-1":
            found.append(Artifact(script, "#!/bin/sh\n", mode=0o755, validator="sh"))
        return tuple(found)

    monkeypatch.setattr(sandbox, "run", counted)
    monkeypatch.setattr(module, "render_host", spoiled)
    monkeypatch.setattr(module, "WORKERS", 1)  # two could ask at the same moment
    with pytest.raises(Refused) as caught:
        build(estate(), tmp_path / "out")
    names = {host.name for host in Inventory(estate()).hosts}
    assert {r.host for r in caught.value.refusals if r.path == "/etc/x.py"} == names
    assert {r.host for r in caught.value.refusals if r.program == "systemd-analyze"} == names - {
        "one-proxy-1"
    }
    assert sorted(path for _, path in asked) == sorted(["/etc/x.py", unit, unit, script])


def test_a_second_build_replaces_the_first_and_a_foreign_folder_stays(tmp_path: Path) -> None:
    out = tmp_path / "out"
    build(estate(), out, validate=False)
    first = tree(out)
    build(estate(), out, validate=False)
    assert tree(out) == first
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "file").write_text("x")
    with pytest.raises(BadInput, match="files that no build wrote"):
        build(estate(), tmp_path / "mine", validate=False)
    assert tree(tmp_path / "mine") == {"file": b"x"}


def test_no_secret_is_in_any_file(tmp_path: Path) -> None:
    text = SMALL.replace("2001:db8:ff01::1]}", "2001:db8:ff01::1], password: env:BGP_SECRET}")
    build(estate(text), tmp_path / "out", validate=False)
    everything = b"".join(tree(tmp_path / "out").values())
    assert b'include "/etc/trimtab/secrets/bgp-isp.conf"' in everything
    assert b"BGP_SECRET" not in everything and b"password" not in everything


def test_a_missing_daemon_names_its_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trimtab.delivery.sandbox.PATH", str(tmp_path))
    with pytest.raises(PackageMissing, match="not installed") as caught:
        build(estate(), tmp_path / "out")
    assert caught.value.exit_code == 3 and "apt-get install" in caught.value.hint


def test_what_was_put_beside_the_hosts_is_not_lost(tmp_path: Path) -> None:
    """A build replaces its folder as a whole: a report that somebody wrote into it would be gone."""
    estate, out = load_estate(EXAMPLES[0]), tmp_path / "out"
    build(estate, out, validate=False)
    build(estate, out, validate=False)
    (out / "site-power-cut").mkdir()
    (out / "site-power-cut" / "report.json").write_text("{}")
    with pytest.raises(BadInput, match="site-power-cut"):
        build(estate, out, validate=False)
    assert (out / "site-power-cut" / "report.json").exists()


def test_a_folder_that_no_build_may_replace_is_refused_before_anything_is_judged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    monkeypatch.chdir(tmp_path / "in")
    for out, says in (
        (Path(), "the folder that you are in"),
        (tmp_path, "or one above it"),
        (tmp_path / "link", "link to nothing"),
    ):
        with pytest.raises(BadInput, match=says):
            build(estate(), out, validate=False)
    assert {path.name for path in tmp_path.iterdir()} == {"in", "link"}
