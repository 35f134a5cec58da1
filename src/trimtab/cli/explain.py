"""`trimtab explain`: the page of a rule, or the list of all."""

from __future__ import annotations

import textwrap
from difflib import get_close_matches
from typing import Annotated

import typer

from trimtab.checks.output import rule_json
from trimtab.checks.registry import known
from trimtab.checks.rule import Rule
from trimtab.cli.options import Json
from trimtab.cli.output import print_json, print_line
from trimtab.errors import BadInput

WIDTH = 100
RuleArgument = Annotated[str | None, typer.Argument(help="a rule; none: all of them", metavar="[RULE]")]
List = Annotated[bool, typer.Option("--list", help="every rule, one a line")]


def explain(rule: RuleArgument = None, every: List = False, json: Json = False) -> int:
    """Say what a rule of `trimtab check` finds, why it matters, and what to write instead."""
    rules = known()
    if rule is None or every:
        _list(list(rules.values()), json)
        return 0
    found = rules.get(rule)
    if found is None:
        close = get_close_matches(rule, rules, n=1)
        hint = f"did you mean `{close[0]}`?" if close else "`trimtab explain` lists them"
        raise BadInput(f"there is no rule `{rule}`", hint)
    if json:
        print_json(rule_json(found))
    else:
        print_line(page(found))
    return 0


def _list(rules: list[Rule], json: bool) -> None:
    if json:
        print_json([rule_json(rule) for rule in rules])
        return
    width = max(len(rule.NAME) for rule in rules)
    for rule in rules:
        print_line(f"{rule.NAME:<{width}}  {rule.SEVERITY:<7}  {rule.TITLE}")


def page(rule: Rule) -> str:
    """The whole page as text."""
    parts = [
        f"{rule.NAME}  ({rule.SEVERITY})",
        textwrap.fill(rule.TITLE[0].upper() + rule.TITLE[1:] + ".", WIDTH),
        textwrap.fill(rule.WHY, WIDTH),
        textwrap.fill(f"Source: {rule.SOURCE}", WIDTH),
        "Bad:\n" + textwrap.indent(rule.BAD.rstrip(), "    "),
        "Good:\n" + textwrap.indent(rule.GOOD.rstrip(), "    "),
        textwrap.fill(rule.FIX, WIDTH),
        f"To live with it: accept: [{{rule: {rule.NAME}, at: KEY, reason: TEXT}}]",
    ]
    return "\n\n".join(parts)
