"""The tree of commands. A command's module is imported when that command is asked for, so that each starts with what it
needs itself: this is the only place of the command line where an import waits.
"""

from __future__ import annotations

from importlib import import_module, metadata
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

# name: the module below trimtab.cli, and in it the function, or the `Typer` of several; in the order of `--help`
COMMANDS = {
    "init": "init:init",
    "check": "check:check",
    "explain": "explain:explain",
    "schema": "schema:schema",
    "show": "show:show",
    "import": "import_hosts:app",
    "timing": "timing:timing",
    "build": "build:build",
    "lab": "lab:app",
    "drill": "drill:app",
    "agent": "agent:agent",
    "members": "members:members",
    "weight": "weight:weight",
    "split": "split:split",
    "register": "register:register",
    "deregister": "register:deregister",
    "drain": "drain:drain",
    "undrain": "drain:undrain",
    "freeze": "drain:freeze",
    "shift": "shift:shift",
    "blackhole": "blackhole:blackhole",
    "status": "why:status",
    "why": "why:why",
    "routes": "routes:routes",
    "incidents": "incidents:incidents",
}
SETTINGS: dict[str, Any] = {"help_option_names": ["-h", "--help"]}


class Commands(TyperGroup):
    """The commands of the table."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands = dict.fromkeys(COMMANDS)  # type: ignore[assignment]  # of these only the names are read

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        return _imported(cmd_name) if cmd_name in COMMANDS else None


def _imported(name: str) -> Any:
    module, _, attribute = COMMANDS[name].partition(":")
    found = getattr(import_module(f"trimtab.cli.{module}"), attribute)
    if not isinstance(found, typer.Typer):
        alone, function = typer.Typer(add_completion=False, context_settings=SETTINGS), found
        alone.command(name)(function)
        found = alone
    command = typer.main.get_command(found)
    command.name = name
    return command


app = typer.Typer(
    name="trimtab",
    cls=Commands,
    help="One file describes an estate of load balancers; check it, render it, run it, and prove its promises.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings=SETTINGS,
)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"trimtab {metadata.version('trimtab')}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="print the version")
    ] = False,
) -> None:
    """One file describes an estate of load balancers; check it, render it, run it, and prove its promises."""
