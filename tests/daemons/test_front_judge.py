"""What a front's answer means: replies as they come, cut anywhere."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trimtab.daemons.front.judge import PROBES, Answer, Probe, answered_by, is_whole, judge, status_line

OK = "HTTP/1.1 200 OK\r\nServer: x\r\n\r\n"
EARLY = "HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\n"


@pytest.mark.parametrize(
    ("head", "works", "why"),
    [
        (OK, True, ""),
        ("HTTP/1.0 200\r\n", True, ""),
        ("HTTP/1.1 200 \n", True, ""),
        ("HTTP/1.1 301 Moved Permanently\r\n", True, ""),
        ("HTTP/1.1 404 Not Found\r\n", True, ""),
        ("HTTP/1.1 429 Too Many Requests\r\n", True, ""),
        ("HTTP/1.1 499 Ünknöwn\r\n", True, ""),
        ("HTTP/1.1 500 Internal Server Error\r\n", False, "https 500"),
        ("HTTP/1.1 503 Service Unavailable\r\n", False, "https 503"),
        ("HTTP/1.1 599\r\n", False, "https 599"),
        (EARLY + OK, True, ""),
        (EARLY * 3 + "HTTP/1.1 503 No\r\n", False, "https 503"),
        ("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 502 Bad Gateway\r\n", False, "https 502"),
        (EARLY, False, "https: answered 'HTTP/1.1 103 Early Hints\\r\\nLink: </a>; rel=preload\\r\\n\\r\\n'"),
        ("HTTP/1.1 200", False, "https: answered 'HTTP/1.1 200'"),  # cut short
        ("HTTP/1.1 2000 OK\r\n", False, "https: answered 'HTTP/1.1 2000 OK'"),
        ("HTTP/1.1 600 Odd\r\n", False, "https: answered 'HTTP/1.1 600 Odd'"),
        ("HTTP/1.1 099 Odd\r\n", False, "https: answered 'HTTP/1.1 099 Odd'"),
        ("HTTP/1.1 20 OK\r\n", False, "https: answered 'HTTP/1.1 20 OK'"),
        ("HTTP/1.1 ２００ OK\r\n", False, "https: answered 'HTTP/1.1 \\uff12\\uff10\\uff10 OK'"),
        ("HTTP/2 200\r\n", False, "https: answered 'HTTP/2 200'"),
        (" HTTP/1.1 200 OK\r\n", False, "https: answered ' HTTP/1.1 200 OK'"),
        ("X: HTTP/1.1 200 OK\r\n", False, "https: answered 'X: HTTP/1.1 200 OK'"),
        ("\r\nHTTP/1.1 200 OK\r\n", False, "https: answered '\\r\\nHTTP/1.1 200 OK\\r\\n'"),
        ("SSH-2.0-OpenSSH\r\n" + OK, False, "https: answered 'SSH-2.0-OpenSSH'"),
        ("\x1b[2J\n", False, "https: answered '\\x1b[2J'"),
        ("x" * 4096, False, f"https: answered '{'x' * 80}'"),
        ("", False, "https: answered ''"),
    ],
)
def test_replies(head: str, works: bool, why: str) -> None:
    assert judge(Answer("https", "came", head)) == (works, why)


@pytest.mark.parametrize(
    ("fields", "by", "why"),
    [
        ("", "", ""),
        ("X-Trimtab-Site: hk\r\n", "hk", ""),
        ("x-trimtab-site:hk \r\n", "hk", ""),
        ("Server: x\r\nX-Trimtab-Site: sg\r\n", "sg", "https: answered by sg"),
        ("X-Other: x-trimtab-site: sg\r\n", "", ""),
        ("X-Trimtab-Site: \x1b[2J\r\n", "", ""),
        ("\r\nX-Trimtab-Site: sg\r\n", "", ""),  # that is its body
    ],
)
def test_another_sites_answer_is_none_of_this_one(fields: str, by: str, why: str) -> None:
    head = f"{EARLY}HTTP/1.1 200 OK\r\n{fields}\r\n"
    assert answered_by(head) == by
    assert judge(Answer("https", "came", head), "hk") == (not why, why)
    assert judge(Answer("https", "came", head)) == (True, "")


@pytest.mark.parametrize(
    ("head", "whole"),
    [
        ("HTTP/1.1 200 OK\r\nServer: x\r\n", False),
        (OK, True),
        (EARLY, False),
        (EARLY + OK, True),
        ("SSH\n", True),
        ("", False),
    ],
)
def test_a_head_is_read_to_its_end(head: str, whole: bool) -> None:
    assert is_whole(head) is whole


@pytest.mark.parametrize("probe", PROBES)
def test_what_did_not_come(probe: Probe) -> None:
    assert judge(Answer(probe, "silent", "no answer within 1 s")) == (False, f"{probe}: no answer within 1 s")
    assert judge(Answer(probe, "nobody", "Connection refused")) == (False, f"{probe}: Connection refused")
    assert judge(Answer(probe, "unable", "Too many open files")) == (None, f"{probe}: Too many open files")


def test_an_echo_and_a_connection_are_all_there_is() -> None:
    assert judge(Answer("icmp", "came")) == (True, "")
    assert judge(Answer("tcp", "came")) == (True, "")


@given(st.integers(0, 3), st.integers(200, 599), st.data())
def test_a_status_is_found_as_soon_as_its_line_is_whole_and_not_before(
    interim: int, status: int, data: st.DataObject
) -> None:
    line = f"HTTP/1.1 {status} x"
    before = EARLY * interim
    whole = f"{before}{line}\r\nServer: HTTP/1.1 500 x\r\n\r\n"
    cut = data.draw(st.integers(0, len(whole)))
    assert status_line(whole[:cut]) == (line if cut >= len(before) + len(line) + 2 else None)


@given(st.text(max_size=300))
def test_no_reply_raises_and_none_without_http_works(text: str) -> None:
    works, why = judge(Answer("https", "came", text))
    assert works is False and why.isprintable() and why.isascii()
