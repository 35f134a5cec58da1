"""The ledger: orders placed by one `put` process a region, read back by `get`, whatever the commands are.

put: lives as long as the load; lines `KEY PAYLOAD` in, lines `KEY ok|failed|unknown` out in any order.
get: prints `KEY COUNT` for every stored key and exits 0, or exits otherwise.
"""

from __future__ import annotations

import contextlib
import subprocess
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, cast

from trimtab.drills.history import Order, OrderOutcome

Popen = subprocess.Popen[Any]
OUTCOMES = ("ok", "failed", "unknown")
FINISH_SECONDS = 16.0  # a `put` may try for 12 s after its last order
GET_SECONDS = 60.0


class OrderStream:
    """Orders of one region, open loop: each is sent when it is due, whatever became of those before.

    process: a running `put` with pipes in text mode. Two threads stamp what is sent and what is answered,
    so that neither a slow `put` nor a busy runner moves the other's times. Used by one thread.
    """

    def __init__(self, process: Popen, prefix: str, rate: float) -> None:
        if process.stdin is None or process.stdout is None:
            raise ValueError("a `put` needs pipes for its input and its output")
        self._process, self._prefix, self._rate = process, prefix, rate
        self._input, self._output = process.stdin, process.stdout
        self._sent: dict[str, float] = {}
        self._told: dict[str, tuple[str, ...]] = {}
        self._answers: dict[str, tuple[float, OrderOutcome]] = {}
        self._stop = threading.Event()
        self._complaints: list[str] = []
        self._writer = threading.Thread(target=self._write, daemon=True)
        self._reader = threading.Thread(target=self._read, daemon=True)

    @property
    def acknowledged(self) -> int:
        """How many orders are acknowledged so far."""
        return sum(outcome == "ok" for _, outcome in list(self._answers.values()))

    @property
    def last_answer(self) -> float:
        """When the latest acknowledgement came, 0 before the first."""
        return max((at for at, outcome in list(self._answers.values()) if outcome == "ok"), default=0.0)

    def start(self) -> None:
        self._reader.start()
        self._writer.start()

    def stop_sending(self) -> None:
        """Send no further order; those under way are still awaited by `finish`."""
        self._stop.set()

    def finish(self, seconds: float = FINISH_SECONDS) -> tuple[Order, ...]:
        """Await the answers that are still due, end the process, give all orders in the order of sending."""
        self._stop.set()
        self._writer.join(timeout=2.0)
        with contextlib.suppress(OSError, ValueError):
            self._input.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=seconds)
        self._process.kill()
        self._process.wait()
        self._reader.join(timeout=2.0)
        return tuple(self._order(key, sent) for key, sent in self._sent.items())

    def complaints(self) -> tuple[str, ...]:
        """What `put` did against its contract; complete after `finish`."""
        return tuple(self._complaints)

    def _order(self, key: str, sent: float) -> Order:
        told = self._told.get(key, ())
        if key not in self._answers:
            return Order(key, sent, None, "unknown", told)
        answered, outcome = self._answers[key]
        return Order(key, sent, answered, outcome, told)

    def _write(self) -> None:
        begin = time.monotonic()
        number = 0
        while not self._stop.wait(max(0.0, begin + number / self._rate - time.monotonic())):
            key = f"{self._prefix}-{number:06d}"
            self._sent[key] = time.monotonic()
            try:
                self._input.write(f"{key} item-{number % 97} pieces-{1 + number % 5}\n")
                self._input.flush()
            except (OSError, ValueError):
                self._complain(f"put ended before its input did (exit code {self._process.poll()})")
                return
            number += 1

    def _read(self) -> None:
        for line in self._output:
            now = time.monotonic()
            key, _, outcome = line.strip().partition(" ")
            word, _, told = outcome.partition(" ")
            if word == "later" and key in self._sent:
                self._told[key] = (*self._told.get(key, ()), told)
            elif outcome not in OUTCOMES or key not in self._sent:
                self._complain(
                    f"put said {line.strip()[:80]!r}; expected KEY ok|failed|unknown, or KEY later REASON, of a "
                    "key that it got"
                )
            else:
                self._answers.setdefault(key, (now, cast(OrderOutcome, outcome)))

    def _complain(self, text: str) -> None:
        if len(self._complaints) < 5 and not self._stop.is_set():
            self._complaints.append(text)


def parse_listing(text: str) -> dict[str, int]:
    """The output of `get` as count by key.

    Raises ValueError for a line that is not KEY COUNT, or a repeated key.
    """
    counts: dict[str, int] = {}
    for line in text.splitlines():
        key, _, count = line.strip().partition(" ")
        if not key or not count.isdecimal() or key in counts:
            raise ValueError(f"get said {line[:80]!r}; expected KEY COUNT, each key once")
        counts[key] = int(count)
    return counts


def read_back(
    popen: Callable[[str, Sequence[str]], Popen],
    nodes: Iterable[str],
    command: Sequence[str],
    seconds: float = GET_SECONDS,
) -> tuple[dict[str, int] | None, str]:
    """The stored orders as the first node tells them that gets a whole answer; else None, and why."""
    reason = "no node to ask from"
    for node in nodes:
        with popen(node, command) as process:
            try:
                text, _ = process.communicate(timeout=seconds)
                if process.returncode == 0:
                    return parse_listing(text), ""
                reason = f"get exited {process.returncode} in {node}"
            except subprocess.TimeoutExpired:
                reason = f"get gave no answer within {seconds:g} s in {node}"
            except ValueError as error:
                reason = str(error)
            finally:
                process.kill()
    return None, reason
