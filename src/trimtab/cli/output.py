"""Printing: results to standard output, everything else to standard error.

What standard output cannot encode is written in ASCII (`<=` for `≤`). Control characters reach no terminal: what is
printed comes out of files. Output that is lost is never a success: on a full disk or a closed standard output the exit
code is 3; where the reader of a pipe has left, it is 141 without a word, as for a program that SIGPIPE ended.
"""

from __future__ import annotations

import codecs
import errno
import io
import json
import os
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from trimtab.answers.codec import plain
from trimtab.errors import BadInput, EnvironmentUnable, TrimtabError

T = TypeVar("T")
ASCII = str.maketrans({"≤": "<=", "≥": ">=", "–": "-", "−": "-", "…": "...", "→": "->", "×": "x", "·": "-"})
CONTROL = dict.fromkeys({*range(0x20), *range(0x7F, 0xA0)} - {0x09, 0x0A})


class ReaderGone(TrimtabError):
    """Nobody reads our output any more. Exit code 141, 128 and SIGPIPE."""

    exit_code = 141


class _Raw(io.FileIO):
    """Standard output; a failure is an error of ours, which nobody between here and `main` mistakes for his own."""

    def write(self, data: Any) -> int:
        try:
            return super().write(data)
        except OSError as error:
            if error.errno == errno.EPIPE:
                raise ReaderGone("") from error
            raise output_lost(error) from error


class _Told(io.FileIO):
    """Standard error: what nobody can read any more is gone. Kept in a buffer it would fail again at the end, with an exit code of
    Python's own (3.13: 120).
    """

    def write(self, data: Any) -> int:
        try:
            return super().write(data)
        except OSError:
            return len(data)


def output_lost(error: OSError) -> EnvironmentUnable:
    return EnvironmentUnable(f"standard output: {error.strerror}", "what should have been printed is lost")


def prepare_output() -> None:
    """Make standard output what this module's words promise. Raises EnvironmentUnable where it is closed."""
    codecs.register_error("trimtab", _in_ascii)
    if sys.stderr is None:
        sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115
    elif isinstance(sys.stderr, io.TextIOWrapper) and sys.stderr is sys.__stderr__:
        told = io.BufferedWriter(_Told(sys.stderr.fileno(), "w", closefd=False))
        sys.stderr = io.TextIOWrapper(told, sys.stderr.encoding, sys.stderr.errors, line_buffering=True)
    found = sys.stdout
    if found is None:
        sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115
        raise output_lost(OSError(errno.EBADF, os.strerror(errno.EBADF)))
    if not isinstance(found, io.TextIOWrapper) or found is not sys.__stdout__:
        return  # somebody else's
    raw = io.BufferedWriter(_Raw(found.fileno(), "w", closefd=False))
    sys.stdout = io.TextIOWrapper(raw, found.encoding, "trimtab", line_buffering=found.line_buffering)


def end_output() -> None:
    """Write what is still held back; after this, nothing of it is written any more. Raises as `prepare_output`."""
    try:
        sys.stdout.flush()
    finally:
        with suppress(OSError):  # Python flushes once more at its end
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, sys.__stdout__.fileno() if sys.__stdout__ else 1)


def _in_ascii(error: UnicodeError) -> tuple[str | bytes, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = error.object[error.start : error.end].translate(ASCII)
    return text.encode("ascii", "backslashreplace").decode("ascii"), error.end


def visible(text: str) -> str:
    """Without control characters, for a terminal would obey them."""
    return text.translate(CONTROL)


def print_json(value: Any) -> None:
    sys.stdout.write(json.dumps(value, indent=2, default=str) + "\n")
    sys.stdout.flush()


def show(answer: T, as_json: bool, lines: Callable[[T], Iterable[str]]) -> None:
    """An answer as data, or as its view."""
    if as_json:
        print_json(plain(answer))
        return
    for line in lines(answer):
        print_line(line)


def print_record(value: Any) -> None:
    """One of several, a line each."""
    sys.stdout.write(json.dumps(value, default=str) + "\n")
    sys.stdout.flush()


def print_line(text: str) -> None:
    sys.stdout.write(visible(text) + "\n")
    sys.stdout.flush()


def log(text: str) -> None:
    """A standard error that nobody can read any more stops nothing: see `_Told`."""
    sys.stderr.write(visible(text) + "\n")
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
            self._write(f"\r\x1b[2K{visible(text)[:150]}")
        else:
            log(text)

    def done(self) -> None:
        if self._terminal and self._last:
            self._write("\r\x1b[2K")

    @staticmethod
    def _write(text: str) -> None:
        sys.stderr.write(text)
        sys.stderr.flush()


def clock(at: float) -> str:
    """at: seconds since 1970."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at))


def write_picture(path: Path, text: str) -> None:
    """Raises BadInput."""
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise BadInput(
            f"{path} cannot be written: {error.strerror}", "name a file in a folder that there is"
        ) from error
