"""Everything a run starts in the clients nodes: a load and a `put` a region. It ends all of it, come what
may."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from trimtab.drills.history import Order
from trimtab.drills.ledger import OrderStream, Popen, read_back
from trimtab.drills.load.record import RecordCutShortError, Row, read_record
from trimtab.drills.load.spec import LoadSpec
from trimtab.drills.scene import LabLike, Region, Scene

LONGEST_SECONDS = 600.0
END_SECONDS = 10.0
RAMP_SECONDS = 1.0
# mallopt(3): what a TLS connection gives back serves the next one, and not the kernel in between: a tenth of the load's work.
KEEP_MEMORY = (
    "MALLOC_TRIM_THRESHOLD_=67108864",
    "MALLOC_TOP_PAD_=8388608",
    "MALLOC_MMAP_THRESHOLD_=67108864",
)


@dataclass(frozen=True, slots=True)
class Rates:
    """Requests on new and on kept connections and orders, a second and region."""

    new: float = 100.0
    kept: float = 30.0
    orders: float = 16.0

    @property
    def reads(self) -> float:
        return self.new + self.kept


@dataclass(frozen=True, slots=True)
class Counters:
    """So far: requests sent and failed at the first attempt; acknowledged orders by region."""

    sent: int
    failed: int
    acknowledged: tuple[int, ...]


class _LoadProcess:
    """One load; its latest line of progress is kept by a thread."""

    def __init__(self, process: Popen, spec: LoadSpec, errors: Path) -> None:
        self.process, self.spec, self.errors = process, spec, errors
        self.sent = self.failed = 0
        assert process.stdin is not None and process.stdout is not None
        self._input, self._output = process.stdin, process.stdout
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        for line in self._output:
            told = json.loads(line)
            self.sent, self.failed = told["sent"], told["failed"]

    def stop(self) -> None:
        with contextlib.suppress(OSError):
            self._input.close()

    def result(self) -> tuple[tuple[Row, ...], str]:
        """Its rows, and what is wrong with them ("": nothing)."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(timeout=END_SECONDS)
        try:
            return tuple(read_record(Path(self.spec.out))[0]), ""
        except (RecordCutShortError, OSError) as error:
            said = self.errors.read_text().strip().splitlines()[-1:] if self.errors.exists() else []
            return (
                (),
                f"{self.spec.region}'s record of requests is not complete: {said[0] if said else error}",
            )


class Workload:
    """Use as a context manager: leaving it, by whatever way, kills what is still running."""

    def __init__(
        self, lab: LabLike, scene: Scene, rates: Rates, folder: Path, prefix: str, seed: int
    ) -> None:
        self._lab, self._scene, self._rates, self._folder = lab, scene, rates, folder
        self._prefix, self._seed = prefix, seed
        self._loads: dict[str, _LoadProcess] = {}
        self._streams: dict[str, OrderStream] = {}
        self._processes: list[Popen] = []
        self._open: list[IO[Any]] = []

    def __enter__(self) -> Workload:
        self._folder.mkdir(parents=True)
        return self

    def __exit__(self, *error: object) -> None:
        for process in self._processes:
            process.kill()
        for process in self._processes:
            process.wait()
        for file in self._open:
            file.close()

    def start(self) -> None:
        """Begin in every region. Raises OSError, TrimtabError where a process cannot be started."""
        for number, region in enumerate(self._scene.regions.values()):
            self._loads[region.name] = self._start_load(region, self._seed + 1000 * number)
        if self._scene.ledger is None:
            return
        for region in self._scene.regions.values():
            command = self._ledger_command(self._scene.ledger.put)
            process = self._start(region.node, command, f"put-{region.name}")
            prefix = f"{self._prefix}-{region.name}"
            self._streams[region.name] = OrderStream(process, prefix, self._rates.orders)
        for stream in self._streams.values():
            stream.start()

    def counters(self) -> Counters:
        loads = self._loads.values()
        acknowledged = tuple(stream.acknowledged for stream in self._streams.values())
        return Counters(sum(load.sent for load in loads), sum(load.failed for load in loads), acknowledged)

    def stop(self) -> None:
        """Send nothing new from now on."""
        for stream in self._streams.values():
            stream.stop_sending()
        for load in self._loads.values():
            load.stop()

    def reads(self) -> tuple[dict[str, tuple[Row, ...]], list[str]]:
        """After `stop`: the requests by region, and what is missing."""
        results = {name: load.result() for name, load in self._loads.items()}
        return {name: rows for name, (rows, _) in results.items()}, [
            gap for _, gap in results.values() if gap
        ]

    def orders(self) -> tuple[dict[str, tuple[Order, ...]], list[str]]:
        """After `stop`: the orders by region, and what their `put` did wrong."""
        found = {name: stream.finish() for name, stream in self._streams.items()}
        complaints = [f"{name}: {text}" for name, each in self._streams.items() for text in each.complaints()]
        return found, complaints

    def stored(self) -> tuple[dict[str, int] | None, str]:
        """After `orders`: what `get` tells, from whichever region gets a whole answer."""
        if self._scene.ledger is None:
            return None, ""
        latest = sorted(self._streams, key=lambda name: self._streams[name].last_answer, reverse=True)
        nodes = [
            self._scene.regions[name].node for name in latest
        ]  # where orders went well last, `get` will, too
        return read_back(self._get, nodes, self._ledger_command(self._scene.ledger.get))

    def _start_load(self, region: Region, seed: int) -> _LoadProcess:
        name = f"load-{region.name}"
        spec = LoadSpec(
            region=region.name, targets=region.targets, ca=self._scene.ca, sources=region.sources, seed=seed,
            out=str(self._folder / f"requests-{region.name}.jsonl.gz"), duration=LONGEST_SECONDS,
            new_rate=self._rates.new, kept_rate=self._rates.kept, ramp=RAMP_SECONDS,
        )  # fmt: skip
        path = self._folder / f"{name}.json"
        spec.write(path)
        command = ["env", *KEEP_MEMORY, sys.executable, "-m", "trimtab.drills.load", str(path)]
        return _LoadProcess(self._start(region.node, command, name), spec, self._errors(name))

    def _ledger_command(self, command: Sequence[str]) -> list[str]:
        """The command with what it may want to know in its environment: where to, and whom to trust."""
        assert self._scene.ledger is not None
        known = [f"SSL_CERT_FILE={self._scene.ca}", f"TRIMTAB_LEDGER_URL={self._scene.ledger.url}"]
        return ["env", *known, *command]

    def _errors(self, name: str) -> Path:
        return self._folder / f"{name}.err"

    def _start(self, node: str, command: Sequence[str], name: str) -> Popen:
        errors = self._errors(name).open("w")
        self._open.append(errors)
        return self._popen(node, command, stdin=subprocess.PIPE, stderr=errors)

    def _get(self, node: str, command: Sequence[str]) -> Popen:
        return self._popen(node, command, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def _popen(self, node: str, command: Sequence[str], **kw: Any) -> Popen:
        # a session of its own: Ctrl-C reaches the runner alone, which then ends them in order; and what is measured with
        # does not wait for what is measured
        kw.update(stdout=subprocess.PIPE, text=True, start_new_session=True)
        process = self._lab.popen(node, command, first=True, **kw)
        self._processes.append(process)
        return process
