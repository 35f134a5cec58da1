from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trimtab.storefront.wire import (
    Body,
    Malformed,
    body_of_response,
    declared_length,
    encode_chunk,
    encode_head,
    parse_head,
)


def test_a_head_is_read() -> None:
    head = parse_head(b"GET /a HTTP/1.1\r\nHost: x\r\nAccept: a\r\nACCEPT:b \r\n\r\n")
    assert head.start == ("GET", "/a", "HTTP/1.1")
    assert head.fields == {"host": "x", "accept": "a, b"}
    assert head.keeps_alive()


def test_a_status_line_needs_no_reason() -> None:
    assert parse_head(b"HTTP/1.1 200\r\n\r\n").start[1] == "200"


@pytest.mark.parametrize(
    "raw",
    [
        b"GET /\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost : x\r\n\r\n",  # white space before the colon
        b"GET / HTTP/1.1\r\nA: 1\r\n folded\r\n\r\n",
        b"GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
        b"GET / HTTP/1.1\r\nA: \0\r\n\r\n",
    ],
)
def test_a_malformed_head_is_refused(raw: bytes) -> None:
    with pytest.raises(Malformed):
        parse_head(raw)


@pytest.mark.parametrize("text", ["-1", "1 2", "0x1", "", "9" * 20, "１"])
def test_a_length_is_digits(text: str) -> None:
    head = parse_head(encode_head("POST / HTTP/1.1", {"A": "b"}))
    with pytest.raises(Malformed):
        declared_length(head._replace(fields={"content-length": text}))


def test_length_and_transfer_coding_together_are_refused() -> None:
    head = parse_head(b"POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n")
    with pytest.raises(Malformed):
        declared_length(head)


@given(st.lists(st.binary(min_size=1, max_size=40), max_size=6), st.integers(1, 7))
def test_chunks_survive_any_cut(pieces: list[bytes], step: int) -> None:
    sent = b"".join(map(encode_chunk, pieces)) + encode_chunk(b"")
    body = Body(None, True)
    got = b"".join(body.feed(sent[at : at + step]) for at in range(0, len(sent), step))
    assert got == b"".join(pieces)
    assert body.done


def test_a_chunked_body_without_its_end_is_not_done() -> None:
    body = Body(None, True)
    assert body.feed(encode_chunk(b"abc")) == b"abc"
    assert not body.done


def test_a_body_of_no_stated_length_ends_with_the_connection() -> None:
    assert body_of_response(parse_head(b"HTTP/1.1 200 OK\r\n\r\n")).ends_with_connection


def test_a_line_break_never_enters_a_head() -> None:
    with pytest.raises(ValueError, match="line break"):
        encode_head("HTTP/1.1 200 OK", {"X-Site": "hk\r\nSet-Cookie: a=b"})
