"""A fault of an estate file, and the error that carries all of them."""

from __future__ import annotations

from dataclasses import dataclass

from trimtab.errors import BadInput

Loc = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Mark:
    """A place in a file; line and column count from 1."""

    line: int
    column: int


@dataclass(frozen=True, order=True, slots=True)
class Fault:
    """One thing that is wrong. `key` is the dotted path of the value, `hint` what to write instead."""

    file: str
    line: int
    column: int
    key: str
    message: str
    hint: str = ""

    def __str__(self) -> str:
        text = (
            f"{self.file}:{self.line}:{self.column}  {self.key}: {self.message}"
            if self.key
            else (f"{self.file}:{self.line}:{self.column}  {self.message}")
        )
        return f"{text}\n    {self.hint}" if self.hint else text


class BadEstate(BadInput):
    """Every fault of one estate file, in file order."""

    def __init__(self, faults: list[Fault]) -> None:
        self.faults = tuple(sorted(set(faults)))
        count = len(self.faults)
        super().__init__(
            "\n".join(str(f) for f in self.faults),
            f"{count} fault{'s' if count != 1 else ''}; nothing was changed",
        )


def dotted(loc: Loc) -> str:
    """`("services", "www", "routes", 0, "pool")` as `services.www.routes[0].pool`."""
    text = ""
    for part in loc:
        text += f"[{part}]" if isinstance(part, int) else f".{part}"
    return text.removeprefix(".")
