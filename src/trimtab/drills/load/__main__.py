"""Runs a load until its duration is over, its standard input ends, or SIGTERM comes.

The end of standard input is the usual way to stop it: that works across process namespaces, and when
whoever started the load dies. Requests under way are awaited. A line of JSON on standard output every
quarter of a second tells how far it is.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
import time
from pathlib import Path

import uvloop

from trimtab.drills.load.client import Client, Metronome
from trimtab.drills.load.record import RecordWriter
from trimtab.drills.load.spec import LoadSpec, read_spec

PROGRESS_SECONDS = 0.25


async def run(spec: LoadSpec) -> None:
    """Send the whole load and write its record."""
    record = RecordWriter(Path(spec.out))
    client = Client(spec, record)
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    watch_input(stop)
    begin = time.monotonic() + 0.02
    streams = [
        Metronome(spec.new_rate, spec.burst, begin, client.send_new, spec.ramp),
        Metronome(
            spec.kept_rate, spec.burst, begin + 0.5 / max(spec.new_rate, 1), client.send_kept, spec.ramp
        ),
    ]
    ticker = asyncio.create_task(tell(client))
    with contextlib.suppress(TimeoutError):  # the whole duration: the usual end without a runner
        await asyncio.wait_for(stop.wait(), spec.duration)
    for stream in streams:
        stream.stop()
    await client.quiet()
    ticker.cancel()
    client.close()
    used = os.times()
    record.end(
        {"region": spec.region, "cpu_s": round(used.user + used.system, 3), "late_max": client.late_max}
    )


def watch_input(stop: asyncio.Event) -> None:
    """Set `stop` when standard input ends; a terminal or a file is not watched."""
    loop = asyncio.get_running_loop()

    def readable() -> None:
        if not os.read(0, 4096):
            loop.remove_reader(0)
            stop.set()

    try:
        loop.add_reader(0, readable)
    except OSError:
        return  # not a pipe: the duration ends the load


async def tell(client: Client) -> None:
    """Print the counters now and then; nobody listening is no reason to stop."""
    while True:
        now = {"at": time.monotonic(), "sent": client.sent, "ok": client.ok, "failed": client.failed}
        try:
            print(json.dumps({**now, "late_max": round(client.late_max, 4)}), flush=True)
        except BrokenPipeError:
            return
        await asyncio.sleep(PROGRESS_SECONDS)


def main() -> int:
    if len(sys.argv) != 2:
        print("usage: python -m trimtab.drills.load SPEC.json", file=sys.stderr)
        return 2
    try:
        spec = read_spec(Path(sys.argv[1]))
    except (OSError, ValueError) as error:
        print(f"{sys.argv[1]}: not a load spec: {error}", file=sys.stderr)
        return 2
    uvloop.run(run(spec))
    return 0


if __name__ == "__main__":
    sys.exit(main())
