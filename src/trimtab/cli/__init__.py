"""The command line: one thin file a command, exit codes 0 done, 1 the answer is no, 2 bad input, 3 unable.

And 130 interrupted, 141 where nobody reads the output any more.
"""

from __future__ import annotations

import sys
from contextlib import suppress

from trimtab.errors import TrimtabError


def main() -> None:
    """Entry point. Errors raised on purpose become a message and an exit code, never a traceback."""
    from trimtab.cli.output import ReaderGone, end_output, prepare_output, print_error

    try:
        prepare_output()
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
            show()
            return 2
    raise error
