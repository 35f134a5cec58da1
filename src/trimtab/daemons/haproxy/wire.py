"""The Runtime API's language: a command as one line, and what a reply to it means. Pure.

Sources: HAProxy 2.6 Management Guide, section 9.3, and the replies of 2.6.12 and 3.0.11 in
`tests/daemons/recorded/haproxy`.

A connection begins with `prompt`. From then on every line is answered by its reply and PROMPT, so that replies are told
apart however they end. Joined by `;` they cannot be: `del server` leaves out the empty line that should end its reply.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from trimtab.daemons.haproxy import words
from trimtab.errors import BadInput

PROMPT = b"\n> "
MAX_LINE = 1024
# What waits for HAProxy fits into its buffer (tune.bufsize, 16 kB), so neither side waits for the other to read.
BATCH_BYTES = 8192
BATCH_LINES = 250

Step = Literal["add", "change", "remove"]
Verdict = Literal["done", "nothing", "later", "held", "refused"]
State = Literal["ready", "drain", "maint"]


@dataclass(frozen=True, slots=True)
class Command:
    """One line. step: `add` brings capacity to `backend`, `remove` takes some away; a refused `add` holds back every
    later `remove` of the same backend.
    """

    line: str
    backend: str = ""
    step: Step = "change"


@dataclass(frozen=True, slots=True)
class Outcome:
    """done; nothing: it was so already; later: the same again will do it (connections are still open); held: not sent,
    because an addition to the same backend was refused; refused: `reason` is HAProxy's.
    """

    command: Command
    verdict: Verdict
    reason: str = ""


# ---- servers


def add_server(backend: str, server: str, number: int, address: str, weight: int, options: str) -> Command:
    """A dynamic server. It begins in maintenance, its check switched off. address: `A:P`. Raises BadInput."""
    host, port = words.endpoint(address)
    more = [words.word(each, "option") for each in options.split()]
    at = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    head = f"add server {_place(backend, server)} {at} id {words.number('id', number, 1, 2**31 - 1)}"
    return _command(" ".join([head, f"weight {words.weight(weight)}", *more]), backend, "add")


def enable_health(backend: str, server: str) -> Command:
    return _command(f"enable health {_place(backend, server)}", backend, "add")


def set_weight(backend: str, server: str, weight: int, step: Step = "change") -> Command:
    """weight: 0 to 256. Raises BadInput."""
    return _command(f"set server {_place(backend, server)} weight {words.weight(weight)}", backend, step)


def set_address(backend: str, server: str, address: str, step: Step = "change") -> Command:
    """address: `A:P`. Raises BadInput."""
    host, port = words.endpoint(address)
    return _command(f"set server {_place(backend, server)} addr {host} port {port}", backend, step)


def set_state(backend: str, server: str, state: State, step: Step = "change") -> Command:
    return _command(f"set server {_place(backend, server)} state {state}", backend, step)


def del_server(backend: str, server: str) -> Command:
    """2.6 removes servers of the file too, until the next reload: only ever name a dynamic one."""
    return _command(f"del server {_place(backend, server)}", backend, "remove")


# ---- maps; path: as in the configuration file


def prepare_map(path: str) -> Command:
    """Begin a new version; `dumps.read_version` reads its number."""
    return _command(f"prepare map {words.path(path)}")


def add_map(path: str, key: str, value: str, version: int) -> Command:
    return _command(
        f"add map @{version} {words.path(path)} {words.word(key, 'key')} {words.word(value, 'value')}"
    )


def commit_map(path: str, version: int) -> Command:
    return _command(f"commit map @{version} {words.path(path)}")


def clear_map(path: str, version: int) -> Command:
    return _command(f"clear map @{version} {words.path(path)}")


def set_map(path: str, key: str, value: str) -> Command:
    """Of a key that is there."""
    return _command(f"set map {words.path(path)} {words.word(key, 'key')} {words.word(value, 'value')}")


def del_map(path: str, key: str) -> Command:
    return _command(f"del map {words.path(path)} {words.word(key, 'key')}")


# ---- questions


def show_info() -> Command:
    return _command("show info")


def show_servers(backend: str | None = None) -> Command:
    return _command("show servers state" if backend is None else f"show servers state {words.name(backend)}")


def show_sessions(backend: str) -> Command:
    """Its servers alone (type 4), all of them (-1)."""
    return _command(f"show stat {words.name(backend)} 4 -1")


def show_server(backend: str, number: int) -> Command:
    """One of them. number: its id."""
    return _command(f"show stat {words.name(backend)} 4 {words.number('id', number, 1, 2**31 - 1)}")


def show_backends() -> Command:
    """A row a backend (type 2)."""
    return _command("show stat -1 2 -1")


def show_map(path: str) -> Command:
    return _command(f"show map {words.path(path)}")


# ---- sending


def batches(commands: Iterable[Command]) -> Iterator[list[Command]]:
    """In order. What removes is never in one batch with what comes before it, whose outcome decides about it."""
    batch: list[Command] = []
    size = 0
    for command in commands:
        length = len(command.line) + 1
        turns = bool(batch) and command.step == "remove" != batch[-1].step
        if batch and (turns or len(batch) == BATCH_LINES or size + length > BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(command)
        size += length
    if batch:
        yield batch


# ---- replies


def judge(command: Command, reply: str) -> Outcome:
    """What HAProxy says to a command that changes something. Unknown words are a refusal."""
    text = reply.strip()
    verdict = _verdict(command.line, text)
    return Outcome(command, verdict, "" if verdict in ("done", "nothing") else text.partition("\n")[0][:300])


CHANGED = ("IP changed from ", "port changed from ", "no need to change the ")
_SAID: tuple[tuple[str, str, Verdict], ...] = (
    ("add server ", "New server registered.", "done"),  # warnings may come before it
    ("del server ", "Server deleted.", "done"),
    ("del server ", "No such server.", "nothing"),
    ("del server ", "Server still has connections attached to it", "later"),
    ("del map ", "Key not found.", "nothing"),
    ("prepare map ", "New version created", "done"),
)


def _verdict(line: str, text: str) -> Verdict:
    if line.startswith("set server ") and " addr " in line:
        return _verdict_of_address(text)
    for verb, said, verdict in _SAID:
        if line.startswith(verb) and said in text:
            return verdict
    # these two never succeed without a word
    return "refused" if text or line.startswith(("add server ", "del server ")) else "done"


def _verdict_of_address(text: str) -> Verdict:
    """2.6 tells of each half: "IP changed from 'A' to 'B', no need to change the port by 'stats socket command'". 3.0 tells
    what it has changed, or "nothing changed". Both name who changed it; 3.0 only where something was.
    """
    if text.startswith(("no need to change the addr, no need to change the port", "nothing changed")):
        return "nothing"
    told, by, _ = text.partition(" by 'stats socket command'")
    halves = [half.startswith(CHANGED) for half in told.split(", ")]
    return "done" if by and all(halves) else "refused"


# ---- parts of a line


def _command(line: str, backend: str = "", step: Step = "change") -> Command:
    if len(line) > MAX_LINE:
        raise BadInput(f"a command of {len(line)} bytes: {words.shown(line)}", f"at most {MAX_LINE}")
    return Command(line, backend, step)


def _place(backend: str, server: str) -> str:
    return f"{words.name(backend)}/{words.name(server)}"
