"""A machine with file systems of its own below /var and files mounted over those of /etc, as servers and containers have."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from trimtab.delivery.mounts import crowded

INFO = """\
22 1 254:0 / / rw - ext4 /dev/vda rw
30 22 254:1 / /var/log rw - ext4 /dev/vdb rw
31 22 254:1 / /srv/with\\040blank/x rw - ext4 /dev/vdb rw
32 22 254:2 / /etc rw - ext4 /dev/vdc rw
"""
ESTATE = """\
estate: crowded
zone: small.example
sites:
  one:
    {id: 1, at: [22.3, 114.2], asn: 65010, hosts: {router: 1, proxy: 1, backend: 1},
     upstreams: {isp: {asn: 64500, peer: [198.51.100.1]}}}
services:
  www: {names: [www.small.example], routes: [{pool: web}]}
pools:
  web: {hosts: backend, port: 8080, check: {get: /health}}
"""
INSIDE = """
set -e
mount -t tmpfs tmpfs /var/spool
mount --bind /etc/hostname /etc/hostname
"$0" -m trimtab build -e "$1" -o "$2/out"
"$0" -m trimtab lab up -e "$1"
"$0" -m trimtab lab exec -e "$1" one-proxy-1 -- cat /etc/hostname /etc/passwd
"$0" -m trimtab lab down -e "$1"
"""


@pytest.mark.parametrize(
    ("path", "is_so"),
    [("/var", True), ("/etc", False), ("/var/log", False), ("/va", False), ("/srv/with blank", True)],
)
def test_only_what_is_mounted_below_a_folder_counts(path: str, is_so: bool) -> None:
    assert crowded(path, INFO) == is_so


@pytest.mark.twin
def test_such_a_machine_builds_and_holds_a_twin(tmp_path: Path) -> None:
    estate = tmp_path / "estate.yaml"
    estate.write_text(ESTATE)
    done = subprocess.run(
        ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", INSIDE, sys.executable, estate, tmp_path],
        capture_output=True, text=True, env={**os.environ, "TRIMTAB_STATE": str(tmp_path / "twins")}, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "one-proxy-1\n" in done.stdout and "root:x:0:0" in done.stdout
