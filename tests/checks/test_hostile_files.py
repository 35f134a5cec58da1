"""Whatever is written into an estate file, `check` answers: an estate with findings, or faults that each have a line.

`rich.yaml` has every key; the mutations are those of people and of programs that write such files.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.checks.kit import TODAY
from trimtab.checks.engine import run
from trimtab.checks.finding import Report
from trimtab.checks.subject import Subject
from trimtab.daemons.load import room_faults
from trimtab.daemons.rendered import render_host
from trimtab.estate.estate import Estate
from trimtab.estate.fault import BadEstate, Loc
from trimtab.estate.inventory import Inventory
from trimtab.estate.json_schema import estate_schema
from trimtab.estate.load import read_estate

RICH = Path(__file__).parent / "rich.yaml"
TREE = yaml.load(RICH.read_text(), Loader=yaml.BaseLoader)

ODD = (
    "", " ", "~", "null", "true", "no", "0", "-1", "1", "00", "1.5", "-0", "1e3", "0x10", "65536", "4294967296", "9" * 30, "9" * 400,
    "0s", "1us", "100y", "99999y", "-1s", "1ms x 3", "10s x 50", "1..0", "0..0", "0..99999999999", "100%", "101%", "0/s", "1Tbps",
    "a", "a" * 20, "a" * 21, "a-", "a--b", "-", "A", "é", "\u202e", "\u0000", "\x7f", "\ufeff", "a\nb", "🙂" * 500, "x" * 5000,
    "site", "default", "proxy", "registry", "one", "two", "web", "spare", "one-backend-1", "one-router-1", "*", "<<", "&a", "*a", "!!str a",
    "/", "/a?b", "/%", "//", ".", ".a", "..", "1.2.3.4", "::", "::1", "0.0.0.0", "255.255.255.255", "fe80::1",
    "127.0.0.1", "10.1.48.1",
    "0.0.0.0/0", "::/0", "1.2.3.0/24", "240.0.0.0/4", "2000::/3", "198.51.100.0/29", "http://",
    "https://[", "https://www.rich.example:99999/", "$(x)",
    "env:", "env:A", "file:", "file:/nowhere", "file:../../../etc/passwd", "net.ipv4.ip_forward", "2026-02-30", "a.b",
    "a" * 63 + ".b", "'", '"',
    [], {}, [[]], [{}], {"": ""}, {"a": {"a": {"a": {}}}}, ["a"] * 300, [""], {"a": ""},
    "[]", "{}", [0, 0], ["one", "one"], ["1", "2", "3"],
)  # fmt: skip


def places(value: Any, loc: Loc = ()) -> Iterator[Loc]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield (*loc, key)
        yield from places(item, (*loc, key))


PLACES = list(places(TREE))


def at(tree: Any, loc: Loc) -> Any:
    for part in loc:
        try:
            tree = tree[part]
        except (KeyError, IndexError, TypeError):
            return None
    return tree


def mutate(tree: Any, how: str, loc: Loc, other: Loc, odd: Any) -> None:
    """Change the tree at `loc`, if that is still there."""
    parent, key = at(tree, loc[:-1]), loc[-1]
    if at(tree, loc) is None or not isinstance(parent, dict | list):
        return
    if how == "replace":
        parent[key] = copy.deepcopy(odd)
    elif how == "remove":
        del parent[key]
    elif how == "swap":
        parent[key] = copy.deepcopy(at(tree, other))
    elif isinstance(parent, list):
        parent.append(copy.deepcopy(parent[key]))
    elif how == "rename":
        parent[str(odd)] = parent.pop(key)
    else:
        parent[str(odd)] = copy.deepcopy(parent[key])


MUTATIONS = st.lists(
    st.tuples(
        st.sampled_from(["replace", "replace", "replace", "remove", "swap", "rename", "repeat"]),
        st.sampled_from(PLACES), st.sampled_from(PLACES), st.sampled_from(ODD),
    ),
    min_size=1, max_size=4,
)  # fmt: skip


def answered(text: str) -> tuple[Estate, Report] | None:
    """The estate and its findings; None where there are faults, each with its line and something to read."""
    try:
        estate, tree = read_estate(text, str(RICH), more=(room_faults,))
        return estate, run(Subject(estate, tree, Inventory(estate), TODAY))
    except BadEstate as error:
        lines = max(1, len(text.splitlines()))
        assert error.faults
        for fault in error.faults:
            assert 1 <= fault.line <= lines and fault.column >= 1, fault
            assert fault.message.strip() and fault.message.isprintable() and fault.hint.isprintable(), fault
        return None


def written(tree: Any) -> str:
    return yaml.dump(tree, Dumper=yaml.SafeDumper, sort_keys=False, allow_unicode=True, width=1000)


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(MUTATIONS)
def test_a_mutated_file_is_answered(mutations: list[tuple[str, Loc, Loc, Any]]) -> None:
    tree = copy.deepcopy(TREE)
    for mutation in mutations:
        mutate(tree, *mutation)
    found = answered(written(tree))
    if found is not None:
        rendered(found[0])


def rendered(estate: Estate) -> None:
    """What is an estate can be rendered, whatever the rules say of it."""
    inventory = Inventory(estate)
    one_of_each = {(host.site, host.group): host for host in inventory.hosts}
    for host in one_of_each.values():
        render_host(inventory, host)


@settings(max_examples=300, deadline=None)
@given(
    st.text(alphabet=st.sampled_from(list(" \t\n:-[]{}'\"#&*!|>%@`,?<=~.ab1é\ufeff")), max_size=60),
    st.integers(0, 4000),
)
def test_rubbish_in_the_middle_of_a_file_is_answered(rubbish: str, where: int) -> None:
    text = RICH.read_text()
    answered(text[:where] + rubbish + text[where:])


def test_every_key_is_in_the_rich_estate() -> None:
    """A new key is mutated from its first day. (`order` is of a policy that excludes the others.)"""
    schema = estate_schema()
    kinds = [schema, *schema["$defs"].values()]
    known = {key for kind in kinds for key in kind.get("properties", {})} - {"order"}
    assert sorted(known - {str(loc[-1]) for loc in PLACES}) == []


@pytest.mark.parametrize("key", ["sites", "pools", "services"])
def test_a_whole_section_may_be_nothing(key: str) -> None:
    for nothing in ("", [], {}, "a"):
        answered(written({**TREE, key: nothing}))
