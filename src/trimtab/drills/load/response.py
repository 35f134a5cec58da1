"""Just enough of HTTP/1.1 to know an answer's status, its end, and who served it. Pure."""

from __future__ import annotations

import re

_SITE = re.compile(rb"\r\nx-site: *([^\r\n]*)", re.IGNORECASE)
_BACKEND = re.compile(rb"\r\nx-backend: *([^\r\n]*)", re.IGNORECASE)
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d{1,12})\r\n", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding:[^\r\n]*chunked", re.IGNORECASE)
_CLOSE = re.compile(rb"\r\nconnection:[^\r\n]*close", re.IGNORECASE)
MAX_BYTES = 1024 * 1024


class Response:
    """Fed with bytes until `complete`; a body of no stated length ends with the connection (`at_end`)."""

    __slots__ = (
        "_chunked",
        "_head",
        "_wanted",
        "backend",
        "complete",
        "data",
        "keeps_alive",
        "site",
        "status",
    )

    def __init__(self) -> None:
        self.data = b""
        self.complete = False
        self.status = 0
        self.site = self.backend = ""
        self.keeps_alive = False
        self._head = -1
        self._wanted: int | None = None
        self._chunked = False

    def feed(self, data: bytes) -> None:
        """Take in more bytes. Raises ValueError for what is not HTTP or is too large."""
        self.data += data
        if len(self.data) > MAX_BYTES:
            raise ValueError("answer too large")
        if self._head < 0:
            self._read_head()
        if self._head >= 0:
            self.complete = self._is_complete()

    def at_end(self) -> None:
        """The connection ended; that completes a body which says nothing of its length."""
        if self._head >= 0 and self._wanted is None and not self._chunked:
            self.complete = True

    def _read_head(self) -> None:
        end = self.data.find(b"\r\n\r\n")
        if end < 0:
            return
        head = self.data[: end + 2]
        if not head.startswith(b"HTTP/1.") or not head[9:12].isdigit():
            raise ValueError("not HTTP")
        self._head, self.status = end + 4, int(head[9:12])
        self._chunked = bool(_CHUNKED.search(head))
        length = _LENGTH.search(head)
        self._wanted = int(length[1]) if length else None
        self.keeps_alive = (bool(length) or self._chunked) and not _CLOSE.search(head)
        self.site, self.backend = _text(_SITE.search(head)), _text(_BACKEND.search(head))

    def _is_complete(self) -> bool:
        if self._chunked:
            return self.data.endswith(b"\r\n0\r\n\r\n", self._head - 2)
        return self._wanted is not None and len(self.data) - self._head >= self._wanted


def _text(match: re.Match[bytes] | None) -> str:
    return match[1].decode("latin-1").strip() if match else ""
