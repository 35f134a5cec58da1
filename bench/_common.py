"""What every bench shares: the machine, the options, the output format and where the raw data goes.

One object is printed: `bench`, `machine`, `load_average` (1, 5, 15 minutes, before the first run), `figures`.
Each figure has `name`, `unit`, `ours`, `peers` {peer: value}, `ratio` {peer: ours / peer}, `target`, `met`
(null without a target). All of one object was measured in one sitting; figures are medians of the runs, which
are kept as raw data in `results/`.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import platform
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "bench" / "results"


def in_environment() -> None:
    """Starts the bench again with the project's own Python, if this one cannot import it."""
    if importlib.util.find_spec("trimtab") is not None:
        return
    python = Path(os.environ.get("TRIMTAB_VENV") or ROOT / ".venv") / "bin" / "python"
    if Path(sys.executable) == python or not python.exists():
        sys.exit("bench: the project is not set up here; run scripts/bootstrap first")
    os.execv(python, [str(python), *sys.argv])


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured figure. target: the bound that `ours` must not exceed, None where nothing was promised."""

    name: str
    unit: str
    ours: float
    peers: Mapping[str, float] = field(default_factory=dict)
    target: float | None = None

    def as_json(self) -> dict[str, Any]:
        met = None if self.target is None else self.ours <= self.target
        return asdict(self) | {
            "ratio": {peer: self.ours / value for peer, value in self.peers.items()},
            "met": met,
        }


def options(
    description: str, runs: int, add: Sequence[tuple[str, dict[str, Any]]] = ()
) -> argparse.Namespace:
    """`--runs`, `--json` and what else a bench needs."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument(
        "--runs", type=int, default=runs, help=f"how often each size is measured (default {runs})"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    for name, keywords in add:
        parser.add_argument(name, **keywords)
    return parser.parse_args()


def machine() -> dict[str, Any]:
    """What the figures depend on, without anything that names the machine."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "cores": len(os.sched_getaffinity(0)),
        "processor": _processor(),
        "memory_gib": round(memory / 2**30, 1),
        "kernel": platform.release().split("-")[0],
        "python": platform.python_version(),
    }


def progress(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def report(bench: str, load: Sequence[float], figures: Sequence[Figure], raw: Any, *, as_json: bool) -> int:
    """Keeps the raw data, prints the figures and returns the exit code: 1 if a target is missed."""
    result = {
        "bench": bench,
        "machine": machine(),
        "load_average": [round(value, 2) for value in load],
        "figures": [figure.as_json() for figure in figures],
    }
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{bench}.json").write_text(json.dumps(result | {"raw": raw}, indent=1) + "\n")
    if as_json:
        print(json.dumps(result))
    else:
        _print_table(result)
    return 1 if any(figure["met"] is False for figure in result["figures"]) else 0


def _print_table(result: dict[str, Any]) -> None:
    print(f"{result['bench']}  {result['machine']}  load {result['load_average'][0]}")
    for figure in result["figures"]:
        target = (
            ""
            if figure["target"] is None
            else f"   target ≤ {figure['target']:g}: {'met' if figure['met'] else 'MISSED'}"
        )
        peers = "".join(
            f"   {peer} {value:g} (x{figure['ratio'][peer]:.2f})" for peer, value in figure["peers"].items()
        )
        print(f"  {figure['name']:<44} {figure['ours']:>12.4g} {figure['unit']}{peers}{target}")


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
