"""The command lines of a unit: prefixes, quoting, and `$NAME` at the time they run."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass

VARIABLE = re.compile(r"\$(?:\$|\{(\w+)\})")
WHOLE = re.compile(r"\$(\w+)")


@dataclass(frozen=True, slots=True)
class Command:
    """argv as written, variables not yet replaced.  may_fail: prefix `-`, a failure counts as success.

    The prefixes `+` and `!` give a command root's rights, which everything in the twin has.
    """

    argv: tuple[str, ...]
    may_fail: bool = False

    def expand(self, environment: Mapping[str, str]) -> list[str]:
        """`${NAME}` inside a word; `$NAME` as a word of its own, split at blanks; `$$` for a dollar."""
        words: list[str] = []
        for word in self.argv:
            if whole := WHOLE.fullmatch(word):
                words += environment.get(whole[1], "").split()
            else:
                words.append(
                    VARIABLE.sub(lambda found: environment.get(found[1], "") if found[1] else "$", word)
                )
        return words


def parse_command(text: str) -> Command:
    """Raises ValueError saying what is wrong."""
    prefix = re.match(r"[-+!@:|]*", text)
    flags = prefix[0] if prefix else ""
    if set(flags) - set("-+!"):
        raise ValueError(f"the prefix {flags!r} is not supported, only - + !")
    argv = tuple(_split(text[len(flags) :]))
    if not argv:
        raise ValueError("there is no command")
    if ";" in argv:
        raise ValueError("several commands on one line are not supported, write one line each")
    if "$" in argv[0] or not argv[0]:
        raise ValueError("the program itself cannot be a variable")
    return Command(argv, "-" in flags)


def assignments(text: str) -> dict[str, str]:
    """`A=1 "B=two words"`. Raises ValueError."""
    found = {}
    for word in _split(text):
        name, sign, value = word.partition("=")
        if not sign or not name.isidentifier():
            raise ValueError(f"{word!r} is not NAME=VALUE")
        found[name] = value
    return found


def _split(text: str) -> list[str]:
    """Words, single and double quotes, backslash escapes; unlike a shell's, `#` begins no comment."""
    words = shlex.shlex(text, posix=True, punctuation_chars=False)
    words.whitespace_split = True
    words.commenters = ""
    words.escapedquotes = "\"'"
    return list(words)
