"""Files that survive a crash: members.json and its relatives, and a writer that is killed at any moment."""

from __future__ import annotations

import contextlib
import json
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.agent.control_kit import hosts_pool, member, override, registered, registry_pool, run

from trimtab.agent.membership.desired import Desired
from trimtab.agent.membership.members_file import MembersFile
from trimtab.agent.membership.store import Store
from trimtab.agent_config import ProxyFile, SplitFile
from trimtab.drivers.files import read_json, write_atomically
from trimtab.registry.base import Batch, Snapshot
from trimtab.registry.codec import encode
from trimtab.registry.record import Record, Split, key_of

PROXY = ProxyFile(
    "haproxy",
    "haproxy.service",
    pools=(registry_pool(panic=50), hosts_pool()),
    splits=(SplitFile("shop", "api+web", {"api": 95, "web": 5}),),
)


def stored(*records: Record) -> Store:
    store = Store()
    store.replace(Snapshot(1, {key_of(r): encode(r) for r in records}), 0.0)
    return store


def written(path: Path, desired: Desired) -> dict[str, object]:
    run(MembersFile(desired, path, lambda changed: None).reconcile(frozenset(desired.keys())))
    found = read_json(path)
    assert isinstance(found, dict)
    return found


def test_the_members_file_is_exactly_this(tmp_path: Path) -> None:
    members = registered(member("a", 1), member("b", 2, weight=20))
    split = Split("shop", "api+web", {"api": 1, "web": 1}, "header")
    store = stored(*members, override("b", "maint"), override("host-2", "drain", pool="web"), split)
    assert written(tmp_path / "members.json", Desired(PROXY, store)) == {
        "version": 1,
        "floors": {"api": 1, "web": 1},
        "pools": {
            "api": {
                "1": {"address": "10.1.0.1:8080", "ready": True, "weight": 100},
                "2": {"address": "10.1.0.2:8080", "ready": False, "weight": 20},
            },
            "web": {"2": {"ready": True, "weight": 0}},
        },
        "splits": {"shop/api+web": {"by": "header", "shares": {"api": 1, "web": 1}}},
    }


def test_a_pool_of_the_file_without_a_hand_is_left_out(tmp_path: Path) -> None:
    assert written(tmp_path / "members.json", Desired(PROXY, Store()))["pools"] == {}


def test_what_is_restored_is_what_was_decided_until_the_registry_was_read(tmp_path: Path) -> None:
    path = tmp_path / "members.json"
    split = Split("shop", "api+web", {"api": 1, "web": 1}, "header")
    words = [
        override("b", "maint"),
        override("host-2", "drain", pool="web"),
        override("host-3", weight=9, pool="web"),
    ]
    desired = Desired(PROXY, stored(*registered(member("a", 1), member("b", 2)), *words, split))
    written(path, desired)
    again = Desired(PROXY, Store())
    again.restore(read_json(path))
    again.refresh(again.keys())
    assert [d.wants for d in again.decisions.values()] == [d.wants for d in desired.decisions.values()]
    assert again.splits == desired.splits
    assert written(path, again) == read_json(path)
    assert again.trust()
    again.refresh(again.keys())
    assert [w.weight for w in again.decisions["web"].wants] == [100, 100, 100], "the store decides now"
    assert len(again.decisions["api"].wants) == 2, "and a pool is not emptied by one that knows nothing"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b'{"version":2,"pools":{},"floors":{},"splits":{}}',
        b'{"version":1,"pools":{"api":{"1":{"address":"x; shutdown","weight":1}}},"floors":{"api":1},"splits":{}}',
        b'{"version":1,"pools":{"api":{"1":{"address":"10.0.0.1:80","weight":999}}},"floors":{"api":1},"splits":{}}',
        b'{"version":1,"pools":{"api":{"x":{"address":"10.0.0.1:80","weight":9}}},"floors":{"api":1},"splits":{}}',
        b'{"version":1,"pools":[],"floors":{},"splits":{}}',
    ],
)
def test_a_file_that_does_not_fit_is_refused_whole(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "members.json"
    path.write_bytes(content)
    desired = Desired(PROXY, Store())
    with pytest.raises(ValueError):
        desired.restore(read_json(path))
    assert desired.decisions == {}


def test_nothing_is_written_where_nothing_changed_and_a_lost_file_comes_back(tmp_path: Path) -> None:
    path, desired = tmp_path / "members.json", Desired(PROXY, stored(*registered(member("a", 1))))
    file = MembersFile(desired, path, lambda changed: None)
    run(file.reconcile(frozenset(desired.keys())))
    first = path.stat().st_ino
    run(file.reconcile(frozenset(desired.keys())))
    assert path.stat().st_ino == first
    path.unlink()
    run(file.reconcile(frozenset()))
    assert path.exists()


def test_a_successor_does_not_write_what_is_there(tmp_path: Path) -> None:
    path, store = tmp_path / "members.json", stored(*registered(member("a", 1)))
    written(path, Desired(PROXY, store))
    first = path.stat().st_ino
    written(path, Desired(PROXY, store))
    assert path.stat().st_ino == first


def test_a_disk_that_takes_nothing_does_not_keep_the_proxy_from_being_told(tmp_path: Path) -> None:
    told: list[set[str]] = []
    (tmp_path / "file").write_text("in the way")
    desired = Desired(PROXY, stored(*registered(member("a", 1))))
    file = MembersFile(desired, tmp_path / "file" / "members.json", told.append)
    with pytest.raises(OSError):
        run(file.reconcile(frozenset(desired.keys())))
    assert told == [{"api", "web", "shop/api+web"}]
    assert desired.served.keys() == {"api", "web"}


def test_what_the_disk_did_not_take_is_written_once_it_does_though_nothing_changes(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.write_text("in the way")
    desired = Desired(PROXY, stored(*registered(member("a", 1))))
    file = MembersFile(desired, folder / "members.json", lambda changed: None)
    with pytest.raises(OSError):
        run(file.reconcile(frozenset(desired.keys())))
    folder.unlink()
    folder.mkdir()
    run(file.reconcile(frozenset(desired.keys())))
    assert read_json(folder / "members.json")["pools"]["api"]["1"]["address"] == "10.1.0.1:8080"


def test_what_somebody_else_wrote_there_is_put_right(tmp_path: Path) -> None:
    path, desired = tmp_path / "members.json", Desired(PROXY, stored(*registered(member("a", 1))))
    file = MembersFile(desired, path, lambda changed: None)
    run(file.reconcile(frozenset(desired.keys())))
    right = path.read_bytes()
    for spoil in (lambda: path.write_text("{}"), path.unlink):
        spoil()
        run(file.reconcile(frozenset(desired.keys())))
        assert path.read_bytes() == right


def test_the_copy_is_written_too_and_when_the_disk_takes_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    desired = Desired(PROXY, stored(*registered(member("a", 1))))
    for name in ("members.json", "file/members.json"):
        copy = tmp_path / "run" / "copy.json"
        copy.unlink(missing_ok=True)
        file = MembersFile(desired, tmp_path / name, lambda changed: None, copy)
        with contextlib.suppress(OSError):
            run(file.reconcile(frozenset(desired.keys())))
        assert read_json(copy)["pools"]["api"]["1"]["address"]


def test_only_what_changed_is_told(tmp_path: Path) -> None:
    told: list[set[str]] = []
    store = stored(*registered(member("a", 1)))
    desired = Desired(PROXY, store)
    file = MembersFile(desired, tmp_path / "members.json", told.append)
    run(file.reconcile(frozenset(desired.keys())))
    word = override("host-1", "drain", pool="web")
    store.apply(Batch(2, ((key_of(word), encode(word)),)), 0.0)
    run(file.reconcile(frozenset(desired.keys())))
    assert told[1:] == [{"web"}]


WRITER = """
import sys
from pathlib import Path
from trimtab.drivers.files import write_atomically
path, number = Path(sys.argv[1]), 0
print("begun", flush=True)
while True:
    number += 1
    write_atomically(path, ('{"number":%d,"filler":"%s"}' % (number, "x" * 200_000)).encode())
"""


def test_a_writer_killed_at_any_moment_leaves_a_whole_file(tmp_path: Path) -> None:
    path, chance = tmp_path / "members.json", random.Random(7)
    write_atomically(path, b'{"number":0}')
    for _ in range(12):
        writer = subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE)
        assert writer.stdout is not None
        writer.stdout.readline()
        time.sleep(chance.uniform(0.0, 0.05))  # the moment of the kill is what is being varied
        writer.kill()
        writer.wait()
        writer.stdout.close()
        assert json.loads(path.read_bytes())["number"] >= 0
    write_atomically(path, b"{}")
    assert [found.name for found in tmp_path.iterdir()] == ["members.json"], "nothing is left beside it"


def test_a_pipe_in_the_place_of_a_file_keeps_nobody_waiting(tmp_path: Path) -> None:
    import os

    os.mkfifo(tmp_path / "store.json")
    with pytest.raises(OSError, match="not a file"):
        read_json(tmp_path / "store.json")
