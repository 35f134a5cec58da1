"""Draining on the command line: what is refused before anything is asked, and what is meant by a name."""

from __future__ import annotations

import pytest

from tests.cli.cli_kit import SHOP, run
from trimtab.cli.drain_local import named
from trimtab.cli.local_words import Local
from trimtab.errors import BadInput
from trimtab.estate.inventory import Inventory
from trimtab.estate.load import load_estate


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("drain moon", "no site 'moon' that serves"),
        ("drain hk --force", "--force needs a reason"),
        ("drain hk --site hk", "--site goes with POOL/MEMBER"),
        ("drain hk-router-1", "hk-router-1 has no drain of its own"),
        ("drain moon/x", "no pool 'moon'"),
        ("drain api/nobody", "no host of the estate is called 'nobody'"),
        ("drain api/x --site moon", "no site with a registry"),
        ("undrain moon", "no site 'moon' that serves"),
        ("why moon", "no site 'moon' that serves"),
        ("why hk --site la", "--site goes with POOL/MEMBER"),
        ("freeze", "a freeze needs a reason"),
        ("status --watch --json", "--watch is for people"),
    ],
)
def test_what_cannot_be_is_bad_input(words: str, says: str) -> None:
    done = run(*words.split(), "-e", str(SHOP))
    assert (done.returncode, done.stdout) == (2, "")
    assert says in done.stderr and "Traceback" not in done.stderr


def test_a_reason_that_no_record_takes_is_bad_input() -> None:
    done = run("drain", "hk", "--reason", "disk\nreplaced", "-e", str(SHOP))
    assert (done.returncode, done.stdout) == (2, "") and "Traceback" not in done.stderr
    assert "--reason 'disk?replaced': at most 200 printable characters are expected" in done.stderr


@pytest.mark.parametrize(
    "words",
    ["drain hk", "drain hk-proxy-1", "drain api/hk-backend-1", "undrain hk", "freeze --reason x", "status", "why hk",
     "why hk-backend-1", "why api/hk-backend-1", "drain hk --dry-run"],
)  # fmt: skip
def test_a_machine_outside_the_estate_says_what_it_lacks(words: str) -> None:
    done = run(*words.split(), "-e", str(SHOP))
    assert (done.returncode, done.stdout) == (3, "")
    assert "/etc/trimtab/pki/" in done.stderr and "--twin" in done.stderr


def test_a_name_is_a_proxy_or_a_member_or_else_a_site() -> None:
    shop = Inventory(load_estate(SHOP))
    assert named(shop, "hk-proxy-2", None) == Local("drain-proxy", "hk", "hk-proxy-2")
    assert named(shop, "api/sg-backend-1", None) == Local("drain-member", "sg", "api/sg-backend-1")
    assert named(shop, "api/x", "la") == Local("drain-member", "la", "api/x")
    assert named(shop, "hk", None) is None
    with pytest.raises(BadInput, match="may be at hk, "):
        named(shop, "api/x", None)
