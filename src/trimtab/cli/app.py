"""The tree of commands. Modules are imported when their command runs, so `trimtab --help` stays quick."""

from __future__ import annotations

import typer

from trimtab.cli import build, check, drill, explain, init, lab, schema, show, timing

app = typer.Typer(
    name="trimtab",
    help="One file describes an estate of load balancers; check it, render it, run it, and prove its promises.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("init")(init.init)
app.command("check")(check.check)
app.command("explain")(explain.explain)
app.command("schema")(schema.schema)
app.command("show")(show.show)
app.command("timing")(timing.timing)
app.command("build")(build.build)
app.add_typer(lab.app, name="lab")
app.add_typer(drill.app, name="drill")
