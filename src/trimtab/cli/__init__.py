"""The command line: one thin file a command, exit codes 0 done, 1 the answer is no, 2 bad input, 3 unable.

And 130 interrupted, 141 where nobody reads the output any more, 129 and 143 as SIGHUP and SIGTERM end a program.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

from trimtab.errors import TrimtabError


def main() -> None:
    """Entry point. Errors raised on purpose become a message and an exit code, never a traceback."""
    from trimtab.cli.output import ReaderGone, end_output, prepare_output, print_error

    try:
        prepare_output()
        with _tidied():
            code = _command()
        end_output()
    except ReaderGone as error:
        _drop_output()
        sys.exit(error.exit_code)
    except TrimtabError as error:
        print_error(error)
        _drop_output()
        sys.exit(error.exit_code)
    except (KeyboardInterrupt, EOFError):
        sys.stderr.write("interrupted\n")
        sys.exit(130)
    except Exception as error:
        sys.exit(_usage_or_bug(error))
    sys.exit(code if isinstance(code, int) else 0)


@contextmanager
def _tidied() -> Iterator[None]:
    """Who is told to end takes away what is its own: files half made, a twin for one drill. What the caller ignores, as
    nohup does, stays ignored.
    """
    ours = [each for each in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(each) is signal.SIG_DFL]
    for number in ours:
        signal.signal(number, _end)
    try:
        yield
    finally:
        for number in ours:
            signal.signal(number, signal.SIG_DFL)


def _end(number: int, _frame: FrameType | None) -> None:
    sys.exit(128 + number)


def _command() -> object:
    from trimtab.cli.app import app

    return app(standalone_mode=False)


def _drop_output() -> None:
    """An error is already on its way out: what could not be written may not become a second one."""
    from trimtab.cli.output import end_output

    with suppress(TrimtabError):
        end_output()


def _usage_or_bug(error: Exception) -> int:
    """Usage errors are bad input; anything else is a defect and keeps its traceback."""
    import click

    if isinstance(error, click.exceptions.Abort):
        return 130
    if isinstance(error, click.ClickException):
        error.show()
        return 2
    if type(error).__module__.startswith("typer."):
        show = getattr(error, "show", None)
        if show is not None:
            if isinstance(message := getattr(error, "message", None), str):  # a library's words in front
                error.__dict__["message"] = message.removeprefix("Value error, ")
            show()
            return 2
    raise error
