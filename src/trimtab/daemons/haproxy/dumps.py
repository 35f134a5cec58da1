"""What HAProxy tells of itself, parsed: `show servers state`, `show info`, `show map`. Pure.

Source: HAProxy 2.6 Management Guide, section 9.3 (`show servers state`: format version 1).
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, NamedTuple, NoReturn

from trimtab.errors import InvalidResponse, Refused

COLUMNS = (
    "# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight srv_iweight "
    "srv_time_since_last_change srv_check_status srv_check_result srv_check_health srv_check_state srv_agent_state "
    "bk_f_forced_id srv_f_forced_id srv_fqdn srv_port "
)
FORMAT = "1\n"
# Columns: what is before AGE differs from server to server, AGE at any time; what follows is mostly the same of all.
ADMIN, AGE = 6, 9
CHECK, PORT = 13 - AGE - 1, 18 - AGE - 1

# srv_admin_state. CMAINT (4) only remembers that the file says `disabled`: `state ready` leaves it standing.
CMAINT = 0x04
MAINT = 0x01 | 0x02 | 0x20 | 0x40  # forced, inherited, by name resolution
# srv_check_state
CONFIGURED, ENABLED = 0x02, 0x04


class ServerState(NamedTuple):
    """A server as HAProxy has it. A tuple, because 20,000 of them are read at once and a dataclass costs three times
    as much.

    ready: nothing administrative stands against it; maint: in maintenance (neither: it drains). up: as its checks and
    its state have it. weight: the one in force. muted: it has a check that is switched off.
    """

    backend: str
    id: int
    name: str
    address: str
    port: int
    ready: bool
    up: bool
    weight: int
    maint: bool
    muted: bool


@dataclass(frozen=True, slots=True)
class Info:
    """The process that answered. stopping: it is an old one that only ends its connections. connections: that it has now."""

    pid: int
    version: str
    uptime_s: int
    stopping: bool
    connections: int = 0


def read_servers(text: str) -> list[ServerState]:
    """Of `show servers state [BACKEND]`, in HAProxy's order. Raises Refused (no such backend), InvalidResponse."""
    if text.startswith("Can't find backend"):
        raise Refused(
            "HAProxy has no such backend", "its configuration is older or newer than the agent's: reload it"
        )
    head, _, body = text.removeprefix(FORMAT).partition("\n")
    if not text.startswith(FORMAT) or not (head + " ").startswith(COLUMNS):
        _nonsense("show servers state", text)
    line = ""
    found = []
    states: dict[str, tuple[bool, bool]] = {}
    tails: dict[str, tuple[int, bool]] = {}
    try:
        for line in body.split("\n"):
            if line:
                cells = line.split(" ", AGE + 1)
                ready, maint = states.get(cells[ADMIN]) or states.setdefault(
                    cells[ADMIN], _state(cells[ADMIN])
                )
                port, muted = tails.get(cells[-1]) or tails.setdefault(cells[-1], _tail(cells[-1]))
                found.append(
                    ServerState(
                        cells[1], int(cells[2]), cells[3], cells[4], port,
                        ready, cells[5] != "0", int(cells[7]), maint, muted,
                    )
                )  # fmt: skip
    except (ValueError, IndexError) as error:
        raise InvalidResponse(f"show servers state: {line[:200]!a} cannot be read") from error
    return found


def _state(admin: str) -> tuple[bool, bool]:
    """ready, maint. Raises ValueError."""
    number = int(admin)
    return not number & ~CMAINT, number & MAINT != 0


def _tail(text: str) -> tuple[int, bool]:
    """port, muted. Raises ValueError, IndexError."""
    cells = text.split(" ", PORT + 1)
    return int(cells[PORT]), int(cells[CHECK]) & (CONFIGURED | ENABLED) == CONFIGURED


def read_sessions(text: str) -> dict[tuple[str, int], int]:
    """(backend, server's id) → sessions and requests that wait, of `show stat BACKEND 4 -1`. Raises Refused, InvalidResponse.
    Source: section 9.1, fields qcur, scur and sid.
    """
    rows = _numbers(_there(text), "sid", "qcur", "scur")
    return {(pool, number): queued + running for pool, number, queued, running in rows}


def read_check_words(text: str) -> dict[tuple[str, int], str]:
    """(backend, server's id) → what its last check came to, of `show stat BACKEND 4 ID`. Raises Refused, InvalidResponse. Source:
    section 9.1, fields check_status (with `* ` in front while the next check is under way) and check_code.
    """
    rows = _stat(_there(text), "sid", "check_status", "check_code")
    try:
        words = {(row[0], int(row[1])): f"{row[2].removeprefix('* ')} {row[3]}".strip() for row in rows}
    except ValueError as error:
        raise InvalidResponse(f"show stat: {text[:200]!a} cannot be read") from error
    return {key: word for key, word in words.items() if word}


def _there(text: str) -> str:
    if text.startswith(("No such proxy", "Can't find")):
        raise Refused("HAProxy has no such backend", "its configuration is another one: reload it")
    return text


def read_usable(text: str, pools: Container[str]) -> dict[str, int]:
    """Pool → how many of its servers could be sent requests now, of `show stat -1 2 -1`. Raises InvalidResponse. Source: section
    9.1, fields act and bck. pools: the others' rows are not taken apart: a pool has up to three backends beside its own.
    """
    rows = _stat(text, "act", "bck", of=pools)
    try:
        return {pool: int(active) + int(spare) for pool, active, spare in rows}
    except ValueError as error:
        raise InvalidResponse(f"show stat: {text[:200]!a} cannot be read") from error


def _numbers(text: str, *columns: str) -> list[tuple[Any, ...]]:
    """As `_stat`, of columns that are numbers."""
    try:
        return [(row[0], *map(int, row[1:])) for row in _stat(text, *columns)]
    except ValueError as error:
        raise InvalidResponse(f"show stat: {text[:200]!a} cannot be read") from error


def _stat(text: str, *columns: str, of: Container[str] | None = None) -> list[tuple[str, ...]]:
    """Of `show stat`: of each row its proxy and these columns. of: the proxies whose rows are wanted. Raises InvalidResponse."""
    head, _, body = text.partition("\n")
    if not head.startswith("# pxname,svname,"):
        _nonsense("show stat", text)
    names = head.removeprefix("# ").split(",")
    try:
        at = [names.index(name) for name in columns]
        chosen, most = itemgetter(0, *at), max(at) + 1
        lines = [line for line in body.split("\n") if line]
        if of is not None:
            lines = [line for line in lines if line.partition(",")[0] in of]
        return [chosen(line.split(",", most)) for line in lines]
    except (ValueError, IndexError) as error:
        raise InvalidResponse(f"show stat: {text[:200]!a} cannot be read") from error


def read_info(text: str) -> Info:
    """Of `show info`. Raises InvalidResponse."""
    found = dict(line.split(": ", 1) for line in text.splitlines() if ": " in line)
    try:
        if found["Name"] != "HAProxy":
            _nonsense("show info", text)
        return Info(
            int(found["Pid"]),
            found["Version"],
            int(found["Uptime_sec"]),
            found.get("Stopping", "0") != "0",
            int(found.get("CurrConns", 0)),
        )
    except (KeyError, ValueError) as error:
        raise InvalidResponse(f"show info: {text[:200]!a} cannot be read") from error


def read_map(text: str) -> dict[str, str]:
    """Of `show map PATH`: key → value. Raises Refused (no such map), InvalidResponse."""
    if text.startswith("Unknown map identifier"):
        raise Refused("HAProxy has no such map", "its configuration does not use it")
    found = {}
    for line in text.split("\n"):
        reference, _, entry = line.partition(" ")
        key, _, value = entry.partition(" ")
        if line and not (reference.startswith("0x") and key):
            _nonsense("show map", line)
        if line:
            found[key] = value
    return found


def read_version(text: str) -> int:
    """Of `prepare map PATH`. Raises Refused (no such map), InvalidResponse."""
    said, _, number = text.strip().partition(": ")
    if said.startswith("Unknown map identifier"):
        raise Refused("HAProxy has no such map", "its configuration does not use it")
    if said != "New version created" or not number.isdecimal():
        _nonsense("prepare map", text)
    return int(number)


def _nonsense(asked: str, text: str) -> NoReturn:
    raise InvalidResponse(f"{asked}: {text[:200]!a} cannot be read")
