"""`trimtab show --network`: the same plan as tables, data and a picture."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from xml.etree import ElementTree

from tests.cli.cli_kit import run

STATED = Path(__file__).parents[1] / "twin/estates/asitis.yaml"


def shown(*words: str) -> str:
    done = run("show", "--network", "-e", str(STATED), *words)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_tables_say_what_the_file_says() -> None:
    text = shown()
    for row in (
        "fra   edge     310   bond0.310  10.20.30.0/24 2001:db8:100:310::/64",
        "fra   edge-a   proxy     edge     eno1       10.20.30.11/24",
        "fra   10.20.30.201           internal  intra",
        "fra   proxy              backend            tcp       8080",
    ):
        assert row in text, row
    assert [line.split()[0] for line in shown("--table", "hosts").splitlines()[:2]] == ["site", "fra"]


def test_links_to_other_networks_have_both_addresses() -> None:
    done = run("show", "--network", "-e", str(STATED.parent / "peerings.yaml"), "--json")
    links = [
        (k["upstream"], k["interface"], k["address"], k["peer"]) for k in json.loads(done.stdout)["links"]
    ]
    assert ("transit", "", "192.0.2.1/31", "192.0.2.0") in links
    assert ("tor", "eth1", "fe80::2/64", "fe80::1") in links


def test_each_form_has_all_of_it() -> None:
    data = json.loads(shown("--json"))
    for name in ("networks", "hosts", "addresses", "links", "flows"):
        rows = list(csv.reader(io.StringIO(shown("--csv", "--table", name))))
        assert len(rows) == len(data[name]) + 1 and {len(row) for row in rows} == {len(rows[0])}
        lines = shown("--markdown", "--table", name).splitlines()
        assert lines[0] == f"### {name}" and len(lines) == len(rows) + 3
    assert shown("--csv").count("\n\n") == 4


def test_the_picture_is_one_and_has_every_host(tmp_path: Path) -> None:
    shown("--picture", str(tmp_path / "net.svg"))
    root = ElementTree.parse(tmp_path / "net.svg").getroot()
    says = " ".join(each.text or "" for each in root.iter())
    assert root.tag.endswith("svg") and all(
        host["host"] in says for host in json.loads(shown("--json"))["hosts"]
    )


def test_what_cannot_be_asked_is_bad_input(tmp_path: Path) -> None:
    for words in (
        ["--markdown"],
        ["--network", "--csv", "--json"],
        ["--network", "--table", "hoste"],
        ["--network", "--picture", str(tmp_path / "none/net.svg")],
    ):
        done = run("show", "-e", str(STATED), *words)
        assert done.returncode == 2 and "Traceback" not in done.stderr, words
