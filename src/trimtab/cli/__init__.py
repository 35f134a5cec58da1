"""The command line: one thin file a command, exit codes 0 done, 1 the answer is no, 2 bad input, 3 unable."""

from __future__ import annotations

import sys

from trimtab.errors import TrimtabError


def main() -> None:
    """Entry point. Errors raised on purpose become a message and an exit code, never a traceback."""
    from trimtab.cli.app import app
    from trimtab.cli.output import print_error

    try:
        code = app(standalone_mode=False)
    except TrimtabError as error:
        print_error(error)
        sys.exit(error.exit_code)
    except (KeyboardInterrupt, EOFError):
        sys.stderr.write("interrupted\n")
        sys.exit(130)
    except Exception as error:
        sys.exit(_usage_or_bug(error))
    sys.exit(code if isinstance(code, int) else 0)


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
