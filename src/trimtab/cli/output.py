"""Printing: results to standard output, everything else to standard error."""

from __future__ import annotations

import json
import sys
from typing import Any

from trimtab.errors import TrimtabError


def print_json(value: Any) -> None:
    sys.stdout.write(json.dumps(value, indent=2, default=str) + "\n")
    sys.stdout.flush()


def print_line(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def log(text: str) -> None:
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def print_error(error: TrimtabError) -> None:
    log(error.message)
    if error.hint:
        log(f"    {error.hint}")


class Progress:
    """One line that changes on a terminal; plain lines, only when something changed, elsewhere."""

    def __init__(self, *, only_terminal: bool = False) -> None:
        self._terminal = sys.stderr.isatty()
        self._silent = only_terminal and not self._terminal
        self._last = ""

    def __call__(self, text: str) -> None:
        if self._silent or text == self._last:
            return
        self._last = text
        if self._terminal:
            sys.stderr.write(f"\r\x1b[2K{text[:150]}")
            sys.stderr.flush()
        else:
            log(text)

    def done(self) -> None:
        if self._terminal and self._last:
            sys.stderr.write("\r\x1b[2K")
            sys.stderr.flush()
