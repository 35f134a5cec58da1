"""Other Debians on this machine: which one a host wants, and what is said where it is not to be had."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.estate.make import SMALL, estate
from trimtab.delivery import systems
from trimtab.delivery.build import build
from trimtab.errors import BadInput, EnvironmentUnable
from trimtab.estate.platform import PLATFORMS, Platform

BOOKWORM = 'NAME="Debian GNU/Linux"\nVERSION_ID="12"\nID=debian\n'
UBUNTU = 'NAME="Ubuntu"\nVERSION_ID="24.04"\nID=ubuntu\n'


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Systems of this test alone."""
    monkeypatch.setenv("TRIMTAB_CACHE", str(tmp_path))
    return tmp_path / "systems"


def test_every_platform_has_one_release() -> None:
    assert sorted(systems.RELEASES.values()) == sorted(PLATFORMS)
    assert [systems.release_of(platform) for platform in PLATFORMS] == ["bookworm", "trixie"]


@pytest.mark.parametrize(("text", "platform"), [(BOOKWORM, "debian-12"), (UBUNTU, None), ("", None)])
def test_what_this_machine_is(text: str, platform: Platform | None) -> None:
    assert systems.own_platform(text) == platform


@pytest.mark.parametrize(
    ("own", "asked", "wanted"),
    [
        ("debian-12", None, ""),
        ("debian-12", "debian-12", ""),
        ("debian-12", "debian-13", "trixie"),
        ("debian-13", "debian-12", "bookworm"),
        (None, "debian-12", "bookworm"),
        (None, None, ""),
    ],
)
def test_a_host_wants_another_system_only_where_its_platform_is_said(
    monkeypatch: pytest.MonkeyPatch, own: Platform | None, asked: Platform | None, wanted: str
) -> None:
    monkeypatch.setattr(systems, "own_platform", lambda: own)
    assert systems.wanted(asked) == wanted


def test_a_system_that_is_not_there_is_made_by_a_script(cache: Path) -> None:
    with pytest.raises(EnvironmentUnable, match="the system trixie is not in") as caught:
        systems.find("trixie", [])
    assert caught.value.hint == "as root: scripts/system trixie"


def test_a_system_without_the_programs_names_them(cache: Path) -> None:
    (cache / "trixie" / "usr" / "sbin").mkdir(parents=True)
    (cache / "trixie" / "usr" / "sbin" / "haproxy").touch()
    assert systems.find("trixie", ["/usr/sbin/haproxy"]) == cache / "trixie"
    with pytest.raises(EnvironmentUnable, match="lacks /usr/sbin/bird, /usr/sbin/nginx"):
        systems.find("trixie", ["/usr/sbin/nginx", "/usr/sbin/haproxy", "/usr/sbin/bird"])


def test_a_release_that_is_none() -> None:
    with pytest.raises(BadInput, match="there is no system `buster`") as caught:
        systems.find("buster", [])
    assert caught.value.hint == "known are bookworm, trixie"


def test_a_build_for_a_platform_that_is_not_here_writes_nothing(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(systems, "own_platform", lambda: "debian-12")
    other = estate(f"platform: debian-13\n{SMALL}")
    with pytest.raises(EnvironmentUnable, match="the system trixie"):
        build(other, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert build(other, tmp_path / "out", validate=False).files
