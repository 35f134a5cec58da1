"""What a version lacks is a fault of the file: where it is asked for, which version, and the way out."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.estate.make import SMALL
from trimtab.daemons.load import load_estate
from trimtab.daemons.platforms import by_platform
from trimtab.estate.fault import BadEstate

STAPLED = SMALL.replace("routes:", "tls: {ocsp: true}\n    routes:")
PROXIES = "groups: {proxy: {platform: debian-13}}\n"


def told(tmp_path: Path, text: str) -> str:
    """The fault, "" where there is none."""
    path = tmp_path / "estate.yaml"
    path.write_text(text)
    try:
        load_estate(path)
    except BadEstate as error:
        return str(error.faults[0]).replace(str(tmp_path), "")
    return ""


@pytest.mark.parametrize(
    "text",
    [
        SMALL,
        f"platform: debian-13\n{STAPLED}",
        PROXIES + STAPLED,
        f"tiers: {{proxy: {{engine: nginx}}}}\n{STAPLED}",
    ],
    ids=["not asked for", "estate", "group", "nginx"],
)
def test_what_the_version_can_is_no_fault(tmp_path: Path, text: str) -> None:
    assert told(tmp_path, text) == ""


@pytest.mark.parametrize(
    ("head", "says"),
    [
        ("", "HAProxy 2.6 of one-proxy-1 (platform: unsaid, so the oldest) asks no OCSP responder"),
        ("platform: debian-12\n", "HAProxy 2.6 of one-proxy-1 (platform: debian-12) asks no OCSP responder"),
        (
            "platform: debian-13\ngroups: {proxy: {platform: debian-12}}\n",
            "HAProxy 2.6 of one-proxy-1 (platform: debian-12) asks no OCSP responder",
        ),
    ],
    ids=["unsaid", "older", "the group says otherwise"],
)
def test_what_the_version_lacks_is_said_with_its_line_and_the_way_out(
    tmp_path: Path, head: str, says: str
) -> None:
    line = (head + STAPLED).splitlines().index("    tls: {ocsp: true}") + 1
    found = told(tmp_path, head + STAPLED)
    assert found.startswith(f"/estate.yaml:{line}:") and says in found
    assert "debian-13 (3.0); or leave `ocsp` out" in found


ASPA = f'edge: {{rpki: {{validators: ["192.0.2.5:323"], aspa: true}}}}\n{SMALL}'


@pytest.mark.parametrize(
    ("head", "says"),
    [
        ("", "BIRD 2.0 of one-router-1 (platform: unsaid, so the oldest) knows no ASPA"),
        (
            "platform: debian-13\ngroups: {router: {platform: debian-12}}\n",
            "(platform: debian-12) knows no ASPA",
        ),
        ("platform: debian-13\n", ""),
        ("groups: {router: {platform: debian-13}}\n", ""),
    ],
)
def test_paths_are_judged_by_a_bird_that_can(tmp_path: Path, head: str, says: str) -> None:
    found = told(tmp_path, head + ASPA)
    assert says in found if says else not found
    assert not says or "debian-13 (2.17); or leave `aspa` out" in found


def test_a_table_that_leaves_a_platform_out_is_refused() -> None:
    with pytest.raises(ValueError, match="nothing is said of debian-13"):
        by_platform({"debian-12": 1})
    assert by_platform({"debian-12": 1, "debian-13": 2})(None) == 1
