"""front-watch and `front`, as rendered, in a network of their own: an anchor that somebody else removes is back at once."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from trimtab.daemons.artifact import HOOKS
from trimtab.daemons.front.config import render
from trimtab.estate import addressing
from trimtab.estate.inventory import Inventory
from trimtab.estate.load import read_estate

pytestmark = pytest.mark.daemon
ESTATE = (Path(__file__).parents[1] / "golden/front/watch.yaml").read_text()
UNSHARE = (
    "unshare",
    "--user",
    "--map-root-user",
    "--mount",
    "--net",
    "--pid",
    "--fork",
    "--kill-child=KILL",
    "--mount-proc",
)
# HOOKS PORT A4 A6: everything is up; then each address is removed, until it is there again.
SCRIPT = """
set -eu
mount -t tmpfs tmpfs /run
mkdir -p /run/trimtab
ip link set lo up
python3 -c '
import http.server, sys
class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers()
    def log_message(self, *_): pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Page).serve_forever()' "$2" &
"$1/front" init
"$1/front" set process up
"$1/front-watch" &
here() { ip -o address show dev lo | grep -q "$3/32" && ip -o address show dev lo | grep -q "$4/128"; }
ends=$(($(date +%s) + 20))
until here "$@"; do [ "$(date +%s)" -lt "$ends" ] || { echo never; exit 1; }; sleep 0.05; done
for address in "$3/32" "$4/128"; do
    ip address del "$address" dev lo
    until here "$@"; do [ "$(date +%s)" -lt "$ends" ] || { echo "$address is not back"; exit 1; }; sleep 0.05; done
done
"""


def test_an_anchor_that_somebody_removes_is_put_back_before_the_next_round(tmp_path: Path) -> None:
    inventory = Inventory(read_estate(ESTATE, "watch.yaml")[0])
    host = next(host for host in inventory.hosts if host.does("vips"))
    for artifact in render(inventory, host):
        file = tmp_path / Path(artifact.path).name
        file.write_text(artifact.content.replace(HOOKS, str(tmp_path)))
        file.chmod(artifact.mode)
    watch = (tmp_path / "front-watch").read_text()
    assert "now - synced >= 5 " in watch
    watch = watch.replace(
        "now - synced >= 5 ", "now - synced >= 3600 "
    )  # the regular round puts everything right, too
    (tmp_path / "front-watch").write_text(watch.replace("#!/usr/bin/python3", f"#!{sys.executable}"))
    site = inventory.estate.sites[host.site].id
    anchors = [str(addressing.anchor(family, site, inventory.first)) for family in addressing.FAMILIES]
    ran = subprocess.run(
        [*UNSHARE, "sh", "-c", SCRIPT, "sh", str(tmp_path), "8404", *anchors],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout + ran.stderr
