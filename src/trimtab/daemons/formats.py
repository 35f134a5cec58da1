"""Files that belong to no daemon: whatever reads a format judges it."""

from __future__ import annotations

import re
from collections.abc import Mapping

from trimtab.daemons.reply import Reply
from trimtab.daemons.validator import Validator


def _python(words: str) -> Validator:
    return Validator("python3", "python3", lambda path: ["python3", "-ISc", words, path], reads="file")


def _systemd_accepts(reply: Reply) -> bool:
    """systemd only warns of a line that it does not know, and goes on without it; we do not."""
    return (
        reply.code == 0 and re.search(r"Unknown|Failed to parse|[Ii]gnoring|Missing '='", reply.text) is None
    )


FORMATS: Mapping[str, Validator] = {
    "json": _python("import json,sys; json.load(open(sys.argv[1]))"),
    "python": _python("import ast,sys; ast.parse(open(sys.argv[1]).read())"),
    "sh": Validator("sh", "dash", lambda path: ["sh", "-n", path], reads="file"),
    "systemd": Validator(
        "systemd-analyze",
        "systemd",
        lambda path: ["systemd-analyze", "verify", "--man=no", path],
        _systemd_accepts,
        reads="units",
    ),
}
