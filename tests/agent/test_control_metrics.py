"""The agent's metrics, served."""

from __future__ import annotations

import socket
import urllib.request

import pytest

from trimtab.agent.runtime.metrics import Metrics


def free_port() -> int:
    with socket.socket() as tried:
        tried.bind(("127.0.0.1", 0))
        return int(tried.getsockname()[1])


def test_they_are_served_without_a_question_to_dns(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where DNS is away each question costs ten seconds, and the agent's loop would stand still for them."""
    for name in ("getfqdn", "gethostbyaddr", "gethostbyname_ex"):
        monkeypatch.setattr(socket, name, lambda *_: pytest.fail("DNS was asked"))
    port = free_port()
    end = Metrics().serve("127.0.0.1", port)
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
            assert b"trimtab_build_info" in answer.read()
    finally:
        end()
    with socket.socket() as asked:
        assert asked.connect_ex(("127.0.0.1", port)) != 0, "nobody answers when it has ended"


def test_a_port_that_is_taken_is_an_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OSError, match="in use"):
        Metrics().serve("127.0.0.1", taken.getsockname()[1])
