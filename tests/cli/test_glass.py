"""`trimtab routes PREFIX`: BIRD's, FRR's and ExaBGP's words of one prefix, in one form."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path as File

import pytest

from tests.cli.conftest import Do
from tests.cli.test_routes import says
from trimtab.answers.glass import Path
from trimtab.cli import routes as command
from trimtab.cli.glass import Around, asked_for, glass
from trimtab.cli.views.glass import lines
from trimtab.daemons.bird import glass as bird
from trimtab.daemons.bird.wire import Replies, Reply
from trimtab.daemons.exabgp import glass as exabgp
from trimtab.daemons.frr import glass as frr
from trimtab.daemons.load import load_estate
from trimtab.errors import BadInput, InvalidResponse, Unreachable
from trimtab.estate.inventory import Inventory

SHOP = "examples/shop/estate.yaml"
NOW = "1000-BIRD 2.0.12\n1011-Router ID is 10.1.0.10\n Current server time is 2026-12-01 01:43:36.597\n0013 Daemon is up and running\n"
# Of 2.0.12 in the twin, shortened.
ROUTES = """\
1007-Table wan4:
 203.0.113.0/24       unicast [origin4 01:43:20.101] (200)
1008-\tvia 10.1.48.10 on vlan148
 \tType: static univ
1007-                     unicast [up_hkix4 23:43:22.034 from 198.51.100.1] * (100) [AS64500i]
1008-\tvia 198.51.100.1 on up0
 \tType: BGP univ
1012-\tBGP.origin: IGP
 \tBGP.as_path: 64500 64510
 \tBGP.next_hop: 198.51.100.7 fe80::7
 \tBGP.med: 0
 \tBGP.local_pref: 400
 \tBGP.community: (65535,666) (64500,7) (65535,65283)
 \tBGP.large_community: (65010, 1, 1) (64500, 1, 1)
0000
"""
FILTERED = """\
1007-Table wan4:
 203.0.113.128/25     unicast [up_transit4 2026-11-20] * (100) [AS64511i]
1008-\tvia 198.51.100.9 on up1
1012-\tBGP.as_path: 64501 64511
 \tBGP.large_community: (65010, 2, 6)
0000
"""
HEADS = {
    "ROA_VALID": "203.0.113.0/24       unicast [up_hkix4 23:43:22.034] * (100) [AS64510i]\n",
    "ROA_INVALID": "",
}
FRR = {
    "prefix": "203.0.113.0/24",
    "paths": [
        {
            "aspath": {"string": "64502 65020"}, "locPrf": 199, "valid": True, "peer": {"peerId": "100.64.0.10"},
            "nexthops": [{"ip": "100.64.0.10"}], "lastUpdate": {"epoch": 1796089408},
        },
        {
            "aspath": {"string": "65010"}, "locPrf": 400, "metric": 5, "valid": True, "bestpath": {"overall": True},
            "community": {"string": "graceful-shutdown 1:2", "list": ["gracefulShutdown", "1:2", "65535:6"]},
            "largeCommunity": {"list": ["64500:0:2"]}, "peer": {"peerId": "198.51.100.2"},
            "nexthops": [{"ip": "198.51.100.2"}], "lastUpdate": {"epoch": 1796089406}, "rpkiValidationState": "not found",
        },
        {"aspath": {"string": "64503"}, "valid": False},
    ],
}  # fmt: skip
TOLD = {
    "sessions": {
        "up_tor4": {
            "up": True,
            "told": {
                "198.18.0.0/22": "next-hop self origin igp as-path [ 65010 ]",
                "198.18.1.0/24": "next-hop self origin igp as-path [ 65010 65010 ] med 7 community [ 65535:0 1:2 ] "
                "large-community [ 1:2:3 ]",
            },
        }
    }
}


def reply(text: str) -> Reply:
    (found,) = Replies().feed(text.replace("\n0000\n", "\n0000 \n").encode())
    return found


def one(asked: str) -> str:
    if asked == "show status":
        return NOW
    for check, row in HEADS.items():
        if check in asked:
            return (
                f"1007-Table wan4:\n {row}0000\n"
                if row and "filtered" not in asked
                else "8001 Network not found\n"
            )
    return FILTERED if "filtered" in asked else ROUTES


def birds(node: str, asked: Sequence[str]) -> list[Reply]:
    if node == "sg-router-1":
        raise Unreachable("BIRD does not answer")
    return [reply(one(each)) for each in asked]


ASKED = bird.Asked("203.0.113.200", True, True, frozenset({65010}))


def test_bird_is_asked_for_the_longest_prefix_and_for_all_refused_ones_with_the_address() -> None:
    assert bird.questions(ASKED)[:3] == [
        "show status",
        "show route for 203.0.113.200 all table wan4",
        "show route filtered all table wan4 where 203.0.113.200 ~ net",
    ]
    exactly = bird.questions(bird.Asked("2001:db8::/46", False, False, frozenset()))
    assert exactly == ["show status", "show route 2001:db8::/46 all table master6"]


def test_what_bird_says_of_each_path() -> None:
    best, own, refused = bird.known(ASKED, birds("x", bird.questions(ASKED)))
    assert best == Path(
        "203.0.113.0/24", "heard", True, "up_hkix4", "198.51.100.7", "64500 64510", 400, 0,
        ("blackhole", "64500:7", "no-export-subconfed", "64500:1:1", "learnt:transit"), "valid", None,
        "2026-11-30T23:43:22",
    )  # fmt: skip
    assert (own.kind, own.best, own.next_hop, own.validation) == ("own", False, "10.1.48.10", "not-asked")
    assert own.since == "2026-12-01T01:43:20"
    assert (refused.kind, refused.prefix, refused.why, refused.best) == (
        "refused",
        "203.0.113.128/25",
        "invalid",
        False,
    )
    assert refused.communities == ("refused:invalid",) and refused.since == "2026-11-20"


@pytest.mark.parametrize(
    ("text", "now", "said"),
    [
        ("01:43:20.101", datetime(2026, 12, 1, 1, 43, 20), "2026-12-01T01:43:20"),
        ("01:43:21.101", datetime(2026, 12, 1, 1, 43, 20), "2026-11-30T01:43:21"),
        ("2026-11-20", datetime(2026, 12, 1), "2026-11-20"),
        ("01:43:20.101", None, "01:43:20.101"),
    ],
)
def test_birds_times_have_a_day(text: str, now: datetime | None, said: str) -> None:
    assert bird.moment(text, now) == said


def test_what_frr_says_of_each_path(monkeypatch: pytest.MonkeyPatch) -> None:
    best, other = frr.known(f"% something\n{json.dumps(FRR)}\n{{}}\n")
    assert best == Path(
        "203.0.113.0/24", "heard", True, "198.51.100.2", "198.51.100.2", "65010", 400, 5,
        ("graceful-shutdown", "1:2", "llgr-stale", "64500:0:2"), "not-found", None,
        datetime.fromtimestamp(1796089406).isoformat(),
    )  # fmt: skip
    assert (other.path, other.best, other.validation, other.med) == ("64502 65020", False, "not-asked", None)
    assert frr.known("{\n}\n") == ()
    with pytest.raises(InvalidResponse):
        frr.known('{"prefix": ')


def test_exabgp_knows_what_it_tells() -> None:
    (path,) = exabgp.known("198.18.1.7", json.dumps(TOLD))
    assert path == Path(
        "198.18.1.0/24", "told", False, "up_tor4", "self", "65010 65010", None, 7,
        ("1:2", "graceful-shutdown", "1:2:3"), "not-asked", None, "",
    )  # fmt: skip
    assert [each.prefix for each in exabgp.known("198.18.0.0/22", json.dumps(TOLD))] == ["198.18.0.0/22"]
    assert exabgp.known("9.9.9.9", json.dumps(TOLD)) == exabgp.known("2001:db8::1", json.dumps(TOLD)) == ()
    for wrong in ("", "[]", '{"sessions": {"a": 1}}'):
        with pytest.raises(InvalidResponse):
            exabgp.known("198.18.1.7", wrong)


def around(here: str = "", others: Mapping[str, str] = {"as64500": "frr", "as64501": "bird"}) -> Around:
    inventory = Inventory(load_estate(SHOP))
    return Around(
        inventory, here, {} if here else others, birds, None if here else lambda node, argv: json.dumps(FRR)
    )


def test_everybody_answers_in_one_form_and_who_is_silent_is_named() -> None:
    found = glass(around(), "203.0.113.200", "")
    assert [(each.vantage, each.speaks, len(each.paths)) for each in found.known] == [
        ("hk-router-1", "bird", 3), ("la-router-1", "bird", 3), ("as64500", "frr", 2), ("as64501", "bird", 2),
    ]  # fmt: skip
    assert found.silent == ("sg-router-1: BIRD does not answer",)
    shown = "\n".join(lines(found))
    assert "refused" in shown and "no answer: sg-router-1" in shown and "blackhole" in shown


def test_one_alone_is_asked() -> None:
    found = glass(around(), "203.0.113.200", "as64500")
    assert [each.vantage for each in found.known] == ["as64500"] and not found.silent
    with pytest.raises(BadInput, match="nobody here is called 'as1'"):
        glass(around(), "203.0.113.200", "as1")


def test_who_knows_nothing_is_said() -> None:
    quiet = Around(Inventory(load_estate(SHOP)), "", {"as1": "frr"}, birds, lambda node, argv: "{}")
    assert list(lines(glass(quiet, "9.9.9.0/24", "as1"))) == ["9.9.9.0/24 is not known to as1"]


@pytest.mark.parametrize(
    ("said", "is_"),
    [
        ("203.0.113.0/24", "203.0.113.0/24"),
        ("2001:DB8:0::A", "2001:db8::a"),
        ("2001:db8:0::/48", "2001:db8::/48"),
    ],
)
def test_what_is_asked_is_written_as_daemons_do(said: str, is_: str) -> None:
    assert asked_for(said) == is_


@pytest.mark.parametrize(
    "wrong", ["203.0.113.1/24", "hk", "203.0.113.0/33", "203.0.113.0/24; quit", "1", " "]
)
def test_what_is_neither_prefix_nor_address_is_refused(wrong: str) -> None:
    with pytest.raises(BadInput, match="neither a prefix nor an address"):
        asked_for(wrong)


def test_a_router_is_asked_of_itself(do: Do, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command.socket, "gethostname", lambda: "hk-router-1")
    monkeypatch.setattr(command, "_here", birds)
    code, out, _ = do("routes 203.0.113.200 --json")
    (known,) = json.loads(out)["known"]
    assert (
        code == 0 and known["vantage"] == "hk-router-1" and known["paths"][0]["communities"][0] == "blackhole"
    )
    assert do("routes 203.0.113.200")[1].startswith("asked")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("routes --from hk-router-1", "--from says who is asked"),
        ("routes 203.0.113.0/24 --picture x.svg", "a picture is of all prefixes"),
        ("routes 203.0.113.7", "is no speaker of BGP of shop"),
    ],
)
def test_what_makes_no_sense_is_said(words: str, says: str, do: Do) -> None:
    with pytest.raises(BadInput, match=says):
        do(words)


def test_the_picture_is_of_what_is_heard_now(do: Do, monkeypatch: pytest.MonkeyPatch, tmp_path: File) -> None:
    monkeypatch.setattr(command.socket, "gethostname", lambda: "hk-router-1")
    monkeypatch.setattr(command, "_here", says)
    code, _, err = do("routes --picture", str(tmp_path / "now.svg"))
    assert code == 0 and "wrote" in err
    drawn = (tmp_path / "now.svg").read_text()
    assert "✕ not heard" in drawn and "hk  1" in drawn
    with pytest.raises(BadInput, match="cannot be written"):
        do("routes --picture", str(tmp_path / "no" / "now.svg"))
