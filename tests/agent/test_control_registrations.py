"""The folder of registrations: what is refused and in which words, and who is gone beside a file that is bad."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest
from test_control_register import DEFAULTS, Host, ids, write
from tests.agent.control_kit import FakeRegistry, lines, run, until

from trimtab.agent.registration.folder import MAX_BYTES, Defaults, Folder, parse
from trimtab.registry.fields import BadRecord

OURS = "api/hk-backend-1"


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"{}", "pool and port missing"),
        (b'{"pool":"api"}', "port missing"),
        (b'{"pool":"api",\n"port":}', "line 2 column 8"),
        (b'{"pool":"\xff"}', "not UTF-8 at byte 10"),
        (b"[]", "a list is there, one JSON object is expected"),
        (b'{"pool":"a/b","port":80}', "pool 'a/b': a name without `/`"),
        (b'{"pool":"apj","port":80}', "pool 'apj': no pool of the estate has it in `discover`; there are api, web"),
        (b'{"pool":"api","port":%s}' % (b"9" * 5000), "not JSON"),
        (b'{"pool":"api","port":80,"name":"one","name":"two"}', "name is there twice"),
    ],
)  # fmt: skip
def test_a_refusal_says_what_was_got_and_what_to_do(content: bytes, text: str) -> None:
    with pytest.raises(BadRecord) as refused:
        parse(content, DEFAULTS)
    assert text in str(refused.value)


def test_where_nothing_is_discovered_every_file_is_refused() -> None:
    with pytest.raises(BadRecord, match="no pool of the estate has `discover`"):
        parse(b'{"pool":"api","port":80}', Defaults("h", "10.0.0.1", ()))


def test_one_endpoint_is_no_two_members(tmp_path: Path) -> None:
    write(tmp_path, "a.json", pool="api", port=8080)
    write(tmp_path, "b.json", pool="api", port=8080, name="other")
    write(tmp_path, "c.json", pool="api", port=8081, name="third")
    write(tmp_path, "d.json", pool="web", port=8080)
    folder = Folder(tmp_path, DEFAULTS)
    folder.look()
    assert set(folder.wanted) == {OURS, "api/third", "web/hk-backend-1"}
    [(file, why)] = folder.refused().items()
    assert file == "b.json" and "in api is registered by a.json already, under another name" in why
    (tmp_path / "a.json").unlink()
    folder.look()
    assert "api/other" in folder.wanted and folder.refused() == {}


def test_each_bad_entry_is_refused_alone_and_in_words(tmp_path: Path) -> None:
    write(tmp_path, "ok.json", pool="api", port=8080)
    (tmp_path / "loop.json").symlink_to(tmp_path / "loop.json")
    (tmp_path / "nothing.json").symlink_to(tmp_path / "none")
    (tmp_path / "folder.json").mkdir()
    os.mkfifo(tmp_path / "pipe.json")
    (tmp_path / "long.json").write_bytes(b" " * 20_000)
    folder = Folder(tmp_path, DEFAULTS)
    folder.look()
    assert set(folder.wanted) == {OURS}
    told = folder.refused()
    assert set(told) == {"loop.json", "nothing.json", "folder.json", "pipe.json", "long.json"}
    assert "a link that leads nowhere" in told["loop.json"]
    assert "a link that leads nowhere" in told["nothing.json"]
    assert "a folder, a file is expected" in told["folder.json"]
    assert "a pipe" in told["pipe.json"]
    assert f"20000 bytes, at most {MAX_BYTES}" in told["long.json"]


@pytest.mark.parametrize("how", ["broken", "a loop", "a folder"])
def test_a_file_that_was_read_once_holds_nobody_else(tmp_path: Path, how: str) -> None:
    write(tmp_path, "api.json", pool="api", port=8080)
    write(tmp_path, "web.json", pool="web", port=8080)
    folder = Folder(tmp_path, DEFAULTS)
    folder.look()
    bad = tmp_path / "web.json"
    bad.unlink()
    if how == "broken":
        bad.write_text("{")
    elif how == "a loop":
        bad.symlink_to(bad)
    else:
        bad.mkdir()
    (tmp_path / "api.json").unlink()
    for _ in range(3):
        folder.look()
    assert folder.gone(OURS)
    assert set(folder.wanted) == {"web/hk-backend-1"}, "what it said holds on"


def test_who_is_held_by_a_file_that_was_never_read_is_told_once(tmp_path: Path) -> None:
    async def work() -> None:
        registry = FakeRegistry()
        write(tmp_path / "register.d", "api.json", pool="api", port=8080)
        host = Host(registry, tmp_path)
        await until(lambda: OURS in host.register.working())
        (tmp_path / "register.d" / "new.json").write_text("{")
        (tmp_path / "register.d" / "api.json").unlink()
        await asyncio.sleep(60)
        assert ids(registry) == {"hk-backend-1": 1}
        assert host.register.held() == {OURS: "register.d/new.json"}
        told = [line for line in lines(host.stream) if line["event"] == "deregistration held"]
        assert [(line["members"], line["by"]) for line in told] == [([OURS], "register.d/new.json")]
        write(tmp_path / "register.d", "new.json", pool="web", port=8080)
        await until(lambda: ids(registry) == {} and ids(registry, "web") == {"hk-backend-1": 1}, 5)
        assert host.register.held() == {}
        await host.die()

    run(work())
