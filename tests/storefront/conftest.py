"""A real etcd and a real shop on loopback, on free ports, ended by their pids."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from storefront_kit import Command, Etcd, Shop, answers, free_port, running, wait_until


@pytest.fixture
def etcd(tmp_path: Path) -> Iterator[Etcd]:
    if shutil.which("etcd") is None:
        pytest.fail("etcd is not installed: apt-get install etcd-server")
    client, peer = (f"http://127.0.0.1:{free_port()}" for _ in range(2))
    argv = [
        "etcd",
        "--name",
        "a",
        "--data-dir",
        str(tmp_path / "data"),
        "--logger",
        "zap",
        "--log-level",
        "error",
    ]
    argv += ["--listen-client-urls", client, "--advertise-client-urls", client, "--listen-peer-urls", peer]
    argv += ["--initial-advertise-peer-urls", peer, "--initial-cluster", f"a={peer}"]
    with running(argv, tmp_path / "etcd.log") as process:
        port = int(client.rpartition(":")[2])
        wait_until(lambda: answers(port, "/health"), "etcd answers")
        yield Etcd(client, process)


@pytest.fixture
def start_shop(tmp_path: Path) -> Iterator[Callable[..., Shop]]:
    with ExitStack() as stack:

        def start(*stores: str, wait: bool = True) -> Shop:
            port = free_port()
            argv = [
                sys.executable,
                "-m",
                "trimtab.storefront",
                "serve",
                "--name",
                "hk-backend-1",
                "--site",
                "hk",
            ]
            argv += ["--port", str(port), "--listen", "127.0.0.1", "--stores", ",".join(stores)]
            own = stack.enter_context(ExitStack())
            process = own.enter_context(running(argv, tmp_path / f"shop-{port}.log"))
            if wait:
                wait_until(lambda: answers(port, "/health"), "the shop answers")
            return Shop(port, process, own)

        yield start


@pytest.fixture
def storefront() -> Command:
    return Command()
