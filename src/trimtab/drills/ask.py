"""Ask a program on a node of the twin; judging its reply is somebody else's work."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence

from trimtab.drills.scene import LabLike
from trimtab.errors import EnvironmentUnable, TrimtabError

ASK_SECONDS = 10.0


def ask(lab: LabLike, node: str, argv: Sequence[str], text: str = "", *, seconds: float | None = None) -> str:
    """What `argv` prints on `node`, fed with `text`. Raises EnvironmentUnable when it fails or takes too long."""
    limit = ASK_SECONDS if seconds is None else seconds
    process = lab.popen(
        node,
        argv,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        first=True,  # a command that breaks something is to take effect when it is given
    )
    with process:
        try:
            reply = str(process.communicate(text, timeout=limit)[0])
        except subprocess.TimeoutExpired as error:
            raise EnvironmentUnable(f"{node}: {' '.join(argv)} gave no answer in {limit:g} s") from error
        finally:
            process.kill()
    if process.returncode:
        raise EnvironmentUnable(
            f"{node}: {' '.join(argv)} exited {process.returncode}: {reply.strip()[-300:]}"
        )
    return reply


def ask_if_there(lab: LabLike, node: str, argv: Sequence[str], text: str = "") -> str | None:
    """The same; None where the node is off or the program fails, which is an answer too."""
    try:
        return ask(lab, node, argv, text)
    except (TrimtabError, OSError):
        return None


def whatever_it_exits(*argv: str) -> tuple[str, ...]:
    """The same command, for a program that also fails where its answer is no."""
    return ("sh", "-c", '"$@" || :', "sh", *argv)
