"""What a command in a node answered, and what is made of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Truth = Literal["true", "false", "unknown"]


@dataclass(frozen=True, slots=True)
class Reply:
    """code: exit status, None if it did not answer in time.  text: standard output and error together."""

    code: int | None
    text: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """`why` is short enough to stand behind what is waited for; empty when true."""

    truth: Truth
    why: str = ""


TRUE = Verdict("true")


def false(why: str) -> Verdict:
    return Verdict("false", why)


def unknown(why: str) -> Verdict:
    return Verdict("unknown", why)


def refused(reply: Reply) -> Verdict | None:
    """Unknown, with its last words, if the command itself failed; None if it did not."""
    if reply.code == 0:
        return None
    lines = reply.text.strip().splitlines()
    return unknown(lines[-1][:120] if lines else f"exit status {reply.code}")


def missing(wanted: tuple[str, ...], found: set[str], be: str) -> Verdict:
    """True if everything wanted is among what was found, else false naming the first few that are not."""
    rest = [name for name in wanted if name not in found]
    if not rest:
        return TRUE
    more = f" and {len(rest) - 3} more" if len(rest) > 3 else ""
    return false(f"{', '.join(rest[:3])}{more} not {be}")
