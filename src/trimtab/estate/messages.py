"""pydantic's errors in the words of the file: key, what was got, what to write instead."""

from __future__ import annotations

import types
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from trimtab.estate.base import SECRET_RULE
from trimtab.estate.estate import Estate
from trimtab.estate.fault import Loc
from trimtab.estate.quantity import duration_text
from trimtab.estate.secrets import masked
from trimtab.estate.similar import similar
from trimtab.estate.tree import Tree, printable

BOUNDS = {
    "less_than_equal": ("at most", "le"),
    "less_than": ("less than", "lt"),
    "greater_than_equal": ("at least", "ge"),
    "greater_than": ("more than", "gt"),
}

# What other programs call a key of ours.
OTHER_NAMES = {
    "lan": "local", "link": "local", "source": "local", "local_address": "local", "import": "accept", "neighbor": "peer",
    "remote_as": "asn", "as": "asn", "max_prefix": "prefixes", "local_pref": "preference", "md5": "password", "gtsm": "ttl_security",
    "gateway": "via", "metric": "med",
}  # fmt: skip


def add_faults(tree: Tree, error: ValidationError, model: type[Estate] = Estate) -> None:
    """One fault a pydantic error, at its line."""
    details = error.errors(include_url=False, include_context=True)
    above = {detail["loc"][:end] for detail in details for end in range(len(detail["loc"]))}
    for detail in details:
        if detail["type"] == "too_short" and detail["loc"] in above:
            continue  # the items are there, each with a fault of its own
        loc = tuple(part for part in detail["loc"] if part != "[key]")
        message, hint = _say(detail, loc, model)
        tree.fault(loc, message, hint)


def _say(detail: ErrorDetails, loc: Loc, model: type[Estate]) -> tuple[str, str]:
    kind, got = detail["type"], detail.get("input")
    context: dict[str, Any] = detail.get("ctx") or {}
    if kind == "extra_forbidden":
        return _unknown_key(loc, model)
    if kind == "missing":
        return "the key is required", f"write `{loc[-1]}: …` here"
    if kind == "value_error" and str(context["error"]).startswith(SECRET_RULE):
        return str(context["error"]), ""  # what stands there may be the secret itself: it is not shown
    if kind == "value_error":
        return f"{_got(got)}{context['error']}", ""
    if kind == "literal_error":
        known = str(context["expected"])
        choices = [c.strip("'") for c in known.replace(" or ", ", ").split(", ")]
        close = similar(str(got), choices)
        message = _got(got).removesuffix(": ") or "one word is expected"
        if isinstance(got, list):
            return message, f"without `[` and `]`: one of {', '.join(choices)}"
        return message, f"did you mean `{close}`?" if close else f"one of {', '.join(choices)}"
    if kind in ("model_type", "model_attributes_type", "dict_type"):
        return f"{_got(got)}a map of keys is expected", "write `{key: value}` or indented lines"
    if kind in ("tuple_type", "list_type"):
        return f"{_got(got)}a list is expected", "write `[a, b]`"
    if kind == "too_long":
        many = f"{len(got)} entries, " if isinstance(got, dict | list | tuple) else ""
        return f"{many}at most {context['max_length']} are possible", ""
    if kind == "too_short":
        least = context["min_length"]
        return f"at least {least} {'entry is' if least == 1 else 'entries are'} expected here", ""
    if kind in BOUNDS:
        word, name = BOUNDS[kind]
        limit = context[name]
        if isinstance(got, float):  # durations are seconds by now
            return f"got `{duration_text(got)}`: {word} {duration_text(limit)}", ""
        return f"{_got(got)}{word} {limit}", ""
    return f"{_got(got)}{detail['msg'][0].lower()}{detail['msg'][1:]}", ""


def _got(value: Any) -> str:
    if not isinstance(value, str):
        return ""
    if not value:
        return "nothing is written here: "
    shown = printable(masked(value))
    return f"got `{shown if len(shown) <= 60 else shown[:57] + '...'}`: "


def _unknown_key(loc: Loc, model: type[Estate]) -> tuple[str, str]:
    known = sorted(keys_at(loc[:-1], model))
    if (own := OTHER_NAMES.get(str(loc[-1]))) in known:
        return "unknown key", f"here it is `{own}`"
    close = similar(str(loc[-1]), known)
    hint = f"did you mean `{close}`?" if close else f"known here: {', '.join(known)}"
    return "unknown key", hint


def keys_at(loc: Loc, model: type[Estate] = Estate) -> set[str]:
    """The keys that the model knows at a place."""
    kind: Any = model
    for part in loc:
        kind = _step(_plain(kind), part)
    plain = _plain(kind)
    return set(plain.model_fields) if isinstance(plain, type) and issubclass(plain, BaseModel) else set()


def _step(kind: Any, part: str | int) -> Any:
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        found = kind.model_fields.get(str(part))
        return found.annotation if found else None
    arguments = get_args(kind)
    if get_origin(kind) is dict:
        return arguments[1]
    return arguments[0] if arguments else None


def _plain(kind: Any) -> Any:
    """Without Annotated and `| None`."""
    while True:
        if get_origin(kind) is Annotated:
            kind = get_args(kind)[0]
        elif get_origin(kind) in (Union, types.UnionType):
            kind = next(a for a in get_args(kind) if a is not type(None))
        else:
            return kind
