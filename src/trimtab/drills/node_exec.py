"""Ask a program on a node of the twin; judging its reply is somebody else's work."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Sequence
from typing import TypeVar

from trimtab.daemons.serving import Question
from trimtab.drills.ledger import Popen
from trimtab.drills.scene import LabLike
from trimtab.errors import EnvironmentUnable, TrimtabError

T = TypeVar("T")
ASK_SECONDS = 10.0


def ask(lab: LabLike, node: str, argv: Sequence[str], text: str = "", *, seconds: float | None = None) -> str:
    """What `argv` prints on `node`, fed with `text`. Raises EnvironmentUnable when it fails or takes too long."""
    return _ask(lab, node, argv, text, ASK_SECONDS if seconds is None else seconds, greets=False)[1]


def tell(lab: LabLike, node: str, argv: Sequence[str], text: str) -> float:
    """Feed `argv`, once it has greeted with a line, with `text`; time.monotonic() at which that was done.

    For what breaks something: it takes effect then, and not when its program was asked for, which on a full machine is a
    tenth of a second earlier. Raises EnvironmentUnable.
    """
    return _ask(lab, node, argv, text, ASK_SECONDS, greets=True)[0]


def _ask(
    lab: LabLike, node: str, argv: Sequence[str], text: str, limit: float, *, greets: bool
) -> tuple[float, str]:
    process = lab.popen(
        node,
        argv,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        first=True,  # a command that breaks something is to take effect when it is given
    )
    silent = EnvironmentUnable(f"{node}: {' '.join(argv)} gave no answer in {limit:g} s")
    with process:
        try:
            if greets and not _line(process, limit):
                raise silent
            at = time.monotonic()
            reply = str(process.communicate(text, timeout=limit)[0])
        except subprocess.TimeoutExpired as error:
            raise silent from error
        finally:
            process.kill()
    if process.returncode:
        raise EnvironmentUnable(
            f"{node}: {' '.join(argv)} exited {process.returncode}: {reply.strip()[-300:]}"
        )
    return at, reply


def _line(process: Popen, limit: float) -> str:
    """Its first line; "" where it ends without one, or has none within the limit and is killed."""
    assert process.stdout is not None
    late = threading.Timer(limit, process.kill)
    late.start()
    try:
        return str(process.stdout.readline())
    finally:
        late.cancel()


def ask_if_there(lab: LabLike, node: str, argv: Sequence[str], text: str = "") -> str | None:
    """The same; None where the node is off or the program fails, which is an answer too."""
    try:
        return ask(lab, node, argv, text)
    except (TrimtabError, OSError):
        return None


def asked(lab: LabLike, node: str, question: Question[T]) -> T:
    """What the judge of a question makes of the reply."""
    return question.judge(ask_if_there(lab, node, question.command, question.text))


def whatever_it_exits(*argv: str) -> tuple[str, ...]:
    """The same command, for a program that also fails where its answer is no."""
    return ("sh", "-c", '"$@" || :', "sh", *argv)
