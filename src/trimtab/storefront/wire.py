"""HTTP/1.1 framing (RFC 9112), both directions: pure functions, an incremental body decoder, no sockets."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

MAX_HEAD = 16 * 1024
MAX_HEADERS = 64
_TOKEN = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z")

REASONS = {
    200: "OK", 201: "Created", 303: "See Other", 304: "Not Modified", 400: "Bad Request", 404: "Not Found",
    405: "Method Not Allowed", 408: "Request Timeout", 409: "Conflict", 411: "Length Required",
    413: "Content Too Large", 431: "Request Header Fields Too Large", 500: "Internal Server Error",
    501: "Not Implemented", 503: "Service Unavailable", 505: "HTTP Version Not Supported",
}  # fmt: skip


class Malformed(ValueError):
    """A message that breaks the framing rules; `status` is what a server answers."""

    def __init__(self, reason: str, status: int = 400) -> None:
        super().__init__(reason)
        self.status = status


class Head(NamedTuple):
    """A start line in its three words, and the fields by lower-case name (repeated ones joined by commas)."""

    start: tuple[str, str, str]
    fields: Mapping[str, str]

    def keeps_alive(self) -> bool:
        """Whether the sender wants the connection to stay (HTTP/1.1 default)."""
        return "close" not in self.fields.get("connection", "").lower() and "HTTP/1.1" in self.start


def parse_head(raw: bytes) -> Head:
    """Read a head, with or without its final blank line. Raises Malformed."""
    lines = raw.rstrip(b"\r\n").split(b"\r\n")
    words = lines[0].split(b" ", 2)
    if len(words) == 2 and words[0].startswith(b"HTTP/"):
        words.append(b"")
    if len(words) != 3:
        raise Malformed("the first line is not a request or status line")
    if len(lines) > MAX_HEADERS + 1:
        raise Malformed(f"more than {MAX_HEADERS} header fields", 431)
    first, second, third = (word.decode("latin-1") for word in words)
    return Head((first, second, third), _fields(lines[1:]))


def _fields(lines: Iterable[bytes]) -> dict[str, str]:
    fields: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(b":")
        # white space before the colon or a folded line is how requests are smuggled past a proxy: refuse both
        if not colon or not _TOKEN.match(name) or b"\r" in value or b"\n" in value or b"\0" in value:
            raise Malformed("a header field is malformed")
        key, text = name.decode("ascii").lower(), value.strip(b" \t").decode("latin-1")
        if key in ("content-length", "host") and key in fields:
            raise Malformed(f"{key} is given twice")
        fields[key] = f"{fields[key]}, {text}" if key in fields else text
    return fields


def declared_length(head: Head) -> int | None:
    """Content-Length in bytes, None when absent. Raises Malformed."""
    text = head.fields.get("content-length")
    if text is None:
        return None
    if not (text.isascii() and text.isdecimal()) or len(text) > 15:
        raise Malformed(f"Content-Length {text[:20]!r} is not a number")
    if "transfer-encoding" in head.fields:
        raise Malformed("both Content-Length and Transfer-Encoding")
    return int(text)


class Body:
    """Takes the bytes after a response's head, gives the body's bytes, knows when it is complete.

    length: from `declared_length`; chunked: by Transfer-Encoding; neither: the body ends with the connection.
    """

    def __init__(self, length: int | None, chunked: bool) -> None:
        self.done = length == 0 and not chunked
        self.ends_with_connection = length is None and not chunked
        self._left = length
        self._chunked = chunked
        self._buffer = b""
        self._in_trailer = False

    def feed(self, data: bytes) -> bytes:
        """The body's bytes among `data`. Raises Malformed."""
        if not self._chunked:
            return self._feed_plain(data)
        self._buffer += data
        out = []
        while not self.done and (piece := self._next_piece()) is not None:
            out.append(piece)
        return b"".join(out)

    def _feed_plain(self, data: bytes) -> bytes:
        if self._left is None:
            return data
        taken = data[: self._left]
        self._left -= len(taken)
        self.done = self._left == 0
        return taken

    def _next_piece(self) -> bytes | None:
        """One chunk, or b'' for a line of the trailer; None while it is not complete."""
        line, newline, rest = self._buffer.partition(b"\r\n")
        if not newline:
            if len(line) > MAX_HEAD:
                raise Malformed("a chunk's first line has no end")
            return None
        if self._in_trailer:
            self._buffer, self.done = rest, not line
            return b""
        size = self._chunk_size(line)
        if size == 0:
            self._buffer, self._in_trailer = rest, True
            return b""
        if len(rest) < size + 2:
            return None
        if rest[size : size + 2] != b"\r\n":
            raise Malformed("a chunk does not end where it says")
        self._buffer = rest[size + 2 :]
        return rest[:size]

    @staticmethod
    def _chunk_size(line: bytes) -> int:
        digits = line.split(b";", 1)[0].strip()
        if not re.fullmatch(rb"[0-9A-Fa-f]{1,6}", digits):
            raise Malformed(f"{digits[:20]!r} is not a chunk size")
        return int(digits, 16)


def body_of_response(head: Head) -> Body:
    """The decoder for what follows a response's head."""
    if head.start[1] in ("204", "304"):
        return Body(0, False)
    chunked = head.fields.get("transfer-encoding", "").lower().endswith("chunked")
    return Body(declared_length(head), chunked)


def encode_head(start: str, fields: Mapping[str, str]) -> bytes:
    """A head with its blank line. A value with a line break is an error of the caller: ValueError."""
    lines = [start, *(f"{name}: {value}" for name, value in fields.items())]
    if any("\r" in line or "\n" in line for line in lines):
        raise ValueError("a line break in a header field")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def encode_chunk(data: bytes) -> bytes:
    """One chunk; an empty one ends the body."""
    return b"%x\r\n%s\r\n" % (len(data), data)
