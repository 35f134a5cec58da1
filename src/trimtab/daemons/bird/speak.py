"""Asking the BIRD of another machine: a small program for that machine, and what it prints as replies. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from trimtab.daemons.bird import wire
from trimtab.daemons.bird.wire import Reply
from trimtab.errors import Unreachable

# On a node: BIRD wants to have given its reply before it hears the next command.
SPEAK = """\
import re, socket, sys
with socket.socket(socket.AF_UNIX) as bird:
    bird.settimeout(10)
    bird.connect("/run/bird/bird.ctl")
    lines = bird.makefile("rb")
    for command in ["", *sys.argv[1:]]:
        if command:
            bird.sendall(command.encode() + b"\\n")
        for line in lines:
            sys.stdout.buffer.write(line)
            if re.match(rb"\\d{4} ", line):
                break
"""


def speak(asked: Sequence[str]) -> list[str]:
    """The command that asks all of it. Raises BadInput."""
    return ["python3", "-c", SPEAK, *(wire.encode(each).decode().strip() for each in asked)]


def spoken(node: str, asked: Sequence[str], said: bytes) -> list[Reply]:
    """What it printed, a reply for each question. Raises Unreachable, InvalidResponse."""
    replies = wire.Replies().feed(said)[1:]
    if len(replies) < len(asked):
        raise Unreachable(f"{node}: nobody answers at BIRD's socket")
    return replies[: len(asked)]
