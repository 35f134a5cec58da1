"""`--name value` options, read without argparse: its import costs more than the rest of the shop's start."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


class BadOption(ValueError):
    """An option that is unknown, repeated, or lacks its value."""


def read_options(words: Sequence[str], defaults: Mapping[str, str | None]) -> dict[str, str]:
    """`--port 80` or `--port=80` over the defaults; a default of None means that the option must be given."""
    given: dict[str, str] = {}
    rest = list(words)
    while rest:
        word = rest.pop(0)
        name, equals, value = word.removeprefix("--").partition("=")
        if not word.startswith("--") or name not in defaults:
            known = ", ".join(f"--{option}" for option in defaults)
            raise BadOption(f"unknown argument {word!r}; there are: {known}")
        if name in given:
            raise BadOption(f"--{name} is given twice")
        if not equals and not rest:
            raise BadOption(f"--{name} needs a value")
        given[name] = value if equals else rest.pop(0)
    merged = {name: given.get(name, default) for name, default in defaults.items()}
    if missing := [name for name, value in merged.items() if value is None]:
        raise BadOption("missing: " + ", ".join(f"--{name}" for name in missing))
    return {name: value for name, value in merged.items() if value is not None}


def whole_number(options: Mapping[str, str], name: str, highest: int) -> int:
    """The option as an int from 0 to `highest`."""
    text = options[name]
    if not text.isdecimal() or int(text) > highest:
        raise BadOption(f"--{name} {text}: expected a whole number from 0 to {highest}")
    return int(text)
