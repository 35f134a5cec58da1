"""What a scenario file may not say, because nothing would honour it."""

from __future__ import annotations

from importlib import resources

import pytest

from trimtab.drills.scenario_file import BadScenario, read_scenario

TEXT = (resources.files("trimtab.drills") / "scenarios" / "transit-loss.yaml").read_text()


@pytest.mark.parametrize(
    ("good", "bad", "said"),
    [
        ("upstream: first", "upstream: hkix", "arguments.upstream: got `hkix`"),
        ("reads: rto", "failed: rto", "claims.failed: got `rto`"),
        ("orders: write_rpo", "orders: rto", "claims.orders: got `rto`"),
        ("reads: rto", "reads: write_rpo", "claims.reads: got `write_rpo`"),
    ],
)
def test_what_would_be_ignored_or_misread_is_a_fault(good: str, bad: str, said: str) -> None:
    assert read_scenario(TEXT, "mine.yaml").name == "transit-loss"
    with pytest.raises(BadScenario) as refused:
        read_scenario(TEXT.replace(good, bad), "mine.yaml")
    assert said in str(refused.value)
