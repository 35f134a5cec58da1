"""What the probes make of the replies that real daemons gave: HAProxy 2.6, nginx, BIRD 2.0, etcd 3.4, iproute2."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from drills_paper_kit import MEMBERS, PaperTwin, scene

from trimtab.daemons.frr import wire as frr
from trimtab.daemons.haproxy import asked as haproxy
from trimtab.daemons.nginx import asked as nginx
from trimtab.drills.probes import PROBES, agents, route, store
from trimtab.drills.probes.vip import judge_holder
from trimtab.drills.scene import Site, Upstream
from trimtab.errors import EnvironmentUnable, InvalidResponse
from trimtab.lab.transit import session_to

# Which proxy holds the VIPs.

SITE = Site(
    "hk", ("hk-proxy-1", "hk-proxy-2"), ("hk-proxy-1", "hk-proxy-2"), "haproxy.service", ("198.18.1.10", "2001:db8:1::a")
)  # fmt: skip
PLAIN = (
    "1: lo    inet 127.0.0.1/8 scope host lo\n2: e0    inet 10.1.48.10/24 brd 10.1.48.255 scope global e0\n"
)
BOTH = (
    PLAIN
    + "2: e0    inet 198.18.1.10/32 scope global e0\n2: e0    inet6 2001:db8:1:0::a/128 scope global nodad\n"
)


def test_the_holder_has_every_vip() -> None:
    assert judge_holder(SITE, {"hk-proxy-1": PLAIN, "hk-proxy-2": BOTH}) == "hk-proxy-2"


@pytest.mark.parametrize("replies", [(PLAIN, PLAIN), (BOTH, BOTH), (PLAIN, BOTH.rsplit("2: e0", 1)[0])])
def test_an_unclear_holder_is_not_guessed(replies: tuple[str, str]) -> None:
    with pytest.raises(EnvironmentUnable, match="not clear"):
        judge_holder(SITE, dict(zip(SITE.proxies, replies, strict=True)))


def test_the_look_names_a_holder_only_if_there_is_one(tmp_path: Path) -> None:
    twin = PaperTwin(tmp_path)
    seen = PROBES["vip"](twin, scene(), "hk")
    assert seen["holder"] == "hk-proxy-2"
    assert seen["held"] == {"hk-proxy-1": [], "hk-proxy-2": ["2001:db8:113::a", "203.0.113.10"]}
    twin.dark = {"hk-proxy-2"}
    assert PROBES["vip"](twin, scene(), "hk")["holder"] is None


# Since when an upstream hears a prefix.

HEARD = """BIRD 2.0.12 ready.
Table master4:
198.18.1.0/24        unicast [to_hk_hkix_1_4 05:02:38.509] * (100) [AS65010i]
	via 198.51.100.2 on v0
"""
ELSEWHERE = """BIRD 2.0.12 ready.
Table master4:
198.18.1.0/24        unicast [as64501_4 05:02:41.001] * (100) [AS65010i]
	via 100.64.0.2 on as64501
"""
SECOND = HEARD.replace("[to_hk_hkix_1_4", "[as64501_4").replace("* ", "") + (
    "                     unicast [to_hk_hkix_2_4 05:02:40.100] (100) [AS65010i]\n	via 198.51.100.3 on v0\n"
)
COVERED = """BIRD 2.0.12 ready.
Table master4:
203.0.113.0/24       unreachable [s4 05:02:37.547] * (200)
"""
UNKNOWN = "BIRD 2.0.12 ready.\nNetwork not found\n"


@pytest.mark.parametrize(
    ("reply", "since"),
    [
        (HEARD, "05:02:38.509"),
        (SECOND, "05:02:40.100"),
        (ELSEWHERE, ""),
        (COVERED, ""),
        (UNKNOWN, ""),
        (None, None),
    ],
)
def test_a_route_counts_if_it_is_from_the_session_with_the_site(reply: str | None, since: str | None) -> None:
    assert route.judge(reply, session_to("hk", "hkix")) == since


def test_names_with_a_dash_are_spelt_as_bird_does() -> None:
    reply = HEARD.replace("to_hk_hkix_", "to_hongHkong_ispHa_")
    assert route.judge(reply, session_to("hong-kong", "isp-a")) == "05:02:38.509"
    assert route.judge(reply, session_to("hong-kong", "isp-b")) == ""


def test_an_upstream_is_asked_only_about_families_that_it_speaks() -> None:
    four = Upstream("transit", "as64501", "up.hk.transit", ("198.51.100.9",), ("up_transit4",))
    assert route.speaks(four, "198.18.1.0/24")
    assert not route.speaks(four, "2001:db8:1::/48")


# Which generation of the proxy serves.

HEAD = "#<PID>          <type>          <reloads>       <uptime>        <version>      \n"
BEFORE = (
    HEAD
    + """2836            master          0 [failed: 0]   0d00h00m01s     2.6.12-1+deb12u4
# workers
2848            worker          0               0d00h00m01s     2.6.12-1+deb12u4
# programs

"""
)
RELOADED = (
    HEAD
    + """2836            master          1 [failed: 0]   0d00h00m01s     2.6.12-1+deb12u4
# workers
2899            worker          0               0d00h00m00s     2.6.12-1+deb12u4
# old workers
2848            worker          1               0d00h00m01s     2.6.12-1+deb12u4
# programs

"""
)
FAILED = (
    HEAD
    + """2836            master          2 [failed: 1]   0d00h00m09s     2.6.12-1+deb12u4
# workers
2899            worker          1               0d00h00m08s     2.6.12-1+deb12u4
# programs

"""
)
WAITING = (
    HEAD
    + """2836            master          2 [failed: 1]   0d00h00m09s     2.6.12-1+deb12u4
# workers
# old workers
2899            worker          1               0d00h00m08s     2.6.12-1+deb12u4
# programs

"""
)


@pytest.mark.parametrize(
    ("reply", "serving", "leaving", "failed"),
    [
        (BEFORE, [2848], [], 0),
        (RELOADED, [2899], [2848], 0),
        (FAILED, [2899], [], 1),
        (WAITING, [], [2899], 1),
    ],
)
def test_haproxys_master_tells_its_workers(
    reply: str, serving: list[int], leaving: list[int], failed: int
) -> None:
    assert haproxy.workers(reply) == {"serving": serving, "leaving": leaving, "failed": failed}


MASTER = "3028 nginx: master process /usr/sbin/nginx -e stderr -g daemon off; user root; -c /etc/nginx/nginx.conf\n"
NGINX = MASTER + "3030 nginx: worker process\n3031 nginx: worker process\n"
RENEWED = MASTER + (
    "3030 nginx: worker process is shutting down\n3036 nginx: worker process\n3037 nginx: worker process\n"
)


def test_nginxs_processes_tell_what_they_are() -> None:
    assert nginx.workers(NGINX) == {"serving": [3030, 3031], "leaving": [], "failed": 0}
    assert nginx.workers(RENEWED) == {"serving": [3036, 3037], "leaving": [3030], "failed": 0}
    assert nginx.workers(MASTER) == {"serving": [], "leaving": [], "failed": 0}


def test_who_gives_no_answer_is_not_seen() -> None:
    assert haproxy.workers(None) is None
    assert nginx.workers(None) is None


# Who leads the store.

STATUS = (
    '[{"Endpoint":"http://127.0.0.1:2379","Status":{"header":{"cluster_id":12477932507096523251,'
    '"member_id":MEMBER,"revision":1,"raft_term":2},"version":"3.4.23","dbSize":20480,"leader":LEADER,'
    '"raftIndex":6,"raftTerm":2,"raftAppliedIndex":INDEX,"dbSizeInUse":16384}}]\n'
)
LEADERLESS = (
    '[{"Endpoint":"http://127.0.0.1:2379","Status":{"header":{"cluster_id":12477932507096523251,'
    '"member_id":MEMBER,"revision":1,"raft_term":2},"version":"3.4.23","dbSize":20480,"raftIndex":6,"raftTerm":2,'
    '"raftAppliedIndex":6,"errors":["etcdserver: no leader"],"dbSizeInUse":16384}}]\n'
)
WARNING = (
    '{"level":"warn","ts":"2026-01-22T05:01:47.485Z","caller":"clientv3/retry_interceptor.go:62","msg":"retrying of '
    'unary invoker failed","attempt":0,"error":"rpc error: code = DeadlineExceeded"}\n'
)
A, B, C = 13668033151171901709, 185828541645115251, 4711


def status(member: int, leader: int, index: int = 6) -> str:
    return STATUS.replace("MEMBER", str(member)).replace("LEADER", str(leader)).replace("INDEX", str(index))


def judged(**replies: str | None) -> dict[str, Any]:
    return store.judge(replies)


def test_a_majority_names_the_leader() -> None:
    found = judged(a=status(A, A, 9), b=WARNING + status(B, A, 8), c=status(C, A))
    assert found["leader"] == "a"
    assert found["members"] == {
        "a": {"leader": "a", "term": 2, "index": 9},
        "b": {"leader": "a", "term": 2, "index": 8},
        "c": {"leader": "a", "term": 2, "index": 6},
    }


def test_who_is_mute_does_not_hinder_the_others() -> None:
    found = judged(a=None, b=status(B, B), c=status(C, B))
    assert found["leader"] == "b"
    assert found["members"]["a"] is None
    behind = judged(a=LEADERLESS.replace("MEMBER", str(A)), b=status(B, B), c=status(C, B))
    assert behind["leader"] == "b"
    assert behind["members"]["a"]["leader"] is None


@pytest.mark.parametrize(
    "replies",
    [
        {"a": LEADERLESS.replace("MEMBER", str(A)), "b": None, "c": None},
        {"a": LEADERLESS.replace("MEMBER", str(A)), "b": status(B, B), "c": None},  # one vote of three
        {"a": None, "b": status(B, A), "c": status(C, A)},  # they still name the dead one
        {"a": status(A, A), "b": status(B, B), "c": None},
        {"a": None, "b": None, "c": None},
    ],
)
def test_no_agreement_no_leader(replies: dict[str, str | None]) -> None:
    assert store.judge(replies)["leader"] is None


def test_the_twin_is_asked_member_by_member(tmp_path: Path) -> None:
    twin = PaperTwin(tmp_path)
    assert store.find_leader(twin, scene()) == "hk-orders-1"
    assert store.member_id(twin, "sg-orders-1", 2379) == MEMBERS["sg-orders-1"]
    twin.dark = {"hk-orders-1"}
    with pytest.raises(EnvironmentUnable, match="do not agree"):
        store.find_leader(twin, scene())
    with pytest.raises(EnvironmentUnable, match="gives no answer"):
        store.member_id(twin, "hk-orders-1", 2379)


@pytest.mark.parametrize(
    ("commands", "found"),
    [
        ("sh -c x\n/cache/v0.1.0/bin/python /opt/venv/bin/trimtab-agent\ntini -- sleep infinity\n", "older"),
        ("/opt/venv/bin/python /opt/venv/bin/trimtab-agent \n", "ours"),
        ("/opt/venv/bin/python /opt/venv/bin/trimtab-agent drain\n", None),
        ("/a/bin/python /b/trimtab-agent\n/cache/v0.1.0/bin/python /b/trimtab-agent\n", None),
        ("", None),
        (None, None),
    ],
)
def test_the_release_of_a_running_agent(commands: str | None, found: str | None) -> None:
    assert agents.judge(commands, "/cache/v0.1.0") == found


FRR_REPLY = """\
% Can't open configuration file /etc/frr/vtysh.conf due to 'Permission denied'.
{"prefix": "203.0.113.0/24", "version": 12, "paths": [
 {"valid": true, "lastUpdate": {"epoch": 1796074747}, "peer": {"peerId": "192.0.2.1"}},
 {"valid": true, "lastUpdate": {"epoch": 1796074700}, "peer": {"peerId": "100.64.0.6"}}]}
"""


@pytest.mark.parametrize(
    ("reply", "ours", "since"),
    [
        (FRR_REPLY, ("192.0.2.1",), "v12"),
        (FRR_REPLY, ("192.0.2.2",), ""),
        ("{}", ("192.0.2.1",), ""),
        ("", ("192.0.2.1",), ""),
    ],
)
def test_frr_says_since_when_it_hears_a_route_from_us(reply: str, ours: tuple[str, ...], since: str) -> None:
    assert frr.since(reply, ours) == since
    assert frr.told_at(reply, ours) == ("1796074747" if since else "")


def test_what_is_not_frrs_json_is_no_answer() -> None:
    with pytest.raises(InvalidResponse):
        frr.since("{ rubbish", ("192.0.2.1",))
