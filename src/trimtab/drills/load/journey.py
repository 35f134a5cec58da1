"""One request as a client lives it: an attempt, its transparent repeat, one retry, and then a row."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from trimtab.drills.load.attempt import Attempt, Link
from trimtab.drills.load.budget import Retries
from trimtab.drills.load.record import Row

if TYPE_CHECKING:
    import ssl

    from trimtab.drills.load.spec import LoadSpec, Target


Done = Callable[[Row, Link | None], None]


class Journey:
    """Runs until `done(row, link)`; link: a connection that can be kept, or None."""

    def __init__(self, spec: LoadSpec, context: ssl.SSLContext, retries: Retries, done: Done) -> None:
        self._spec, self._context, self._retries, self._done = spec, context, retries, done
        self._loop = asyncio.get_running_loop()
        self._first: tuple[float, str, str] | None = (
            None  # latency, error and address of the first attempt, once it failed
        )
        self._retried = False

    def begin(self, kind: str, target: Target, source: str, due: float, link: Link | None) -> None:
        """Send the request now; `due`: when it should have been sent."""
        self._kind, self._target, self._source = kind, target, source
        self._start = time.monotonic()  # the loop's own time is as coarse as a millisecond
        self._late = max(0.0, self._start - due)
        self._request = request_bytes(target, keep=kind != "new")
        self._attempt(self._loop.time() + self._spec.timeout, link)

    def _attempt(self, deadline: float, link: Link | None) -> None:
        attempt = Attempt(self._target, self._request, lambda ended: self._ended(ended, deadline))
        if link:
            attempt.resume(link, deadline)
        else:
            attempt.start(self._context, self._source, deadline)

    def _ended(self, attempt: Attempt, deadline: float) -> None:
        status = attempt.response.status
        error = attempt.error or ("" if 200 <= status < 400 else f"status {status}")
        if error and attempt.repeatable:
            self._attempt(deadline, None)  # within the same time-out: to the user it is the same attempt
            return
        failed_first = bool(error) and self._first is None
        if failed_first:
            self._first = (time.monotonic() - self._start, error, attempt.address)
        if failed_first and (pause := self._retries.pause(self._loop.time())) is not None:
            self._retried = True
            if attempt.link:
                attempt.link.close()
            self._loop.call_later(pause, self._retry)
        else:
            self._done(self._row(attempt, error), attempt.link)

    def _retry(self) -> None:
        self._attempt(self._loop.time() + self._spec.timeout, None)

    def _row(self, attempt: Attempt, error: str) -> Row:
        total = time.monotonic() - self._start
        latency, first_error, address = self._first or (total, "", attempt.address)
        answer = attempt.response
        return Row(
            kind=self._kind, family=self._target.family, service=self._target.service, start=self._start,
            late=self._late, latency=latency, total=total, ok=self._first is None,
            ok_after_retry=not error, attempts=2 if self._retried else 1,
            error=first_error, status=answer.status, site=answer.site, backend=answer.backend,
            address=address,
        )  # fmt: skip


def request_bytes(target: Target, *, keep: bool) -> bytes:
    """The request for a target. The Host carries the port only when it is not the usual one."""
    host = target.host if target.port == 443 else f"{target.host}:{target.port}"
    close = "" if keep else "Connection: close\r\n"
    return f"GET {target.path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: trimtab-drill\r\n{close}\r\n".encode()
