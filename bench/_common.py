"""What every bench shares: the machine, the options, the output format and where the raw data goes.

One object is printed: `bench`, `machine`, `load_average` (1, 5, 15 minutes, before the first run), `figures`.
Each figure has `name`, `unit`, `ours`, `peers` {peer: value}, `ratio` {peer: ours / peer}, `target`, `met`
(null without a target). All of one object was measured in one sitting; figures are medians of the runs, which
are kept as raw data in `results/`. Some figures have more: `against`, the peer to whose ratio the target belongs;
`worst` {configuration: value}; `at_least` and `worst_at_least`, the configurations whose figure is a lower bound,
because it was still going on when the watch ended; `runs` {configuration: how many the figure is made of}.
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
    """One measured figure. target: the bound that `ours` must not exceed, None where nothing was promised.

    against: the peer that the target is a share of.  worst, runs: by configuration, `ours` among them.  at_least,
    worst_at_least: the configurations whose median, whose worst value is only known from below.
    """

    name: str
    unit: str
    ours: float
    peers: Mapping[str, float] = field(default_factory=dict)
    target: float | None = None
    against: str = ""
    worst: Mapping[str, float] = field(default_factory=dict)
    at_least: Sequence[str] = ()
    worst_at_least: Sequence[str] = ()
    runs: Mapping[str, int] = field(default_factory=dict)

    @property
    def ratio(self) -> dict[str, float | None]:
        """ours / peer; None where the peer's is 0."""
        return {peer: self.ours / value if value else None for peer, value in self.peers.items()}

    @property
    def met(self) -> bool | None:
        """None where nothing was promised, or what it is a share of was not measured."""
        if self.target is None:
            return None
        if not self.against:
            return self.ours <= self.target
        if self.against not in self.peers:
            return None
        return "ours" not in self.at_least and self.ours <= self.target * self.peers[self.against]

    def as_json(self) -> dict[str, Any]:
        found = {"ratio": self.ratio, "met": self.met}
        more = ("against", "worst", "at_least", "worst_at_least", "runs")
        return {k: v for k, v in asdict(self).items() if v or k not in more} | found


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


def keep(
    bench: str,
    load: Sequence[float],
    figures: Sequence[Figure],
    raw: Any,
    more: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Writes everything to `results/` by rename, and returns the bench's object. more: keys of this bench's own."""
    result = {
        "bench": bench,
        "machine": machine(),
        "load_average": [round(value, 2) for value in load],
        **(more or {}),
        "figures": [figure.as_json() for figure in figures],
    }
    RESULTS.mkdir(exist_ok=True)
    new = RESULTS / f".{bench}.json.new"
    new.write_text(json.dumps(result | {"raw": raw}, indent=1) + "\n")
    new.replace(RESULTS / f"{bench}.json")
    return result


def report(
    bench: str, load: Sequence[float], figures: Sequence[Figure], raw: Any, *, as_json: bool,
    more: Mapping[str, Any] | None = None,
) -> int:  # fmt: skip
    """Keeps the raw data, prints the figures and returns the exit code: 1 if a target is missed."""
    result = keep(bench, load, figures, raw, more)
    if as_json:
        print(json.dumps(result))
    else:
        _print_table(result)
    return 1 if any(figure["met"] is False for figure in result["figures"]) else 0


def _print_table(result: dict[str, Any]) -> None:
    print(f"{result['bench']}  {result['machine']}  load {result['load_average'][0]}")
    for figure in result["figures"]:
        ours = f"{_bound(figure, 'ours')}{figure['ours']:.4g}"
        peers = "".join(f"   {peer} {_peer(figure, peer)}" for peer in figure["peers"])
        print(f"  {figure['name']:<44} {ours:>12} {figure['unit']}{peers}{_target(figure)}")
        if worst := figure.get("worst"):
            words = (f"{name} {_bound(figure, name, 'worst_')}{value:.4g}" for name, value in worst.items())
            print(f"    worst of {max(figure['runs'].values())}: {', '.join(words)}")


def _bound(figure: Mapping[str, Any], name: str, of: str = "") -> str:
    return "≥ " if name in figure.get(f"{of}at_least", ()) else ""


def _peer(figure: Mapping[str, Any], peer: str) -> str:
    """Its value and ours / its."""
    ratio = figure["ratio"][peer]
    below = "≤ " if _bound(figure, peer) else ""
    return f"{_bound(figure, peer)}{figure['peers'][peer]:g}" + (
        f" (x{below}{ratio:.3f})" if ratio is not None else ""
    )


def _target(figure: Mapping[str, Any]) -> str:
    if figure["target"] is None:
        return ""
    share = f" of {figure['against']}" if "against" in figure else ""
    met = {True: "met", False: "MISSED", None: "not known"}[figure["met"]]
    return f"   target ≤ {figure['target']:.3g}{share}: {met}"


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
