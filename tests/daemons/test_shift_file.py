"""`shift.conf` on the BIRD of this machine, and the hook that sees to it that BIRD starts whatever stands there."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trimtab import agent_config
from trimtab.daemons.bird.config import NO_SHIFT, NO_STEER, render_router
from trimtab.daemons.bird.daemon import STEER_HOOK
from trimtab.daemons.bird.shift_file import PATH, Row, ShiftFile, read, text
from trimtab.estate.inventory import Inventory
from trimtab.estate.load import read_estate

ESTATE = (Path(__file__).parents[1] / "golden/bird/router.yaml").read_text()
PARTS = st.tuples(*[st.integers(0, 65535)] * 2) | st.tuples(*[st.integers(0, 2**32 - 1)] * 3)
ROWS = st.builds(Row, st.integers(0, 10), st.integers(0, 2**32 - 1), st.lists(PARTS, max_size=4).map(tuple))
NAMES = st.from_regex(r"[a-z][a-z0-9-]{0,19}", fullmatch=True)
FILES = st.builds(ShiftFile, st.integers(0, 10), st.dictionaries(NAMES, ROWS, max_size=4))
FULL = ShiftFile(1, {"isp": Row(2, 50, ((64500, 3), (64500, 1, 2))), "ix-a": Row(1)})
# as an agent that knows of no shift writes it
OLD_STEER = "".join(
    f"define {name}{v} = [ {none} ];\n"
    for v, none in ((4, "0.0.0.0/32"), (6, "::/128"))
    for name in ("PREFER_AWAY", "WITHDRAWN")
)


@given(FILES)
@settings(deadline=None)
def test_it_comes_back_as_it_was(file: ShiftFile) -> None:
    assert read(text(file)) == file


@given(FILES, FILES)
@settings(deadline=None)
def test_another_content_has_another_number(one: ShiftFile, other: ShiftFile) -> None:
    assert (one.number == other.number) == (one == other)


@pytest.mark.parametrize("spoilt", ["", "x", text(FULL).replace("50", "51", 1), text(FULL)[:-2], "#\n# []\n"])
def test_what_the_agent_has_not_written_is_refused(spoilt: str) -> None:
    with pytest.raises(ValueError, match=r"shift\.conf|Expecting"):
        read(spoilt)


class Router:
    """A router's files below a folder, its hook among them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        inventory = Inventory(read_estate(ESTATE, "router.yaml")[0])
        host = next(host for host in inventory.hosts if host.does("gateway"))
        for artifact in render_router(inventory, host):
            self.at(artifact.path).parent.mkdir(parents=True, exist_ok=True)
            self.at(artifact.path).write_text(self._moved(artifact.content))
        self.steer, self.shift = self.at(agent_config.STEER), self.at(PATH)

    def at(self, path: str) -> Path:
        return self.folder / path.lstrip("/")

    def _moved(self, content: str) -> str:
        for path in (agent_config.STEER, PATH, NO_STEER, NO_SHIFT):
            content = content.replace(path, str(self.at(path)))
        return content

    def hook(self) -> str:
        """What BIRD has against the router's file after it; "" for nothing."""
        subprocess.run(["sh", str(self.at(STEER_HOOK))], check=True, capture_output=True, timeout=20)
        argv = ["bird", "-p", "-c", str(self.at("/etc/bird/bird.conf"))]
        done = subprocess.run(argv, capture_output=True, text=True, timeout=20, check=False)
        return done.stderr if done.returncode else ""


@pytest.fixture
def router(tmp_path: Path) -> Router:
    return Router(tmp_path)


@pytest.mark.daemon
def test_bird_starts_where_nothing_was_ever_written(router: Router) -> None:
    assert router.hook() == ""
    assert read(router.shift.read_text()) == ShiftFile()


@pytest.mark.daemon
def test_an_agent_of_an_earlier_release_does_not_keep_bird_from_starting(router: Router) -> None:
    router.steer.parent.mkdir(parents=True)
    router.steer.write_text(OLD_STEER)
    assert router.hook() == ""
    assert router.steer.read_text() == OLD_STEER, "what it steers stays"
    assert read(router.shift.read_text()) == ShiftFile()


@pytest.mark.daemon
def test_what_is_shifted_stays_beside_a_steer_file_that_is_spoilt(router: Router) -> None:
    router.steer.parent.mkdir(parents=True)
    router.steer.write_text("define WITHDRAWN4 = [\n")
    router.shift.write_text(text(FULL))
    assert router.hook() == ""
    assert router.shift.read_text() == text(FULL)
    assert "PREFER_AWAY4 = [ 0.0.0.0/32 ]" in router.steer.read_text()


@pytest.mark.daemon
@pytest.mark.parametrize(
    "spoilt",
    ["", "function shift(", "define SHIFT = 1;\n", "define SHIFT = 1;\nfunction shift(int a)\n{\n}\n"],
)
def test_a_shift_file_that_bird_cannot_read_costs_the_shift_alone(router: Router, spoilt: str) -> None:
    router.steer.parent.mkdir(parents=True)
    router.steer.write_text(OLD_STEER.replace("WITHDRAWN4 = [ 0.0.0.0/32", "WITHDRAWN4 = [ 198.18.1.0/24"))
    router.shift.write_text(spoilt)
    assert router.hook() == ""
    assert read(router.shift.read_text()) == ShiftFile()
    assert "198.18.1.0/24" in router.steer.read_text()
