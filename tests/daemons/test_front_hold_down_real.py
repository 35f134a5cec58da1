"""A proxy that comes and goes, as its site's upstream hears it: front-watch and `front` as rendered, and two real BIRDs.

All of them in a network of their own. One BIRD has the anchor of `lo` and a prefix that is recursive through it, as a router's
file has it; the other one is the upstream, and its log says how often it heard the prefix come or go.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.daemons.test_front_watch_real import ESTATE, UNSHARE
from trimtab.daemons.artifact import HOOKS
from trimtab.daemons.front.config import render
from trimtab.estate import addressing
from trimtab.estate.inventory import Inventory
from trimtab.estate.load import read_estate

pytestmark = [pytest.mark.daemon, pytest.mark.timeout(150)]
SECONDS = 30  # that the proxy comes and goes for, about every second and a half
PREFIX = "198.18.1.0/24"

OURS = """\
router id 10.0.0.1;
ipv4 table anchor4;
ipv4 table wan4;
protocol device { scan time 1; }
protocol direct own4 { interface "lo"; ipv4 { table anchor4;
  import filter { if net = ANCHOR/32 then { dest = RTD_BLACKHOLE; accept; } reject; }; }; }
protocol static origin4 { ipv4 { table wan4; }; igp table anchor4; route PREFIX recursive ANCHOR; }
protocol bgp up_isp4 { local 127.0.0.1 port 2179 as 65010; neighbor 127.0.0.2 port 2180 as 64500; strict bind; multihop;
  connect delay time 1; connect retry time 1;
  ipv4 { table wan4; next hop self; import none; export where dest != RTD_UNREACHABLE; }; }
"""
THEIRS = """\
router id 10.0.0.2;
log "theirs.log" all;
protocol device { }
protocol bgp isp { local 127.0.0.2 port 2180 as 64500; neighbor 127.0.0.1 port 2179 as 65010; strict bind; multihop;
  connect delay time 1; connect retry time 1; debug { routes };
  ipv4 { import all; export none; }; }
"""
# HOOKS PORT A4 SECONDS: the page answers while the file `works` is there.
SCRIPT = """
set -eu
mount -t tmpfs tmpfs /run
mkdir -p /run/trimtab
cd "$1"
ip link set lo up
touch works
python3 -c '
import http.server, os, sys
class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if os.path.exists("works") else 503); self.end_headers()
    def log_message(self, *_): pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Page).serve_forever()' "$2" &
bird -c ours.conf -s ours.ctl -P ours.pid
bird -c theirs.conf -s theirs.ctl -P theirs.pid
./front init
./front set process up
./front-watch &
here() { ip -o address show dev lo | grep -q "$3/32"; }
heard() { birdc -s theirs.ctl show route | grep -q 198.18.1.0/24; }
ends=$(($(date +%s) + 30))
until here "$@" && heard; do [ "$(date +%s)" -lt "$ends" ] || { echo never; exit 1; }; sleep 0.05; done
ends=$(($(date +%s) + $4)) losses=0
while [ "$(date +%s)" -lt "$ends" ]; do
    if here "$@"; then rm works; losses=$((losses + 1)); while here "$@"; do sleep 0.05; done; touch works; else sleep 0.05; fi
done
ends=$(($(date +%s) + 30))
until here "$@" && heard; do [ "$(date +%s)" -lt "$ends" ] || { echo "never again"; exit 1; }; sleep 0.05; done
echo "$losses"
"""


def flapping(folder: Path, keys: str) -> tuple[int, int, str]:
    """How often the anchor was lost, how often the upstream heard something of the prefix, and what front-watch said."""
    folder.mkdir()
    inventory = Inventory(read_estate(f"{ESTATE}edge: {{hold_down: {{{keys}}}}}\n", "watch.yaml")[0])
    host = next(host for host in inventory.hosts if host.does("vips"))
    for artifact in render(inventory, host):
        file = folder / Path(artifact.path).name
        file.write_text(artifact.content.replace(HOOKS, str(folder)))
        file.chmod(artifact.mode)
    watch = (folder / "front-watch").read_text().replace("#!/usr/bin/python3", f"#!{sys.executable}")
    (folder / "front-watch").write_text(watch)
    anchor = str(addressing.anchor(4, inventory.estate.sites[host.site].id, inventory.first))
    (folder / "ours.conf").write_text(OURS.replace("ANCHOR", anchor).replace("PREFIX", PREFIX))
    (folder / "theirs.conf").write_text(THEIRS)
    ran = subprocess.run(
        [*UNSHARE, "sh", "-c", SCRIPT, "sh", str(folder), "8404", anchor, str(SECONDS)],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout + ran.stderr
    lines = (folder / "theirs.log").read_text().splitlines()
    heard = [
        each for each in lines if PREFIX in each and any(w in each for w in ("added", "removed", "updated"))
    ]
    return int(ran.stdout.split()[-1]), len(heard), ran.stderr


def test_an_upstream_hears_of_a_proxy_that_comes_and_goes_a_few_times_only(tmp_path: Path) -> None:
    """Two losses are free, then it waits for 2, 4, 8, 16 s: in half a minute there is room for six."""
    losses, heard, said = flapping(tmp_path / "held", "losses: 3, within: 60s, first: 2s, most: 20s")
    assert 4 <= losses <= 6
    assert heard <= 2 * losses + 1 <= 13
    assert "front-watch: lost 3 times within 60 s: announced again in 2 s at the earliest" in said


def test_without_it_each_time_is_heard(tmp_path: Path) -> None:
    """What the other test would pass for: the proxy could have come and gone this often."""
    losses, heard, said = flapping(tmp_path / "free", "losses: 0")
    assert losses >= 9 and heard >= 2 * losses
    assert "at the earliest" not in said
