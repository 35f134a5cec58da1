"""The addresses of this host, of both families, from the kernel's own tables: no program is started for it."""

from __future__ import annotations

from ipaddress import IPv6Address
from pathlib import Path

PROC = Path("/proc/net")


def addresses(proc: Path = PROC) -> frozenset[str]:
    """Raises OSError."""
    return frozenset(read_v4((proc / "fib_trie").read_text()) | read_v6(_text(proc / "if_inet6")))


def read_v4(text: str) -> set[str]:
    """Of `fib_trie`: a leaf, and below it `/32 host LOCAL`. Source: proc(5), Documentation/networking/fib_trie.rst."""
    found, leaf = set[str](), ""
    for line in text.splitlines():
        words = line.split()
        if words[:1] == ["|--"]:
            leaf = words[1]
        elif words == ["/32", "host", "LOCAL"]:
            found.add(leaf)
    return found


def read_v6(text: str) -> set[str]:
    """Of `if_inet6`: 32 hexadecimal digits first. Source: proc(5)."""
    return {str(IPv6Address(int(line.split()[0], 16))) for line in text.splitlines() if line.strip()}


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except FileNotFoundError:  # a kernel without IPv6
        return ""
