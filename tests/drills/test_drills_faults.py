"""Every kind of fault at each of its targets: what it aims at, what it breaks, and that it mends it again."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time
from pathlib import Path

import pytest
from drills_paper_kit import ONCE, PROCEDURES, PaperTwin, facts, scene

from trimtab.daemons.table import table as daemons
from trimtab.drills.faults import FAULTS, table
from trimtab.drills.faults.base import Aim
from trimtab.drills.faults.power_cut import PowerCut
from trimtab.drills.faults.reload import MEND, SPOIL
from trimtab.drills.faults.session_drop import TABLE, rules
from trimtab.drills.faults.targets import check
from trimtab.drills.scene import Scene
from trimtab.errors import BadInput, TrimtabError

CASES = [
    (kind.kind, of) for kind in FAULTS.values() for of in kind.targets if kind.kind not in PROCEDURES | ONCE
]
PASSING = {
    "process-kill",
    "daemon-kill",
    "lead",
    "reload",
    "drain-killed",
    "estate-leader-killed",
}  # what undoes itself, or needs no undoing
SPOILT = {daemon.units[0]: daemon.serves.spoil[1] for daemon in daemons().daemons.values() if daemon.serves}
UNSHARE = ("unshare", "-rn")


SPEAK = ("hk-proxy-1", "hk-proxy-2")  # with upstreams, in the paper twin's hk


def aim(twin: PaperTwin, kind: str, of: str, where: Scene | None = None, **arguments: str) -> Aim:
    return FAULTS[kind].aim(twin, where or scene(), {"site": "hk", **arguments}, of)


def test_a_kind_of_fault_has_one_name() -> None:
    assert [name for name, kind in FAULTS.items() if name != kind.kind] == []
    with pytest.raises(ValueError, match="power-cut"):
        table([PowerCut(), PowerCut()])


@pytest.mark.parametrize(
    ("kind", "of", "nodes", "segments", "says"),
    [
        ("power-cut", "vip-holder", ("hk-proxy-2",), (), "hk-proxy-2, which holds the VIPs of hk, loses power"),
        ("power-cut", "announcer", ("hk-proxy-1",), (), "one of 2 proxies of hk that announce by themselves"),
        ("power-cut", "addressed", ("hk-proxy-1",), (), "hk-proxy-1 (203.0.113.10), one of 2 proxies of hk, loses power"),
        ("process-kill", "speaker", ("hk-proxy-1",), (), "one of 2 that speak with the upstreams of hk, is killed"),
        ("hang", "speaker", ("hk-proxy-1",), (), "bird.service on hk-proxy-1, one of 2 that speak"),
        ("power-cut", "proxies", ("hk-proxy-1", "hk-proxy-2"), (), "every proxy of hk (hk-proxy-1, hk-proxy-2)"),
        ("power-cut", "backend", ("hk-backend-1",), (), "one of 3 backends of hk, loses power"),
        ("power-cut", "backends", ("hk-backend-1", "hk-backend-2", "hk-backend-3"), (), "every backend of hk (3) loses power"),
        ("pool-loss", "backends", ("hk-backend-1", "hk-backend-2", "hk-backend-3"), (), "and its proxies reach no other site's"),
        ("power-cut", "store-leader", ("hk-orders-1",), (), "which leads the store orders, loses power"),
        ("power-cut", "upstream", ("as64500",), (), "as64500, which carries hk as hkix, loses power"),
        ("daemon-kill", "etcd", ("hk-registry-1",), (), "etcd-registry.service on hk-registry-1 is killed"),
        ("daemon-hang", "etcd", ("hk-registry-1",), (), "etcd-registry.service on hk-registry-1 hangs"),
        ("process-kill", "vip-holder", ("hk-proxy-2",), (), "haproxy.service on hk-proxy-2"),
        ("process-kill", "backend", ("hk-backend-1",), (), "pages.service on hk-backend-1"),
        ("hang", "vip-holder", ("hk-proxy-2",), (), "hangs (SIGSTOP)"),
        ("cable-cut", "site-links", (), ("wan.hk.sg", "wan.hk.mid"), "hk is cut off from sg, mid"),
        ("cable-cut", "replica-links", (), ("wan.hk.sg",), "from hk to sg any more"),
        ("cable-cut", "upstream-links", (), ("up.hk.hkix", "up.hk.transit"), "hk is cut off from hkix, transit"),
        ("lead", "site", ("hk-orders-1",), (), "hk-orders-1 leads the store"),
        ("session-drop", "upstream", ("hk-proxy-1", "hk-proxy-2"), (), "hk with hkix (as64500) are lost"),
        ("hijack", "upstream", ("as64500",), (), "announces 198.18.1.128/25, 2001:db8:1:8000::/49, 99.0.0.0/24 as"),
        ("validators-empty", "validators", ("as64500",), (), "every RPKI validator (1) is killed"),
        ("withdraw", "upstreams", ("hk-proxy-1", "hk-proxy-2"), (), "with hkix, transit are shut"),
        ("reload", "proxies", ("hk-proxy-2", "hk-proxy-1"), (), "renewed on hk-proxy-2, hk-proxy-1"),
        ("half-roll", "proxies", ("hk-proxy-2", "hk-proxy-1"), (), "hk-proxy-2 gets its files, and hk-proxy-1"),
        ("bad-reload", "vip-holder", ("hk-proxy-2",), (), "a configuration that cannot bind"),
        ("registry-loss", "registries", ("hk-registry-1", "sg-registry-1", "mid-registry-1"), (), "every registry member of every site"),
        ("deploy", "backends", ("hk-backend-1", "hk-backend-2", "hk-backend-3"), (), "every backend of hk (3) gets version v"),
        ("split", "canary", ("hk-proxy-1", "sg-proxy-1"), (), "web-next gets 5 % of www/web+web-next at every site"),
        ("flap", "backend", ("hk-backend-1",), (), "fail and succeed in turns"),
        ("drain", "site", ("hk-router-1",), (), "an operator drains hk"),
        ("two-drains", "two-sites", (), (), "two operators drain hk and sg at the same moment"),
        ("drain-killed", "site", ("hk-router-1",), (), "dies: the command after `prefer`, the command after `withdraw`, a router's agent"),
        ("estate-leader-killed", "site", ("hk-router-1",), (), "drain of hk dies: the store's leader after `prefer`"),
        ("freeze", "estate", (), (), "another one asks for a drain of hk"),
        ("estate-loss", "estate-members", ("hk-registry-1", "sg-registry-1", "mid-registry-1"), (), "a member of the estate's store"),
        ("observer-blackhole", "one-vantage", ("sg-registry-1",), (), "the observers of sg hear no answer of hk's endpoint"),
        ("observer-blackhole", "every-vantage", ("hk-registry-1", "sg-registry-1", "mid-registry-1"), (), "no observer of any site (3)"),
        ("observer-blackhole", "one-front", ("hk-registry-1", "sg-registry-1", "mid-registry-1"), (), "more than pings of hk's endpoint"),
        ("upgrade", "proxies", ("hk-proxy-1", "hk-proxy-2"), (), "on hk-proxy-1, hk-proxy-2 goes on as"),
        ("upgrade-drained", "proxies", ("hk-proxy-1", "hk-proxy-2"), (), "drained and started from"),
        ("crash-loop", "vip-holder", ("hk-proxy-2",), (), "dies whenever it has come up"),
    ],
)  # fmt: skip
def test_what_is_hit_and_how_it_is_told(
    tmp_path: Path, kind: str, of: str, nodes: tuple[str, ...], segments: tuple[str, ...], says: str
) -> None:
    found = aim(PaperTwin(tmp_path), kind, of)
    assert (found.site, found.nodes, found.segments) == ("hk", nodes, segments)
    assert says in found.says


def test_a_whole_site_is_all_of_its_hosts(tmp_path: Path) -> None:
    found = aim(PaperTwin(tmp_path), "power-cut", "site")
    assert set(found.nodes) == set(facts()["sites"]["hk"]["hosts"])


def test_a_flood_comes_from_where_the_site_s_clients_are(tmp_path: Path) -> None:
    target = {"service": "www", "host": "shop.example", "path": "/", "addresses": ["198.18.1.10"]}
    region = {"node": "clients-asia", "nearest": "hk", "sources": {"4": ["100.64.0.1"]}, "targets": [target]}
    few = scene(maxconn=500, regions={"asia": region})
    found = aim(PaperTwin(tmp_path), "flood", "vips", few)
    assert found.nodes == ("clients-asia",) and "1,500 clients in asia connect to hk" in found.says
    told = json.loads(found.names[0])
    assert (told["connections"], told["name"]) == (1500, "shop.example")
    assert told["addresses"] == list(few.sites["hk"].vips)
    with pytest.raises(BadInput, match="no region is nearest to sg"):
        aim(PaperTwin(tmp_path), "flood", "vips", few, site="sg")


def test_a_proxy_that_holds_more_than_one_machine_makes_is_bad_input(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="20000"):
        aim(PaperTwin(tmp_path), "flood", "vips")


def test_a_daemon_that_no_host_of_the_site_runs_is_bad_input(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no host of mid runs haproxy"):
        aim(PaperTwin(tmp_path), "daemon-hang", "haproxy", site="mid")


def test_the_upstream_can_be_named(tmp_path: Path) -> None:
    assert aim(PaperTwin(tmp_path), "power-cut", "upstream", upstream="transit").nodes == ("as64501",)
    assert aim(PaperTwin(tmp_path), "session-drop", "upstream", upstream="transit").names == ("198.51.100.9",)


def test_a_store_leader_elsewhere_is_hit_where_it_is(tmp_path: Path) -> None:
    twin = PaperTwin(tmp_path)
    twin.leader = "sg-orders-1"
    found = aim(twin, "power-cut", "store-leader")
    assert (found.site, found.nodes) == ("sg", ("sg-orders-1",))


@pytest.mark.parametrize(("kind", "of"), CASES)
def test_struck_twice_is_struck_once_and_restored_twice_is_whole(tmp_path: Path, kind: str, of: str) -> None:
    twin = PaperTwin(tmp_path)
    found = aim(twin, kind, of)
    FAULTS[kind].restore(twin, found)
    assert twin.broken() == {}, "a fault that was written down and never struck"
    FAULTS[kind].strike(twin, found)
    once = twin.broken()
    assert bool(once) == (kind not in PASSING)
    FAULTS[kind].strike(twin, found)
    assert twin.broken() == once
    for _ in range(2):
        FAULTS[kind].restore(twin, found)
        assert twin.broken() == {}


@pytest.mark.parametrize(
    ("kind", "of", "broken"),
    [
        ("power-cut", "backend", {"dark": {"hk-backend-1"}}),
        ("hang", "vip-holder", {"stopped": {"hk-proxy-2/haproxy.service"}}),
        ("cable-cut", "replica-links", {"cut": {"wan.hk.sg"}}),
        (
            "withdraw",
            "upstreams",
            {"shut": {each: {"up_hkix4", "up_hkix6", "up_transit4"} for each in SPEAK}},
        ),
        ("bad-reload", "vip-holder", {"spoiled": {"hk-proxy-2"}}),
        (
            "session-drop",
            "upstream",
            {"filters": dict.fromkeys(SPEAK, rules(("198.51.100.1", "2001:db8:ff01::1")))},
        ),
    ],
)
def test_what_is_broken_is_what_was_aimed_at(tmp_path: Path, kind: str, of: str, broken: object) -> None:
    twin = PaperTwin(tmp_path)
    FAULTS[kind].strike(twin, aim(twin, kind, of))
    assert twin.broken() == broken


def test_a_killed_unit_is_the_one_that_serves(tmp_path: Path) -> None:
    twin = PaperTwin(tmp_path)
    for of in ("vip-holder", "backend"):
        FAULTS["process-kill"].strike(twin, aim(twin, "process-kill", of))
    assert twin.killed == ["hk-proxy-2/haproxy.service", "hk-backend-1/pages.service"]


def test_a_hung_proxy_that_has_ended_meanwhile_needs_no_waking(tmp_path: Path) -> None:
    twin = PaperTwin(tmp_path)
    found = aim(twin, "hang", "vip-holder")
    FAULTS["hang"].strike(twin, found)
    twin.kill("hk-proxy-2", "haproxy.service")
    twin.stopped.clear()
    FAULTS["hang"].restore(twin, found)


def test_reloads_say_whether_they_were_taken(tmp_path: Path) -> None:
    twin = PaperTwin(tmp_path)
    told = FAULTS["reload"].strike(twin, aim(twin, "reload", "proxies")).told
    assert told == {node: {"taken": True, "said": ""} for node in ("hk-proxy-2", "hk-proxy-1")}
    told = FAULTS["bad-reload"].strike(twin, aim(twin, "bad-reload", "vip-holder")).told
    assert told["hk-proxy-2"]["taken"] is False
    assert "Address already in use" in told["hk-proxy-2"]["said"]


def test_the_good_configuration_is_taken_up_again(tmp_path: Path) -> None:
    twin = PaperTwin(tmp_path)
    found = aim(twin, "bad-reload", "vip-holder")
    FAULTS["bad-reload"].strike(twin, found)
    assert twin.renewed == []
    FAULTS["bad-reload"].restore(twin, found)
    assert twin.renewed == ["hk-proxy-2"]


@pytest.mark.parametrize("first", ["hk-orders-1", "sg-orders-1"])
def test_a_sites_member_leads_whoever_led_before(tmp_path: Path, first: str) -> None:
    twin = PaperTwin(tmp_path)
    twin.leader = first
    FAULTS["lead"].strike(twin, aim(twin, "lead", "site"))
    assert twin.leader == "hk-orders-1"


@pytest.mark.parametrize(
    ("kind", "of", "arguments", "says"),
    [
        ("power-cut", "upstream", {"site": "mid"}, "mid has no upstream"),
        ("session-drop", "upstream", {"site": "mid"}, "mid has no upstream"),
        ("cable-cut", "upstream-links", {"site": "mid"}, "mid has no upstream-links"),
        ("withdraw", "upstreams", {"site": "mid"}, "mid has no upstream"),
        ("power-cut", "upstream", {"upstream": "sgix"}, "hk has no upstream 'sgix'"),
        ("power-cut", "backend", {"site": "mid"}, "mid has 1 backends"),
        ("process-kill", "backend", {"site": "mid"}, "mid has 1 backends"),
        ("power-cut", "proxies", {"site": "mid"}, "mid has no prox"),
        (
            "power-cut",
            "addressed",
            {"site": "sg"},
            "sg has no two proxies with public addresses of their own",
        ),
        ("drain", "site", {"site": "mid"}, "mid has no proxy"),
        ("second-fault", "site", {"site": "mid"}, "mid has no proxy"),
        ("observer-blackhole", "one-vantage", {"site": "mid"}, "mid has no proxy"),
        ("power-cut", "site", {"site": "la"}, "no site 'la'"),
    ],
)
def test_an_estate_without_what_is_hit_is_bad_input(
    tmp_path: Path, kind: str, of: str, arguments: dict[str, str], says: str
) -> None:
    with pytest.raises(BadInput) as refused:
        aim(PaperTwin(tmp_path), kind, of, **arguments)
    assert says in refused.value.message


def without(site: str, **changed: object) -> Scene:
    sites = facts()["sites"]
    return scene(sites={**sites, site: {**sites[site], **changed}})


@pytest.mark.parametrize(
    ("where", "site", "says", "hint"),
    [
        (without("hk", across={"api": ["sg"], "web": []}), "hk", "hk asks no other site for web", "across: nearest"),
        (without("hk", across={"api": [], "web": []}), "hk", "hk asks no other site for api, web", "second site"),
        (without("hk", backends=[]), "hk", "hk has no backends", "sg, mid"),
        (scene(), "mid", "mid has no proxy", "hk, sg"),
    ],
)  # fmt: skip
def test_a_pool_is_lost_where_it_was_and_where_somebody_else_has_it(
    where: Scene, site: str, says: str, hint: str
) -> None:
    with pytest.raises(BadInput) as refused:
        check(where, {"site": site}, "power-cut", "backends")
    assert says in refused.value.message and hint in str(refused.value.hint)


def test_one_backend_is_enough_to_lose_a_pool(tmp_path: Path) -> None:
    alone = without("hk", backends=["hk-backend-1"])
    check(alone, {"site": "hk"}, "power-cut", "backends")
    assert aim(PaperTwin(tmp_path), "power-cut", "backends", alone).nodes == ("hk-backend-1",)
    with pytest.raises(BadInput, match="1 backends"):
        check(alone, {"site": "hk"}, "deploy", "backends")


@pytest.mark.parametrize(("kind", "of"), [("power-cut", "store-leader"), ("lead", "site")])
def test_without_a_store_nobody_leads(tmp_path: Path, kind: str, of: str) -> None:
    with pytest.raises(BadInput, match="store"):
        aim(PaperTwin(tmp_path), kind, of, scene(stores={}))


def test_a_site_that_holds_no_vips_has_no_holder(tmp_path: Path) -> None:
    twin = PaperTwin(tmp_path)
    twin.holder = ""
    for kind in ("hang", "bad-reload", "reload", "process-kill"):
        with pytest.raises(TrimtabError, match="not clear"):
            aim(twin, kind, FAULTS[kind].targets[0])


def test_one_site_alone_has_no_links_to_cut(tmp_path: Path) -> None:
    alone = scene(sites={"hk": {**facts()["sites"]["hk"], "links": {}}})
    with pytest.raises(BadInput, match="no site-links to cut"):
        aim(PaperTwin(tmp_path), "cable-cut", "site-links", alone)


@pytest.mark.daemon
def test_the_real_nft_takes_the_rules_twice_and_has_them_once() -> None:
    text = rules(("198.51.100.1", "2001:db8:ff01::1"))
    subprocess.run([*UNSHARE, "nft", "-c", "-f", "-"], input=text, text=True, check=True, timeout=20)
    script = 'nft -f "$1"; nft list ruleset; echo ==; nft -f "$1"; nft list ruleset; echo ==; nft -f "$2"; nft list ruleset'
    gone = f"add table inet {TABLE}\ndelete table inet {TABLE}\n"
    once, twice, never = _lists(script, text, gone).split("==\n")
    assert "198.51.100.1" in once and "2001:db8:ff01::1" in once and once.count("drop") == 8
    assert once == twice
    assert TABLE not in never


def _lists(script: str, *texts: str) -> str:
    """Output of a script in a network of its own; its arguments are files with these texts."""
    made = (
        'set -eu; d=$(mktemp -d); n=0; for t; do n=$((n+1)); printf %s "$t" > $d/$n; done; set -- $d/1 $d/2; '
    )
    done = subprocess.run([*UNSHARE, "sh", "-c", made + script, "sh", *texts],
                          capture_output=True, text=True, timeout=20, check=False)  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


LOST = """
import socket, sys
def passes(source, port):
    family = socket.AF_INET6 if ":" in source else socket.AF_INET
    with socket.socket(family) as server, socket.socket(family) as client:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind(("::1" if ":" in source else "127.0.0.1", port))
        server.listen()
        client.bind((source, 0))
        client.settimeout(0.3)
        try:
            client.connect(server.getsockname())
        except TimeoutError:
            return False
        return True
print([passes(*asked) for asked in [("127.0.0.2", 179), ("127.0.0.2", 443), ("127.0.0.3", 179), ("fd00::2", 179)]])
"""


@pytest.mark.daemon
def test_only_bgp_with_the_peer_is_lost() -> None:
    text = rules(("127.0.0.2", "fd00::2"))
    script = 'ip link set lo up; ip addr add fd00::2/128 dev lo nodad; nft -f "$1"; python3 "$2"'
    assert _lists(script, text, LOST).strip() == "[False, True, True, False]"


def _spoiler(script: str, folder: Path, *argv: str) -> None:
    mine = script.replace("/run/trimtab-drill.pid", str(folder / "pid"))
    subprocess.run(["sh", "-c", mine, "sh", *argv], check=True, timeout=20)


def _taken(port: int) -> bool:
    with socket.socket() as tried:
        try:
            tried.bind(("127.0.0.1", port))
        except OSError:
            return True
        return False


@pytest.mark.daemon
@pytest.mark.skipif(shutil.which("socat") is None, reason="socat is not installed")
@pytest.mark.parametrize("unit", sorted(SPOILT))
def test_the_spoiled_configuration_passes_its_checker_and_is_put_back(tmp_path: Path, unit: str) -> None:
    """Somebody else has the port: the daemon's own checker cannot know."""
    whole = {
        "haproxy.service": "defaults\n    mode http\n    timeout connect 1s\n    timeout client 1s\n    timeout server 1s\n",
        "nginx.service": f"pid {tmp_path}/nginx.pid;\nevents {{ }}\nhttp {{\n    access_log off;\n}}\n",
    }[unit]
    check = {
        "haproxy.service": ["haproxy", "-c", "-f"],
        "nginx.service": ["nginx", "-e", "stderr", "-t", "-c"],
    }[unit]
    port = _free_port()
    config, edit = tmp_path / "config", SPOILT[unit].format(port=port)
    config.write_text(whole)
    for _ in range(2):
        _spoiler(SPOIL, tmp_path, str(config), str(port), edit)
        try:
            assert _taken(port)
            assert config.read_text().count(f"127.0.0.1:{port}") == 1
            done = subprocess.run(
                [*check, str(config)], capture_output=True, text=True, timeout=20, check=False
            )
            assert done.returncode == 0, done.stderr
        finally:
            for _ in range(2):
                _spoiler(MEND, tmp_path, str(config))
        assert config.read_text() == whole
        assert _soon_free(port), "what took the port still has it"


def _soon_free(port: int) -> bool:
    """A killed process needs a moment to be gone."""
    ends = time.monotonic() + 5
    while _taken(port):
        if time.monotonic() > ends:
            return False
        time.sleep(0.02)
    return True


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
