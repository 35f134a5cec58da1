"""`trimtab import hosts`: the networks and machines that another inventory has, as the estate's file says them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated

import typer

from trimtab.cli.options import DEFAULT_ESTATE, EstateFile, named
from trimtab.cli.output import log, print_line
from trimtab.daemons.load import additions, load_tree
from trimtab.errors import BadInput
from trimtab.estate.fault import BadEstate
from trimtab.estate.importing import ansible, netbox
from trimtab.estate.importing.found import Found, Names
from trimtab.estate.importing.insert import insert
from trimtab.estate.importing.plan import put_together
from trimtab.estate.importing.text import lines
from trimtab.estate.load import read_estate

MOST_BYTES = 64 * 1024 * 1024
app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help="What other inventories know, as the estate's file says it.",
)

Files = Annotated[
    list[Path],
    typer.Argument(
        help="NetBox's CSV, or what `ansible-inventory --list` prints", metavar="FILE…", parser=named
    ),
]
As = Annotated[
    list[str] | None,
    typer.Option(
        "--as",
        help="a site that the estate calls otherwise; nothing behind the `=` leaves it out",
        metavar="THEIRS=SITE",
    ),
]
Groups = Annotated[
    list[str] | None,
    typer.Option(
        "--group",
        help="a role or group that the estate calls otherwise; nothing leaves it out",
        metavar="THEIRS=GROUP",
    ),
]
Without = Annotated[
    list[str] | None,
    typer.Option("--without", help="an interface whose addresses are left out", metavar="INTERFACE"),
]
Site = Annotated[
    str, typer.Option("--site", help="the site that all are at, whatever the files say", metavar="SITE")
]
Write = Annotated[
    bool,
    typer.Option(
        "--write", help="into the estate's file, at sites that have no `networks` and `machines` yet"
    ),
]


@app.callback()
def root() -> None:
    """What other inventories know, as the estate's file says it."""


@app.command("hosts")
def hosts(
    files: Files,
    estate: EstateFile = DEFAULT_ESTATE,
    site: Site = "",
    theirs: As = None,
    group: Groups = None,
    without: Without = None,
    write: Write = False,
) -> int:
    """Print the `hosts`, `networks` and `machines` of the estate's sites as these files have them, or write them into it."""
    known, tree = load_tree(estate)
    groups = frozenset({*known.groups, *known.roles.working})
    names = Names(
        frozenset(known.sites),
        groups,
        _pairs(theirs, "--as", known.sites),
        _pairs(group, "--group", groups),
        frozenset(without or ()),
        site,
    )
    if site and site not in known.sites:
        raise BadInput(f"the estate has no site `{site}`", f"there is {', '.join(sorted(known.sites))}")
    found = Found()
    for file in files:
        _read(file, names, found)
    plans = put_together(found, known)
    if found.faults:
        raise BadEstate(found.faults)
    if not plans:
        raise BadInput(
            "there is no device in these files", _left(found.left) or "a list of devices says what is where"
        )
    if write:
        _write(estate, insert(_text(estate), tree, plans))
        log(f"wrote {estate}; next: trimtab check -e {estate}")
    else:
        for line in lines(plans):
            print_line(line)
    for why, count in sorted(found.left.items()):
        log(f"left out: {count} {why}")
    return 0


def _read(file: Path, names: Names, found: Found) -> None:
    text = _text(file)
    read = ansible.read if text.lstrip("\ufeff \t\r\n")[:1] == "{" else netbox.read
    read(text, str(file), names, found)


def _write(file: Path, text: str) -> None:
    """As a whole or not at all. Raises BadEstate for an estate that would not load, BadInput."""
    read_estate(text, str(file), added=additions())
    fresh = file.with_name(f".{file.name}.new")
    try:
        fresh.write_text(text, encoding="utf-8")
        fresh.chmod(file.stat().st_mode)
        fresh.replace(file.resolve())
    except OSError as error:
        fresh.unlink(missing_ok=True)
        raise BadInput(f"{file} cannot be written: {error.strerror}", "nothing was changed") from error


def _text(file: Path) -> str:
    """Raises BadInput."""
    try:
        if file.stat().st_size > MOST_BYTES:
            raise BadInput(f"{file} is larger than {MOST_BYTES // 1024 // 1024} MB", "export less at a time")
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else "it is no UTF-8 text"
        raise BadInput(f"{file} cannot be read: {why}", "a file that NetBox or Ansible wrote") from error


def _pairs(said: Sequence[str] | None, option: str, known: Iterable[str]) -> dict[str, str]:
    found = {}
    for each in said or ():
        word, sign, ours = each.rpartition("=")
        if not sign or not word:
            raise BadInput(f"`{option} {each}` is no THEIRS=OURS", f"`{option} 'Leaf Switch=router'`")
        if ours and ours not in known:
            raise BadInput(
                f"`{option} {each}`: the estate has no `{ours}`", f"there is {', '.join(sorted(known))}"
            )
        found[word] = ours
    return found


def _left(left: dict[str, int]) -> str:
    return "; ".join(f"left out: {count} {why}" for why, count in sorted(left.items()))
