"""The tree of commands. Modules are imported when their command runs, so `trimtab --help` stays quick."""

from __future__ import annotations

from importlib import metadata
from typing import Annotated

import typer

from trimtab.cli import (
    agent,
    build,
    check,
    drain,
    drill,
    explain,
    import_hosts,
    incidents,
    init,
    lab,
    members,
    register,
    routes,
    schema,
    show,
    split,
    timing,
    weight,
    why,
)

app = typer.Typer(
    name="trimtab",
    help="One file describes an estate of load balancers; check it, render it, run it, and prove its promises.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
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


app.command("init")(init.init)
app.command("check")(check.check)
app.command("explain")(explain.explain)
app.command("schema")(schema.schema)
app.command("show")(show.show)
app.add_typer(import_hosts.app, name="import")
app.command("timing")(timing.timing)
app.command("build")(build.build)
app.add_typer(lab.app, name="lab")
app.add_typer(drill.app, name="drill")
app.command("agent")(agent.agent)
for _command in (
    members.members,
    weight.weight,
    split.split,
    register.register,
    register.deregister,
    drain.drain,
    drain.undrain,
    drain.freeze,
    why.status,
    why.why,
    routes.routes,
    incidents.incidents,
):
    app.command(_command.__name__)(_command)
