"""What BIRD 2.0.12 said, as it said it; what it never says; and that no value becomes a second command."""

from __future__ import annotations

import contextlib
from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trimtab.daemons.bird import wire
from trimtab.daemons.bird.wire import GRACEFUL_SHUTDOWN, Line, Replies, Reply
from trimtab.errors import BadInput, Conflict, InvalidResponse, Refused

A, B, A6 = (ip_network(each) for each in ("198.18.1.0/24", "198.18.2.0/24", "2001:db8:1::/48"))

GREETING = "0001 BIRD 2.0.12 ready.\n"
PROTOCOLS = """\
2002-Name       Proto      Table      State  Since         Info
1002-device1    Device     ---        up     2026-11-22 10:19:42.007  
 origin4    Static     master4    up     10:19:42.007  
 up_transit_a4 BGP        ---        up     10:19:42.824  Established   
 up_transit_b4 BGP        ---        start  10:19:42.824  Active        Socket: Connection refused
0000 
"""  # noqa: W291
TWO_TABLES = """\
1007-Table master4:
 198.18.1.0/24        unreachable [origin4 10:19:42.007] * (200)
1008-\tType: static univ
1012-\tBGP.community: (65535,0)
1007-198.18.2.0/24        unicast [up_x4 10:19:43.218 from 127.0.0.1] * (100) [AS64512i]
 \tvia 192.0.2.1 on eth0
1008-\tType: BGP univ
1012-\tBGP.origin: IGP
 \tBGP.as_path: 64512
 \tBGP.next_hop: 127.0.0.1
 \tBGP.local_pref: 100
                      unicast [up_y4 10:19:43.218] (100) [AS64512i]
1007-
 Table master6:
 2001:db8:1::/48      unreachable [origin6 10:19:42.007] * (200)
1008-\tType: static univ
0000 
""".replace("                      unicast [up_y4", "1007-                     unicast [up_y4")  # noqa: W291
WRAPPED = (
    "1007-Table master4:\n 198.18.1.0/24        unreachable [origin4 10:24:34.443] * (200)\n1008-\tType: static univ\n"
    + "1012-\tBGP.community: "
    + " ".join(f"(64512,{n})" for n in range(43))
    + "\n \t\t"
    + " ".join(f"(64512,{n})" for n in range(43, 60))
    + " (65535,0)\n \tBGP.large_community: (64512, 1, 2)\n \t\t(64512, 3, 4)\n0000 \n"
)


def reply(said: str) -> Reply:
    (found,) = Replies().feed(said.encode())
    return found


def test_a_reply_is_told_from_the_next_however_the_bytes_come() -> None:
    said = (GREETING + PROTOCOLS + TWO_TABLES + "8001 Network not found\n").encode()
    whole = Replies().feed(said)
    assert [each.code for each in whole] == [1, 0, 0, 8001]
    bit_by_bit = Replies()
    assert [found for n in range(len(said)) for found in bit_by_bit.feed(said[n : n + 1])] == whole


def test_a_line_without_a_code_has_that_of_the_line_before() -> None:
    assert reply("1007-Table a:\n b\n1008-\tc\n \td\n0000 \n").lines == (
        Line(1007, "Table a:"),
        Line(1007, "b"),
        Line(1008, "\tc"),
        Line(1008, "\td"),
        Line(0, ""),
    )


def test_what_comes_unasked_belongs_to_no_reply() -> None:
    assert reply("+up_x4: State changed to up\n0003-a\n+0000 not this\n0003 Reconfigured\n").code == 3


@pytest.mark.parametrize(
    "said",
    [
        "\n",
        "hello\n",
        " continued, of nothing\n",
        "0000\n",  # the blank after the code is never left out
        "000 x\n",
        "+0 \n00000 x\n",
        "٠٠٠٠ x\n",
        "0000_x\n",
        "HTTP/1.1 400 Bad Request\r\n",
        "0000 " + "x" * wire.MAX_TEXT + "\n",
        "0000 " + "x" * (wire.MAX_TEXT + 8),  # and no end of line in sight
    ],
)
def test_what_no_bird_says_is_nonsense(said: str) -> None:
    with pytest.raises(InvalidResponse):
        Replies().feed(said.encode())


def test_an_endless_reply_ends() -> None:
    replies, chunk = Replies(), b"1007-" + b"x" * 100 + b"\n"
    with pytest.raises(InvalidResponse, match=str(wire.MAX_REPLY)):
        for _ in range(wire.MAX_REPLY // len(chunk) + 2):
            assert replies.feed(chunk) == []


def test_the_bound_is_of_one_reply_not_of_all() -> None:
    replies, said = Replies(), b"1007-" + b"x" * 4000 + b"\n0000 \n"
    assert sum(len(replies.feed(said * 100)) for _ in range(20)) == 2000


LINES = st.builds(
    "{:04}{}{}\n".format,
    st.sampled_from([0, 1, 3, 13, 20, 23, 1002, 1007, 1008, 1012, 8001, 8004, 9001]),
    st.sampled_from("-- "),
    st.sampled_from(
        ["", "\tBGP.community: (1,2)", "\t\t(3,4)", "198.18.1.0/24 unicast [x 1] * (2)", "a b c d  e", "\t"]
    )
    | st.text(st.characters(exclude_characters="\n", exclude_categories=["Cs"]), max_size=30),
)


@given(st.binary(max_size=100) | st.lists(LINES, max_size=8).map("".join).map(str.encode))
def test_any_bytes_give_replies_or_an_error_of_ours(said: bytes) -> None:
    with contextlib.suppress(InvalidResponse):
        for each in Replies().feed(said):
            for read in (
                wire.routes,
                wire.protocols,
                wire.configured,
                wire.checked,
                wire.truth,
                wire.greeted,
            ):
                with contextlib.suppress(InvalidResponse, Refused, Conflict):
                    read(each)


@pytest.mark.parametrize(
    "command", ["", "show\nconfigure", "a\rb", "a\0b", "a\tb", "größe", "x" * 1001, "down\x7f"]
)
def test_a_command_is_one_harmless_line(command: str) -> None:
    with pytest.raises(BadInput):
        wire.encode(command)


@pytest.mark.parametrize("name", ["", "a b", "a;down", '"a"', "1a", "a-b", "ä", "a" * 65, "a\n", "'a'"])
def test_a_name_is_one_symbol(name: str) -> None:
    with pytest.raises(BadInput):
        wire.symbol(name)


def test_an_encoded_command_is_its_line() -> None:
    assert wire.encode("show route 198.18.1.0/24 all") == b"show route 198.18.1.0/24 all\n"
    assert wire.symbol("up_transit_a4") == "up_transit_a4"


@pytest.mark.parametrize(
    ("said", "word"),
    [
        ("0002-Reading configuration from /etc/bird/bird.conf\n0003 Reconfigured\n", "done"),
        ("0002-Reading configuration from /a\n0004 Reconfiguration in progress\n", "in progress"),
        (
            "0002-Reading configuration from /a\n0005 Reconfiguration already in progress, queueing new config\n",
            "queued",
        ),
    ],
)
def test_what_configure_came_to(said: str, word: str) -> None:
    assert wire.configured(reply(said)) == word


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (
            "0002-Reading\n8002 /etc/trimtab/x.conf:1:1 syntax error, unexpected GARBAGE\n",
            "x.conf:1:1 syntax error",
        ),
        ("0002-Reading\n0006 Reconfiguration ignored, shutting down\n", "shutting down"),
        ("9001 syntax error, unexpected CF_SYM_UNDEFINED\n", "unexpected CF_SYM_UNDEFINED"),
        ("8007 Access denied\n", "Access denied"),
    ],
)
def test_a_refusal_has_birds_words(said: str, words: str) -> None:
    with pytest.raises(Refused, match=words):
        wire.configured(reply(said))


def test_an_answer_to_another_question_is_nonsense() -> None:
    readers = (wire.configured, wire.checked, wire.truth, wire.routes, wire.protocols)
    for read in readers:
        with pytest.raises(InvalidResponse):
            read(reply("0013 Daemon is up and running\n"))
    with pytest.raises(InvalidResponse):
        wire.greeted(reply("0001 Quagga ready.\n"))
    with pytest.raises(Conflict):
        wire.routes(reply("1007-Table master4:\n8004 Stopped due to reconfiguration\n"))


def test_what_check_and_eval_say() -> None:
    wire.greeted(reply(GREETING))
    wire.checked(reply("0002-Reading configuration from /a\n0020 Configuration OK\n"))
    assert wire.truth(reply("0023 TRUE\n")) and not wire.truth(reply("0023 FALSE\n"))
    with pytest.raises(InvalidResponse):
        wire.truth(reply("0023 [198.18.1.0/24{0.0.1.0}]\n"))
    with pytest.raises(Refused, match="overflow"):
        wire.truth(reply("8000 <line overflow>\n"))


def test_protocols_with_names_longer_than_their_column() -> None:
    found = wire.protocols(reply(PROTOCOLS))
    assert list(found) == ["device1", "origin4", "up_transit_a4", "up_transit_b4"]
    assert found["device1"].since == "2026-11-22 10:19:42.007"
    up, down = found["up_transit_a4"], found["up_transit_b4"]
    assert (up.kind, up.state, up.since, up.info) == ("BGP", "up", "10:19:42.824", "Established")
    assert (down.state, down.info) == ("start", "Active        Socket: Connection refused")
    assert wire.protocols(reply("8003 No protocols match\n")) == {}
    with pytest.raises(InvalidResponse):
        wire.protocols(reply("1002-up_x4 BGP\n0000 \n"))


def test_routes_of_two_tables_with_their_communities() -> None:
    found = wire.routes(reply(TWO_TABLES))
    assert [(r.prefix, r.kind, r.protocol, r.table, r.best) for r in found] == [
        (A, "unreachable", "origin4", "master4", True),
        (B, "unicast", "up_x4", "master4", True),
        (B, "unicast", "up_y4", "master4", False),
        (A6, "unreachable", "origin6", "master6", True),
    ]
    assert [r.communities for r in found] == [{GRACEFUL_SHUTDOWN}, set(), set(), set()]


def test_communities_that_fill_more_than_a_line() -> None:
    (found,) = wire.routes(reply(WRAPPED))
    assert found.communities == {(64512, n) for n in range(60)} | {GRACEFUL_SHUTDOWN}


def test_no_route_is_an_answer() -> None:
    assert wire.routes(reply("8001 Network not found\n")) == wire.routes(reply("0000 \n")) == ()


@pytest.mark.parametrize(
    "said",
    [
        "1007-Table master4:\n 198.18.1.0/33 unicast [x 10:00] * (200)\n0000 \n",
        "1007-Table master4:\n 198.18.1.1/24 unicast [x 10:00] * (200)\n0000 \n",
        "1007-Table master4:\n                      unicast [x 10:00] * (200)\n0000 \n",
        "1007-Table master4:\n nothing of the kind\n0000 \n",
        "1007-198.18.1.0/24 unicast [x 10:00] * (200)\n1012-\tBGP.community: (65535,0) and more\n0000 \n",
        "1007-198.18.1.0/24 unicast [x 10:00] * (200)\n1012-\tBGP.community: (65535,-1)\n0000 \n",
    ],
)
def test_a_table_that_cannot_be_read_is_nonsense(said: str) -> None:
    with pytest.raises(InvalidResponse):
        wire.routes(reply(said))
