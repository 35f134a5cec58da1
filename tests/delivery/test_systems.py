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
TRIXIE = BOOKWORM.replace("12", "13")
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
    assert caught.value.hint.endswith(f"TRIMTAB_CACHE={cache.parent} scripts/system trixie")


def test_a_system_without_the_programs_names_them(cache: Path) -> None:
    (cache / "trixie" / "usr" / "sbin").mkdir(parents=True)
    (cache / "trixie" / "usr" / "sbin" / "haproxy").touch()
    (cache / "trixie" / "etc").mkdir()
    (cache / "trixie" / "etc" / "os-release").write_text(TRIXIE)
    assert systems.find("trixie", ["/usr/sbin/haproxy"]) == cache / "trixie"
    with pytest.raises(EnvironmentUnable, match="lacks /usr/sbin/bird, /usr/sbin/nginx"):
        systems.find("trixie", ["/usr/sbin/nginx", "/usr/sbin/haproxy", "/usr/sbin/bird"])


@pytest.mark.parametrize(
    ("text", "says"), [(BOOKWORM, "is debian-12, and not debian-13"), ("", "no Debian that is known")]
)
def test_a_system_that_is_another_one(cache: Path, text: str, says: str) -> None:
    (cache / "trixie" / "etc").mkdir(parents=True)
    (cache / "trixie" / "etc" / "os-release").write_text(text)
    with pytest.raises(EnvironmentUnable, match=says) as caught:
        systems.find("trixie", [])
    assert caught.value.hint.startswith("remove it, then as root")


@pytest.mark.parametrize("name", ["a:b", "a,b"])
def test_a_path_that_overlayfs_cannot_take(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("TRIMTAB_CACHE", str(tmp_path / name))
    with pytest.raises(EnvironmentUnable, match="overlayfs takes no path with"):
        systems.find("trixie", [])


def test_a_folder_that_may_not_be_read_is_said_to_be_that(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Root may read everything, so the question is answered for it."""
    (cache / "trixie").mkdir(parents=True)
    monkeypatch.setattr(systems.os, "access", lambda path, mode: path != cache)
    with pytest.raises(EnvironmentUnable, match="may not be read by this user") as caught:
        systems.find("trixie", [])
    assert caught.value.hint == f"as root: chmod 755 {cache}"


def test_a_relative_cache_is_below_the_folder_that_one_is_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TRIMTAB_CACHE", "kept")
    assert systems.folder("trixie") == tmp_path / "kept" / "systems" / "trixie"


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
