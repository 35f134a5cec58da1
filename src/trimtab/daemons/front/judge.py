"""What the answer of a site endpoint means. Pure.

A front serves when it answers below 500: a redirect, a refusal, even a page that is not there comes from something that
works. A certificate that does not verify is a no, because clients refuse it too.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

Probe = Literal["https", "tcp", "icmp"]
PROBES: tuple[Probe, ...] = ("https", "tcp", "icmp")  # what says most comes first

_SITE = re.compile(
    r"^x-trimtab-site:[ \t]*([a-z][a-z0-9-]{0,19})[ \t]*\r?$", re.ASCII | re.IGNORECASE | re.MULTILINE
)
_STATUS = re.compile(r"HTTP/1\.[01] ([1-5][0-9]{2})(?: .*)?")


@dataclass(frozen=True, slots=True)
class Answer:
    """came: it was answered (`text` of https: the beginning of the reply); silent: not within the limit; nobody: refused,
    cut, unreachable, or not who it should be; unable: the question could not be put, which says nothing about the front.
    text: why, where nothing came.
    """

    probe: Probe
    how: Literal["came", "silent", "nobody", "unable"]
    text: str = ""


def judge(answer: Answer, site: str = "") -> tuple[bool | None, str]:
    """(whether it works, why not). None is unknown; the why is "" where it works, and begins with the probe elsewhere.

    site: which one was asked. Every site has every address, and a covering prefix leads the packets of one that is gone to
    another one: an answer of that says nothing good of the site that was asked.
    """
    if answer.how == "unable":
        return None, f"{answer.probe}: {answer.text}"
    if answer.how != "came":
        return False, f"{answer.probe}: {answer.text}"
    if answer.probe != "https":
        return True, ""
    if (other := answered_by(answer.text)) and site and other != site:
        return False, f"https: answered by {other}"
    return _judge_reply(answer.text)


def answered_by(head: str) -> str:
    """The site that says it answers; "" where nobody does, as proxies with an earlier configuration."""
    line = status_line(head)
    if line is None or _STATUS.fullmatch(line) is None:
        return ""
    fields = head[head.rindex(line) + len(line) :].split("\n\r\n", 1)[0]
    found = _SITE.search(fields)
    return found[1] if found else ""


def _judge_reply(head: str) -> tuple[bool, str]:
    line = status_line(head) or ""
    found = _STATUS.fullmatch(line)
    if found is None:
        return False, f"https: answered {(line or head)[:80]!a}"
    return (True, "") if int(found[1]) < 500 else (False, f"https {found[1]}")


def is_whole(head: str) -> bool:
    """Whether all is there that is looked at: the final status, and its fields if it is HTTP."""
    line = status_line(head)
    if line is None:
        return False
    rest = head[head.rindex(line) + len(line) :]
    return _STATUS.fullmatch(line) is None or "\r\n\r\n" in rest or "\n\n" in rest


def status_line(head: str) -> str | None:
    """The line with the final status: the first that is not interim (1xx; RFC 9110, 15.2), HTTP or not. None: it has not
    come.
    """
    while True:
        line, ended, rest = head.partition("\n")
        if not ended:
            return None
        found = _STATUS.fullmatch(line := line.removesuffix("\r"))
        if found is None or found[1] >= "200":
            return line
        head = f"\r\n{rest}".partition("\r\n\r\n")[2]
