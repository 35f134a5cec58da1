"""An operator's override on the command line: what is refused before anything is asked. What it does: tests/ops, tests/twin."""

from __future__ import annotations

import pytest

from tests.cli.cli_kit import SHOP, run


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("members moon", "no pool 'moon'"),
        ("weight api 5", "names no member"),
        ("weight api/x fast", "no weight"),
        ("weight api/x -5", "No such option"),
        ("weight moon/x 5", "no pool 'moon'"),
        ("split moon", "no service 'moon'"),
        ("split api", "no route of api has a split"),
        ("split www web=1 moon=2", "'moon' is not in this split"),
        ("split www web=much", "is no share"),
        ("split www web-next=5", "trimtab split www web="),
        ("weight api/hk-backend-1 drain --force", "--force needs a reason"),
        ("split www --canary 5% --back", "exclude each other"),
        ("split www --home --back", "exclude each other"),
        ("split www --canary lots", "--canary 'lots'"),
        ("split www --canary 5% --to moon", "'moon' is not in this split"),
        ("split www --home --by chance", "--by chance is not known"),
        ("register web x --address 10.0.0.1 --site hk", "has its members from the estate"),
        ("register api x --address 10.0.0.1 --site moon", "no site with a registry"),
        ("deregister moon x --site hk", "no pool 'moon'"),
    ],
)
def test_what_cannot_be_is_bad_input(words: str, says: str) -> None:
    done = run(*words.split(), "-e", str(SHOP))
    assert (done.returncode, done.stdout) == (2, "")
    assert says in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "words", ["members", "weight api/hk-backend-1 drain", "split www --canary 5%", "split www"]
)
def test_a_machine_outside_the_estate_says_what_it_lacks(words: str) -> None:
    done = run(*words.split(), "-e", str(SHOP))
    assert (done.returncode, done.stdout) == (3, "")
    assert "/etc/trimtab/pki/" in done.stderr and "--twin" in done.stderr


def test_without_a_twin_there_is_none_to_reach_into() -> None:
    done = run("members", "--twin", "-e", str(SHOP.parents[1] / "ecommerce/estate.yaml"))
    assert done.returncode == 3 and "Traceback" not in done.stderr
