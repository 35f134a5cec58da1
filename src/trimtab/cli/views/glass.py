"""What is known of a prefix or address, as one table: a line a path, whoever was asked by whatever program."""

from __future__ import annotations

from collections.abc import Iterator

from trimtab.answers.glass import Glass, Path

HEAD = ("asked", "", "prefix", "from", "next hop", "path", "pref", "med", "origin", "since", "communities")
SIGNS = {"heard": "", "own": "own", "told": "tells", "refused": "refused"}


def lines(answer: Glass) -> Iterator[str]:
    rows = [(known.vantage, *_row(path)) for known in answer.known for path in known.paths]
    table = [HEAD, *rows]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for row in table if rows else ():
        yield "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
    nothing = [known.vantage for known in answer.known if not known.paths]
    if nothing:
        yield f"{answer.asked} is not known to {', '.join(nothing)}"
    yield from (f"no answer: {each}" for each in answer.silent)


def _row(path: Path) -> tuple[str, ...]:
    return (
        "*" if path.best else SIGNS[path.kind], path.prefix, path.session or "itself", path.next_hop or "-", path.path or "-",
        _number(path.local_pref), _number(path.med), path.validation if path.validation != "not-asked" else "-",
        path.since or "-", " ".join(path.communities) or "-",
    )  # fmt: skip


def _number(value: int | None) -> str:
    return "-" if value is None else str(value)
