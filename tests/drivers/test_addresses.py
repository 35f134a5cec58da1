"""The addresses of a host, as its kernel tells them."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from trimtab.drivers.addresses import addresses, read_v4, read_v6

TRIE = """\
Main:
  +-- 0.0.0.0/0 3 0 5
     |-- 10.1.8.0
        /24 link UNICAST
Local:
     +-- 10.1.8.0/30 2 0 2
        |-- 10.1.8.11
           /32 host LOCAL
        |-- 10.1.8.255
           /32 link BROADCAST
           |-- 198.18.1.10
              /32 host LOCAL
     |-- 127.0.0.0
        /8 host LOCAL
"""


def test_only_what_is_this_hosts_own() -> None:
    assert read_v4(TRIE) == {"10.1.8.11", "198.18.1.10"}
    assert read_v6("20010db800010000000000000000000a 02 80 00 80     eth0\n\n") == {"2001:db8:1::a"}


def test_a_kernel_without_ipv6_has_ipv4(tmp_path: Path) -> None:
    (tmp_path / "fib_trie").write_text(TRIE)
    assert addresses(tmp_path) == {"10.1.8.11", "198.18.1.10"}
    (tmp_path / "fib_trie").unlink()
    with pytest.raises(OSError):
        addresses(tmp_path)


def test_it_is_what_ip_says() -> None:
    shown = subprocess.run(
        ["ip", "-o", "addr"], capture_output=True, text=True, timeout=10, check=True
    ).stdout
    wanted = {line.split()[3].partition("/")[0] for line in shown.splitlines()}
    assert wanted and wanted <= addresses()
