"""What daemons answered, recorded, and what is made of it."""

from __future__ import annotations

import pytest

from trimtab.daemons.base import Daemon
from trimtab.daemons.reply import TRUE, Reply, Verdict
from trimtab.daemons.table import Table, table
from trimtab.lab.ready import exactly_one

PROBES = table().probes
PROTOCOLS = """\
BIRD 2.0.12 ready.
Access restricted
Name       Proto      Table      State  Since         Info
bfd1       BFD        ---        up     02:01:27.193
wan_to_main4 Pipe       ---        up     02:01:27.193  wan4 <=> master4
up_hkix4   BGP        ---        up     02:01:29.910  Established
up_transit4 BGP        ---        start  02:01:51.806  Active        Socket: Connection refused
site_sg4   BGP        ---        start  02:01:53.133  OpenSent
"""
BFD = """\
BIRD 2.0.12 ready.
Access restricted
bfd1:
IP address                Interface  State      Since         Interval  Timeout
198.51.100.9              up1        Up         02:01:51.680    0.100    0.300
fd00:1:30::a              vlan148    Down       02:02:02.470    1.000    0.000
"""
ROUTES = """\
BIRD 2.0.12 ready.
Access restricted
Table master4:
0.0.0.0/0            unicast [up_hkix4 02:01:29.951] * (100) [AS64500i]
	via 198.51.100.1 on up0
                     unicast [up_transit4 02:01:51.829] (100) [AS64501i]
	via 198.51.100.9 on up1
203.0.113.0/24       unreachable [origin4 02:01:27.193] * (200)
"""
ADDRESSES = """\
1: lo    inet 127.0.0.1/8 scope host lo\\       valid_lft forever preferred_lft forever
2: vlan148    inet 10.1.48.10/24 scope global vlan148\\       valid_lft forever preferred_lft forever
2: vlan148    inet 198.18.1.10/32 scope global vlan148\\       valid_lft forever preferred_lft forever
2: vlan148    inet6 2001:db8:1::a/128 scope global nodad deprecated \\       valid_lft forever preferred_lft 0sec
"""
STATS = """\
# pxname,svname,qcur,status,weight,type,
health,FRONTEND,,OPEN,,0,
api,hk-backend-1,0,UP,1,2,
api,hk-backend-2,0,UP 1/2,1,2,
api,hk-backend-3,0,{},1,2,
api,BACKEND,0,UP,3,1,

"""
SICK = """\
{"level":"warn","ts":"2025-11-22","msg":"retrying of unary invoker failed"}
[{"endpoint":"http://10.1.128.10:2379","health":true,"took":"1ms"},{"endpoint":"http://10.2.128.10:2379","health":false}]
Error: unhealthy cluster
"""


def judge(kind: str, args: tuple[str, ...], text: str, code: int | None = 0) -> Verdict:
    return PROBES[kind].judge(args, Reply(code, text))


@pytest.mark.parametrize(
    ("kind", "args", "text", "truth", "why"),
    [
        ("bgp", ("up_hkix4",), PROTOCOLS, "true", ""),
        ("bgp", ("up_hkix4", "up_transit4", "gone"), PROTOCOLS, "false", "up_transit4, gone not established"),
        ("bfd", ("198.51.100.9",), BFD, "true", ""),
        ("bfd", ("fd00:1:30::a",), BFD, "false", "fd00:1:30::a not up"),
        ("route", ("0.0.0.0/0",), ROUTES, "true", ""),
        ("route", ("203.0.113.0/24",), ROUTES, "false", "203.0.113.0/24 is unreachable"),
        ("route", ("192.0.2.0/24",), "BIRD 2.0.12 ready.\n", "false", "192.0.2.0/24 is absent"),
        ("vip", ("198.18.1.10", "2001:db8:1::a"), ADDRESSES, "true", ""),
        ("vip", ("198.18.1.10", "198.18.1.11"), ADDRESSES, "false", "198.18.1.11 not held"),
        ("haproxy", (), STATS.format("no check"), "true", ""),
        ("haproxy", (), STATS.format("DOWN"), "false", "api/hk-backend-3 DOWN"),
        ("haproxy", (), STATS.format("MAINT"), "true", ""),  # taken out on purpose, or a slot in store
        ("haproxy", ("api=9",), STATS.format("MAINT"), "false", "api has 2 of 9 members"),
        ("haproxy", (), "# pxname,svname,status,type,\n", "unknown", "no server in the statistics"),
        ("etcd", ("http://10.1.128.10:2379",), SICK, "true", ""),
        ("etcd", ("http://10.2.128.10:2379",), SICK, "false", "http://10.2.128.10:2379 not healthy"),
        (
            "etcd",
            ("http://10.3.128.10:2379",),
            "Error: connection refused",
            "unknown",
            "Error: connection refused",
        ),
        ("http", ("https://www/", "198.18.1.10"), "200", "true", ""),
        ("http", ("https://www/", "198.18.1.10"), "503", "false", "https://www/ via 198.18.1.10 answers 503"),
    ],
)
def test_judges(kind: str, args: tuple[str, ...], text: str, truth: str, why: str) -> None:
    assert judge(kind, args, text) == Verdict(truth, why)  # type: ignore[arg-type]


def test_route_not_found_is_false_though_birdc_fails() -> None:
    assert judge("route", ("192.0.2.0/24",), "BIRD 2.0.12 ready.\nNetwork not found\n", 1).truth == "false"


@pytest.mark.parametrize("kind", sorted(set(PROBES) - {"etcd"}))
def test_a_command_that_fails_makes_nothing_known(kind: str) -> None:
    assert judge(kind, ("a", "b"), "curl: (7) no\n", 1) == Verdict("unknown", "curl: (7) no")
    assert judge(kind, ("a", "b"), "no answer in 3 s", None) == Verdict("unknown", "no answer in 3 s")


def test_curl_says_why_before_its_status() -> None:
    verdict = judge("http", ("http://x/", "10.0.0.1"), "curl: (28) timed out\n000", 28)
    assert verdict == Verdict("unknown", "curl: (28) timed out")


def test_questions() -> None:
    assert PROBES["bgp"].ask(("a",)) == ["birdc", "-r", "-s", "/run/bird/bird.ctl", "show", "protocols"]
    assert PROBES["route"].ask(("10.0.0.0/8",))[-2:] == ["route", "10.0.0.0/8"]
    words = PROBES["http"].ask(("https://www.example:8443/x", "2001:db8::1", "/etc/ca.pem"))
    assert words[-5:] == [
        "--cacert",
        "/etc/ca.pem",
        "--resolve",
        "www.example:8443:[2001:db8::1]",
        "https://www.example:8443/x",
    ]
    assert "--endpoints=http://a,http://b" in PROBES["etcd"].ask(("http://a", "--cacert=/x", "http://b"))


def test_a_kind_has_one_probe() -> None:
    with pytest.raises(ValueError, match="two probes are called bgp"):
        Table([Daemon("a", probes=(PROBES["bgp"],)), Daemon("b", probes=(PROBES["bgp"],))])


def test_an_address_is_held_by_exactly_one_node() -> None:
    no = Verdict("false", "x not held")
    assert exactly_one({"a": TRUE, "b": no}) == TRUE
    assert exactly_one({"a": no, "b": no}) == Verdict("false", "on none of a, b")
    assert exactly_one({"a": TRUE, "b": TRUE}) == Verdict("false", "on a and b")
    assert exactly_one({"a": TRUE, "b": Verdict("unknown", "no answer")}).truth == "unknown"
