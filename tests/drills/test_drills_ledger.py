"""A ledger of the user's own: shell scripts."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from drills_kit import ledger_scripts

from trimtab.drills.ledger import OrderStream, parse_listing, read_back


def start(argv: Sequence[str]) -> subprocess.Popen[Any]:
    return subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def local(node: str, argv: Sequence[str]) -> subprocess.Popen[Any]:
    return subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)


def play(argv: Sequence[str], seconds: float = 0.5, finish: float = 5.0) -> OrderStream:
    stream = OrderStream(start(argv), "d1-asia", 50.0)
    stream.start()
    time.sleep(seconds)  # how long orders are sent
    stream.stop_sending()
    return stream


def test_orders_go_in_and_come_back(tmp_path: Path) -> None:
    ledger = ledger_scripts(tmp_path)
    stream = play(ledger["put"])
    found = stream.finish()
    assert len(found) == pytest.approx(25, abs=6)
    assert all(order.outcome == "ok" and order.answered and order.answered >= order.sent for order in found)
    assert stream.acknowledged == len(found)
    assert stream.complaints() == ()
    stored, reason = read_back(local, ["clients"], ledger["get"])
    assert (stored, reason) == ({order.key: 1 for order in found}, "")


def test_what_was_never_answered_is_unknown() -> None:
    found = play(["sh", "-c", "cat > /dev/null"]).finish()
    assert found
    assert {(order.outcome, order.answered) for order in found} == {("unknown", None)}


def test_a_put_that_does_not_end_is_ended(tmp_path: Path) -> None:
    began = time.monotonic()
    play(["sleep", "60"]).finish(seconds=0.5)
    assert time.monotonic() - began < 50  # sleep's own end


@pytest.mark.parametrize(
    ("script", "word"),
    [("exit 3", "exit code 3"), ('while read k p; do echo "$k maybe"; done', "expected KEY ok")],
)
def test_a_put_that_breaks_its_contract_is_told(script: str, word: str) -> None:
    stream = play(["sh", "-c", script])
    stream.finish()
    assert word in " ".join(stream.complaints())


LATER = """
read key payload; echo "$key later 503"; echo "$key later 429"; echo "$key ok"
read key payload; echo "$key later 503"
while read key payload; do echo "$key failed"; done
"""


def test_what_was_put_off_is_told_beside_what_became_of_it() -> None:
    stream = play(["sh", "-c", LATER])
    first, second, *others = stream.finish()
    assert (first.outcome, first.told) == ("ok", ("503", "429"))
    assert (second.outcome, second.answered, second.told) == ("unknown", None, ("503",))
    assert {(order.outcome, order.told) for order in others} == {("failed", ())}
    assert stream.complaints() == ()


@pytest.mark.parametrize("line", ["nobody later 503", "nobody ok", "$key later503", "$key ok 200"])
def test_put_speaks_only_of_keys_that_it_got_and_in_known_words(line: str) -> None:
    stream = play(["sh", "-c", f'while read key payload; do echo "{line}"; done'], seconds=0.1)
    assert {order.outcome for order in stream.finish()} == {"unknown"}
    assert "expected KEY ok" in stream.complaints()[0]


def test_another_node_is_asked_when_the_first_cannot(tmp_path: Path) -> None:
    ledger = ledger_scripts(tmp_path)

    def popen(node: str, argv: Sequence[str]) -> subprocess.Popen[Any]:
        return local(node, ["false"] if node == "bad" else argv)

    assert read_back(popen, ["bad", "good"], ledger["get"]) == ({}, "")
    assert read_back(popen, ["bad"], ledger["get"]) == (None, "get exited 1 in bad")
    assert read_back(local, ["a"], ["echo", "k many"])[0] is None


def test_a_listing_is_keys_and_counts() -> None:
    assert parse_listing("a 1\nb 2\n") == {"a": 1, "b": 2}
    for text in ("a", "a x", "a 1\na 1"):
        with pytest.raises(ValueError, match="KEY COUNT"):
            parse_listing(text)
