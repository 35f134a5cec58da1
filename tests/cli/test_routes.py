"""`trimtab routes`: BIRD's replies in, one answer out; whoever says nothing is named."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest

from tests.cli.conftest import Do
from trimtab.cli import routes as command
from trimtab.cli.routes import collect
from trimtab.cli.views.routes import lines
from trimtab.daemons.bird.seen import Seen, seen
from trimtab.daemons.bird.wire import BfdState, Channel, Line, Replies, Reply, bfd, channels, neighbours
from trimtab.daemons.load import load_estate
from trimtab.errors import BadInput, Refused, Unreachable
from trimtab.estate.inventory import Inventory

SHOP = "examples/shop/estate.yaml"
# Of 2.0.12 in the twin, shortened.
REFUSED = """\
1007-Table wan4:
 99.0.0.0/24          unicast [up_hkix4 21:32:52.049] * (100) [AS64500i]
1008-\tvia 198.51.100.1 on up0
 \tType: BGP univ
1012-\tBGP.origin: IGP
 \tBGP.as_path: 64500 {64501 64502}
 \tBGP.local_pref: 100
 \tBGP.large_community: (65010, 2, 6)
 \tBGP.otc: 64500
1007-198.18.1.128/25      unicast [up_hkix4 21:32:52.049] * (100) [AS64500i]
1012-\tBGP.as_path: 64501 64500
 \tBGP.community: (65535,0) (64500,1)
 \t\t(64500,2)
 \tBGP.large_community: (65010, 2, 3) (64500, 2, 9)
1007-                     unicast [up_transit4 21:32:52.049] (100) [AS64501i]
1012-\tBGP.as_path: 64501
0000
"""
PROTOCOLS = """\
2002-Name       Proto      Table      State  Since         Info
1002-validator_1 RPKI       ---        up     21:31:22.000  Established
1006-  Cache server:     10.1.48.240
1006-  Channel roa4
1006-    State:          UP
1006-    Routes:         11 imported, 0 exported, 11 preferred
1006-  Channel roa6
1006-    Routes:         9 imported, 0 exported, 9 preferred
1006-  Channel aspa
1006-    Routes:         3 imported, 0 exported, 3 preferred
1002-up_hkix4   BGP        ---        up     21:31:23.211  Established
1006-  BGP state:          Established
1006-    Neighbor address: 198.51.100.1
1006-  Channel ipv4
1006-    Routes:         1 imported, 2 filtered, 3 exported, 1 preferred
1006-    Route change stats:     received   rejected   filtered    ignored   accepted
1002-up_transit4 BGP        ---        start  21:40:00.000  Active        Socket: Connection refused
0000
"""
OWN = """\
1007-Table wan4:
 198.18.1.0/24        unicast [origin4 21:31:22.430] * (200)
1012-\tBGP.origin: IGP
 \tBGP.large_community:
0000
"""
HEARD = """\
1007-Table master4:
 198.18.1.0/24        unicast [as64501_4 21:31:22.430] (100) [AS65010i]
1012-\tBGP.as_path: 64501 65010
1007-                     unicast [to_hk_hkix_1_4 21:31:22.430] * (100) [AS65010i]
1012-\tBGP.as_path: 65010
0000
"""


def reply(text: str) -> Reply:
    (found,) = Replies().feed(text.replace("0000\n", "0000 \n").encode())  # its last line ends with a blank
    return found


def says(node: str, asked: Sequence[str]) -> list[Reply]:
    return [reply(one(node, command)) for command in asked]


def one(node: str, command: str) -> str:
    if node == "sg-router-1":
        raise Unreachable("BIRD does not answer")
    if command.startswith("show protocols"):
        return PROTOCOLS
    if "filtered" in command:
        return REFUSED if "wan4" in command else "0000\n"
    if "export" in command or "198.18.1.0/24" in command:
        return HEARD if node.startswith("as") else OWN
    return "8001 Network not found\n"


def test_paths_and_communities_are_read_over_several_lines() -> None:
    first, second, third = seen(reply(REFUSED))
    assert first == Seen(
        "99.0.0.0/24",
        "up_hkix4",
        "unicast",
        True,
        "64500 {64501 64502}",
        (),
        frozenset({(65010, 2, 6)}),
        "21:32:52.049",
        "198.51.100.1",
        100,
    )
    assert first.origin == 0 and first.reason(65010, 2) == 6
    assert second.communities == ("65535:0", "64500:1", "64500:2")
    assert second.reason(65010, 2) == 3 and second.origin == 64500
    assert third.prefix == second.prefix and not third.best and third.reason(65010, 2) == 0


def test_counts_are_those_of_each_channel() -> None:
    assert channels(reply(PROTOCOLS)) == {
        "validator_1": (Channel("roa4", 11, 0, 0), Channel("roa6", 9, 0, 0), Channel("aspa", 3, 0, 0)),
        "up_hkix4": (Channel("ipv4", 1, 2, 3),),
    }
    assert neighbours(reply(PROTOCOLS)) == {"up_hkix4": "198.51.100.1"}


def test_bfd_is_by_neighbour() -> None:
    text = (
        "1020-bfd1:\n IP address                Interface  State      Since         Interval  Timeout\n"
        " 198.51.100.1              up0        Up         21:55:20.000    0.100    0.300\n"
        " fe80::1                   up1        Down       21:55:20.000    1.000    0.000\n"
        " fe80::1                   up2        Up         21:55:20.000    1.000    0.000\n0000\n"
    )
    assert bfd(reply(text)) == {
        "198.51.100.1": BfdState(True, "21:55:20.000"),
        "fe80::1%up1": BfdState(False, "21:55:20.000"),
        "fe80::1%up2": BfdState(True, "21:55:20.000"),
    }


def test_what_birds_filter_language_refuses_is_an_error() -> None:
    with pytest.raises(Refused):
        seen(Reply(9001, (Line(9001, "syntax error"),)))


def test_all_that_routers_and_vantages_say_is_one_answer() -> None:
    inventory = Inventory(load_estate(SHOP))
    hosts = [inventory.by_name[name] for name in ("hk-router-1", "sg-router-1")]
    found = collect(inventory, hosts, {"as64500": "bird"}, says)
    assert found.silent == ("sg-router-1: BIRD does not answer",)
    (router,) = found.routers
    assert [(each.session, each.upstream, each.up, each.taken, each.refused) for each in router.sessions] == [
        ("up_hkix4", "hkix", True, 1, 2),
        ("up_hkix6", "hkix", False, 0, 0),
        ("up_transit4", "transit", False, 0, 0),
        ("up_transit6", "transit", False, 0, 0),
    ]
    assert [told.prefix for told in router.sessions[0].told] == ["198.18.1.0/24"]
    assert [(each.prefix, each.why) for each in router.refused] == [
        ("99.0.0.0/24", "invalid"),
        ("198.18.1.128/25", "ours"),
        ("198.18.1.128/25", "unknown"),
    ]
    assert [(each.validator, each.up, each.roas, each.aspas) for each in router.validators] == [
        ("validator_1", True, 20, 3)
    ]
    heard = [
        (each.vantage, each.path, each.sites, each.ways)
        for each in found.heard
        if each.prefix == "198.18.1.0/24"
    ]
    assert heard == [("as64500", "65010", ("hk",), 2), ("hk-router-1", "", ("hk",), 1)]
    shown = "\n".join(lines(found))
    assert (
        "invalid" in shown and "  hk           as64500 (65010), hk-router-1" in shown and "not heard" in shown
    )


def test_a_router_tells_of_itself(do: Do, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command.socket, "gethostname", lambda: "hk-router-1")
    monkeypatch.setattr(command, "_here", says)
    code, out, _ = do("routes --json")
    assert code == 0 and json.loads(out)["routers"][0]["router"] == "hk-router-1"
    assert do("routes")[1].startswith("host ")


def test_who_is_no_router_is_told_where_to_ask(do: Do) -> None:
    with pytest.raises(BadInput, match="is no router of shop"):
        do("routes")
    with pytest.raises(BadInput, match="--name"):
        do("routes --name x")
