"""Route origin validation by the BIRD of both releases, with a real validator (StayRTR): what is refused and why, and what
stays when the validator goes away, or comes back with nothing.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.daemons.test_router_real import FAR, NETWORKS, OWN, START, START_FAR
from trimtab.daemons.artifact import Artifact
from trimtab.daemons.bird.defence import REASONS
from trimtab.daemons.rendered import render_host
from trimtab.delivery import sandbox, systems
from trimtab.delivery.build import write_host
from trimtab.delivery.throwaway import ThrowawayCa, host_files, registry_passwords
from trimtab.estate.inventory import Inventory
from trimtab.estate.load import read_estate
from trimtab.estate.platform import PLATFORMS, Platform

pytestmark = pytest.mark.daemon
JITTER = timedelta(seconds=0.5)  # BIRD reckons a time of day anew at each question
ESTATE = """\
estate: small
zone: small.example
sites:
  two:
    id: 2
    at: [1.3, 103.8]
    asn: 65020
    hosts: {router: 1, proxy: 2, backend: 2}
    upstreams: {isp: {asn: 64501, peer: [198.51.100.9, "2001:db8:ff02::1"]}}
edge:
  anycast: {prefixes: [203.0.113.0/24, "2001:db8:113::/48"]}
  rpki: {validators: ["198.51.100.9:3323"], expire: 10m}
services:
  www: {names: [www.small.example], routes: [{pool: web}]}
pools: {web: {hosts: backend, port: 8080}}
"""
# its own, somebody else's, nobody's, too long for its ROA, a bogon, a part of ours, longer than a /24
FEED = (
    "45.0.1.0/24",
    "45.0.2.0/24",
    "45.0.3.0/24",
    "45.1.7.0/24",
    "10.9.0.0/16",
    "203.0.113.128/25",
    "45.0.5.0/25",
)
ROAS = {"45.0.1.0/24": (24, 64501), "45.0.2.0/24": (24, 174), "45.1.0.0/16": (16, 64501)}
UPSTREAM = FAR + (
    f"protocol static feed {{ ipv4; {' '.join(f'route {net} blackhole;' for net in FEED)} }}\n"
    "protocol bgp two { local 198.51.100.9 as 64501; neighbor 198.51.100.10 as 65020; bfd on; connect retry time 1;\n"
    "  error wait time 1, 2; ipv4 { import all; export all; }; }\n"
)
LIST = json.dumps({"roas": [{"prefix": p, "maxLength": m, "asn": a} for p, (m, a) in ROAS.items()]})
SCRIPT = r"""
validator() {
    nsenter --target $far --net /usr/local/lib/test/stayrtr -bind 198.51.100.9:3323 -cache /run/roas.json -checktime=false -metrics.addr= \
        -refresh 1 >/run/stayrtr.log 2>&1 & cache=$!
}
why() { ours "show route $1 table wan4 filtered all" | sed -n 's/.*BGP.large_community:.*(65020, 2, \([0-9]*\)).*/\1/p'; }
taken() { ours "show route $1 table wan4" | grep -q up_isp4; }
known() { ours show route count | sed -n 's/^\([0-9]*\) of.*table roas4/\1/p'; }
since() { ours show protocols up_isp4 | awk '$1 == "up_isp4" { print $5 }'; }
printf '%s' "$LIST" > /run/roas.json
validator
until_ "the validator listens" 'there ss -Hltn | grep -q :3323'
"""


@pytest.fixture(params=[pytest.param(p, marks=[] if p == OWN else pytest.mark.full) for p in PLATFORMS])
def ask(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[..., list[str]]:
    """Runs a script on the router's files; its lines. estate: instead of ESTATE."""
    platform: Platform = request.param
    release = systems.wanted(platform)
    system = systems.find(release, ["/usr/sbin/bird"]) if release else None

    def run(script: str, estate: str = ESTATE) -> list[str]:
        found = Inventory(read_estate(f"platform: {platform}\n{estate}", "estate.yaml")[0])
        host = found.by_name["two-router-1"]
        root, extra = tmp_path / "host", tmp_path / "extra"
        write_host(root, (*render_host(found, host), Artifact("/etc/test/far.conf", UPSTREAM)))
        write_host(extra, host_files(host, ThrowawayCa("test"), registry_passwords()))
        program = shutil.which("stayrtr")
        assert program, "scripts/bootstrap brings it"
        (root / "usr/local/lib/test").mkdir(parents=True)
        shutil.copy(program, root / "usr/local/lib/test/stayrtr")
        front = found.front("two")[0]
        nets = "\n".join(
            [
                f"network {host.vlan.interface} {host.v4}/24 {host.v6}/64 {host.vlan.v4[20]}/24 {host.vlan.v6[32]}/64",
                f"network {front.vlan.interface} {front.vlan.host(4, 1)}/24 {front.vlan.host(6, 1)}/64 {front.v4}/24 {front.v6}/64",
                "network uplink 198.51.100.10/29 2001:db8:ff02::2/125 198.51.100.9/29 2001:db8:ff02::1/125",
            ]
        )
        # a validator is asked again every 5 s, and StayRTR, started anew, hangs up on most who name its last session before they
        # have read why: several tries can pass until BIRD asks for all of it
        waiting = NETWORKS.replace("-lt 400", "-lt 2400")
        whole = f"LIST='{LIST}'\n" + waiting.replace("{networks}", nets) + SCRIPT + script
        whole += "\ntheirs down > /dev/null; ours down > /dev/null; kill $cache $far 2>/dev/null\n"
        reply = sandbox.run(root, extra, set(), {"it": ["sh", "-c", whole]}, system, 150)["it"]
        assert "never:" not in reply.text, reply.text
        return reply.text.splitlines()

    return run


def test_a_route_is_refused_with_its_reason_and_what_no_roa_speaks_of_is_taken(
    ask: Callable[..., list[str]],
) -> None:
    script = START + START_FAR + r"""
until_ "the list is there" '[ "$(known)" = 3 ]'
until_ "an invalid origin is refused" '[ "$(why 45.0.2.0/24)" = 6 ]'
until_ "its own is taken" 'taken 45.0.1.0/24'
until_ "what no ROA speaks of is taken" 'taken 45.0.3.0/24'
for net in 45.0.2.0/24 45.1.7.0/24 10.9.0.0/16 203.0.113.128/25 45.0.5.0/25; do
    taken $net && echo "taken $net"; echo "$net $(why $net)"
done
"""  # fmt: skip
    said = ask(script)
    assert not [line for line in said if line.startswith("taken")]
    expected = {
        "45.0.2.0/24": "invalid",
        "45.1.7.0/24": "invalid",
        "10.9.0.0/16": "bogon",
        "203.0.113.128/25": "ours",
        "45.0.5.0/25": "length",
    }
    for net, reason in expected.items():
        assert f"{net} {REASONS[reason]}" in said, said  # type: ignore[index]


def test_sessions_and_the_last_answer_stay_without_a_validator_and_one_that_knows_nothing_of_it_is_believed(
    ask: Callable[..., list[str]],
) -> None:
    script = START + START_FAR + r"""
until_ "an invalid origin is refused" '[ "$(why 45.0.2.0/24)" = 6 ]'
echo "since $(since)"
kill -9 $cache; wait $cache 2>/dev/null
until_ "BIRD has noticed" '! ours show protocols validator_1 | grep -q Established'
sleep 1
until_ "the last answer stays" '[ "$(known)" = 3 ] && [ "$(why 45.0.2.0/24)" = 6 ]'
echo '{"roas": [{"prefix": "45.9.0.0/16", "maxLength": 16, "asn": 174}]}' > /run/roas.json; validator
until_ "a list without it is believed: it is taken" 'taken 45.0.2.0/24'
printf '%s' "$LIST" > /run/roas.json
until_ "and refused again by itself" '[ "$(why 45.0.2.0/24)" = 6 ] && ! taken 45.0.2.0/24'
echo "since $(since)"
"""  # fmt: skip
    said = ask(script)
    assert "and refused again by itself" in said, said
    began, ended = (datetime.strptime(each, "since %H:%M:%S.%f") for each in said if each.startswith("since"))
    assert abs(ended - began) < JITTER, "the BGP session went down"


def test_one_that_has_no_data_is_told_from_one_that_says_so(ask: Callable[..., list[str]]) -> None:
    """StayRTR 0.5 tells an empty list; 0.6 refuses, it has no data (RFC 8210, 8.4), and then the last answer counts."""
    script = START + START_FAR + r"""
until_ "an invalid origin is refused" '[ "$(why 45.0.2.0/24)" = 6 ]'
kill -9 $cache; wait $cache 2>/dev/null
until_ "BIRD has noticed" '! ours show protocols validator_1 | grep -q Established'
echo '{"roas": []}' > /run/roas.json; validator
until_ "it is believed, or says no data" 'taken 45.0.2.0/24 || ours show protocols validator_1 | grep -q No-Data'
taken 45.0.2.0/24 || echo "still $(known) and $(why 45.0.2.0/24)"
"""  # fmt: skip
    *_, last = ask(script)
    assert last in ("it is believed, or says no data", "still 3 and 6")


def test_where_nothing_is_refused_an_invalid_route_is_marked(ask: Callable[..., list[str]]) -> None:
    script = START + START_FAR + r"""
marked() { ours "show route 45.0.2.0/24 table wan4 all" | grep -q '(65020, 2, 6)'; }
until_ "it is marked" 'marked && taken 45.0.2.0/24'
ours "show route 45.0.1.0/24 table wan4 all" | grep large_community
"""  # fmt: skip
    said = ask(script, ESTATE.replace("expire: 10m", "reject: none"))
    assert "it is marked" in said
    assert any("(65020, 1, 1)" in line and "(65020, 2, 6)" not in line for line in said), said
