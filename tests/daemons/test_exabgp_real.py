"""A host that announces by itself on the ExaBGP of both releases, towards two switches (BIRD): what they hear as the anchor comes
and goes, when the host or its site is drained or shifted, and when ExaBGP ends.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from trimtab.agent.site.steer_file import Steered, text
from trimtab.daemons.announcing import anchors
from trimtab.daemons.artifact import Artifact
from trimtab.daemons.bird.shift_file import Row, ShiftFile
from trimtab.daemons.bird.shift_file import text as shift_text
from trimtab.daemons.exabgp.unit import ENVIRONMENT
from trimtab.daemons.load import load_estate
from trimtab.daemons.rendered import render_host
from trimtab.delivery import sandbox, systems
from trimtab.delivery.build import write_host
from trimtab.delivery.throwaway import ThrowawayCa, host_files, password_files, registry_passwords
from trimtab.estate.addressing import FAMILIES
from trimtab.estate.inventory import Inventory
from trimtab.estate.platform import PLATFORMS, Platform

pytestmark = pytest.mark.daemon
OWN = systems.own_platform()
RACK = Path(__file__).parents[1] / "twin/estates/rack-exabgp.yaml"
PASSWORD = "0123456789abcdef"  # hexadecimal digits alone: what could be taken for base64
PEERS = (
    ("a", 64601, 4, "10.1.48.1"),
    ("a", 64601, 6, "fd00:1:30::1"),
    ("b", 64602, 4, "10.1.48.2"),
    ("b", 64602, 6, "fd00:1:30::2"),
)
FAR = """\
router id 192.0.2.1;
protocol device { }
"""
SWITCH = """\
protocol bgp {name}{v} {{ local {far} as {asn}; neighbor {near} as 64512; strict bind; connect retry time 1;
  connect delay time 1; error wait time 1, 2; {password} ipv{v} {{ import all; export none; }}; }}
"""
SCRIPT = r"""
set -u
unshare --net sleep 300 & far=$!
until [ "$(readlink /proc/$far/ns/net)" != "$(readlink /proc/self/ns/net)" ]; do sleep 0.05; done
there() { nsenter --target $far --net "$@"; }
ip link add $front type veth peer name rack netns $far
sysctl -q net.ipv6.conf.$front.accept_dad=0; there sysctl -q net.ipv6.conf.rack.accept_dad=0
ip link set $front up; there ip link set lo up; there ip link set rack up
for each in $near; do ip address add $each dev $front; done
for each in $switches; do there ip address add $each dev rack; done
mkdir -p /var/lib/trimtab /run/exabgp
cp /etc/test/serve.conf /var/lib/trimtab/steer.conf
until_() { n=0; until eval "$2"; do n=$((n + 1)); [ $n -lt 400 ] || { echo "never: $1"; all; exit 1; }; sleep 0.05; done; echo "$1"; }
at() { there birdc -s /run/$1.ctl "$2"; }
heard() { at ${1%?} "show route protocol $1 all"; }
all() { at a "show protocols"; at b "show protocols"; for each in a4 a6 b4 b6; do heard $each; done; cat /run/exabgp.log; }
everybody() { for each in a4 a6 b4 b6; do heard $each | grep -q "$1" || return 1; done; }
somebody() { for each in a4 a6 b4 b6; do heard $each | grep -q "$1" && return 0; done; return 1; }
run=/usr/local/lib/trimtab/exabgp-run
start() { $run fill; $run /run/exabgp/exabgp.conf >> /run/exabgp.log 2>&1 & speaker=$!; }
anchor() { for each in $2; do ip address $1 $each dev lo; done; }  # add, del
for each in a b; do there bird -c /etc/test/$each.conf -s /run/$each.ctl -P /run/$each.pid; done
start
until_ "sessions are up" '[ "$({ at a "show protocols"; at b "show protocols"; } | grep -c Established)" = 4 ]'
"""
STORY = r"""
told_more() { heard $1 | grep -q "BGP.as_path: 64512 64512 64512$" && heard $1 | grep -q "BGP.med: 50" && heard $1 | grep -q "(64601,3)"; }
shifted() { told_more a4 && told_more a6; }
announce="^/usr/bin/python3 -ISE .*/announce$"
anchor add "$serves"
until_ "all hear it" 'everybody "BGP.as_path: 64512$"'
anchor add "$drained"; anchor del "$serves"
until_ "a drained host is the last way" 'everybody "BGP.as_path: 64512 64512 64512 64512$" && everybody "(65535,0)"'
anchor add "$serves"
until_ "back" 'everybody "BGP.as_path: 64512$" && ! somebody "(65535,0)"'
cp /etc/test/prefer.conf /var/lib/trimtab/steer.conf
until_ "a site that is to be left says so" 'everybody "(65535,0)"'
cp /etc/test/withdraw.conf /var/lib/trimtab/steer.conf
until_ "then it is not told" '! somebody via'
cp /etc/test/serve.conf /var/lib/trimtab/steer.conf
until_ "and told again" 'everybody "BGP.as_path: 64512$"'
cp /etc/test/shift.conf /var/lib/trimtab/shift.conf
until_ "one switch hears of a shift" shifted
until_ "and the other one does not" 'heard b4 | grep -q "BGP.as_path: 64512$" && heard b6 | grep -q "BGP.as_path: 64512$"'
rm /var/lib/trimtab/shift.conf
until_ "nor anybody any more" 'everybody "BGP.as_path: 64512$" && ! somebody "(64601,3)"'
anchor del "$serves"; anchor del "$drained"
until_ "without an anchor nothing is told" '! somebody via'
anchor add "$serves"
until_ "with it all is" 'everybody "BGP.as_path: 64512$"'
old=$(pgrep -f "$announce"); kill -9 $old
until_ "who announces is started anew" '[ "$(pgrep -f "$announce")" != "$old" ] && everybody "BGP.as_path: 64512$"'
kill -9 $speaker
until_ "with the speaker its routes go" '! somebody via'
start
until_ "and come back" 'everybody "BGP.as_path: 64512$"'
kill $speaker; at a down > /dev/null; at b down > /dev/null; kill $far
"""


@pytest.mark.parametrize(
    "platform", [pytest.param(p, marks=[] if p == OWN else pytest.mark.full) for p in PLATFORMS]
)
def test_the_switches_hear_what_they_should(platform: Platform, tmp_path: Path) -> None:
    release = systems.wanted(platform)
    system = systems.find(release, ["/usr/sbin/exabgp", "/usr/sbin/bird"]) if release else None
    file = tmp_path / "estate.yaml"
    file.write_text(RACK.read_text().replace("tor-a: {", "tor-a: {password: env:TOR_A, ", 1))
    inventory = Inventory(load_estate(file))
    host = inventory.by_name["one-proxy-1"]
    prefixes = [prefix for family in FAMILIES if (prefix := inventory.public("one", family))]
    steers = {
        f"/etc/test/{step}.conf": text(Steered.of(step, prefixes)) for step in ("serve", "prefer", "withdraw")
    }
    files = {f"/etc/test/{name}.conf": switch(inventory, name) for name in ("a", "b")} | steers
    shift = ShiftFile(0, {"tor-a": Row(2, 50, ((64601, 3),))})
    files["/etc/test/shift.conf"] = shift_text(shift)
    tests = [Artifact(*each) for each in files.items()]
    root, extra = tmp_path / "host", tmp_path / "extra"
    write_host(root, (*render_host(inventory, host), *tests))
    secrets = password_files(inventory, "one", {"one/tor-a": PASSWORD})
    write_host(extra, (*host_files(host, ThrowawayCa("test"), registry_passwords()), *secrets))
    served, drained = zip(*(anchors(inventory, "one", family) for family in FAMILIES), strict=True)
    values = {
        "front": host.vlan.interface,
        "near": f"{host.v4}/24 {host.v6}/64",
        "switches": " ".join(f"{peer}/{24 if v == 4 else 64}" for _, _, v, peer in PEERS),
        "serves": " ".join(f"{each}/{each.max_prefixlen}" for each in served),
        "drained": " ".join(f"{each}/{each.max_prefixlen}" for each in drained),
    }
    whole = "".join(f'{key}="{value}"\n' for key, value in values.items())
    whole += "".join(f"export {line.replace('=exabgp', '=root')}\n" for line in ENVIRONMENT) + SCRIPT + STORY
    reply = sandbox.run(root, extra, set(), {"it": ["sh", "-c", whole]}, system)["it"]
    assert reply.text.splitlines()[-1] == "and come back", reply.text


def switch(inventory: Inventory, name: str) -> str:
    """BIRD's file, of one that has a session in each family."""
    host = inventory.by_name["one-proxy-1"]
    password = f'password "{PASSWORD}";' if name == "a" else ""
    sessions = (
        SWITCH.format(
            name=name, v=v, far=peer, asn=asn, near=host.v4 if v == 4 else host.v6, password=password
        )
        for whose, asn, v, peer in PEERS
        if whose == name
    )
    return FAR + "".join(sessions)
