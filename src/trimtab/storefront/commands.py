"""The three commands: options checked, then the event loop run to its end."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Mapping, Sequence

from trimtab.storefront.options import BadOption, read_options, whole_number

SERVE = {
    "name": None, "site": None, "port": "8080", "static-port": "", "stores": "", "listen": "0.0.0.0,::", "ledger": "",
}  # fmt: skip


def run(command: str, words: Sequence[str]) -> int:
    """Run one command; 2 for bad arguments."""
    known = {"serve": _serve, "order": _order, "orders": _orders}
    try:
        if command not in known:
            raise BadOption(f"unknown command {command!r}; there are: " + ", ".join(known))
        return known[command](words)
    except (BadOption, ValueError) as error:
        print(f"trimtab-storefront: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


def _serve(words: Sequence[str]) -> int:
    return asyncio.run(_serve_until_stopped(read_options(words, SERVE)))


async def _serve_until_stopped(options: Mapping[str, str]) -> int:
    from trimtab.storefront.etcd import Cluster
    from trimtab.storefront.ledger import Ledger
    from trimtab.storefront.orders import OrderBook
    from trimtab.storefront.server import Server, listening_sockets
    from trimtab.storefront.shop import Shop

    cluster = Cluster([url for url in options["stores"].split(",") if url])
    ledger = Ledger(options["ledger"]) if options["ledger"] else None
    shop = Shop(options["site"], options["name"], OrderBook(cluster), ledger)
    fields = {"X-Site": options["site"], "X-Backend": options["name"]}
    wanted = [(whole_number(options, "port", 65535), Server(shop.handle, fields))]
    if options["static-port"]:
        wanted.append((whole_number(options, "static-port", 65535), Server(shop.handle_static, fields)))
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    for port, server in wanted:
        try:
            sockets = listening_sockets(options["listen"].split(","), port)
        except OSError as error:
            print(f"trimtab-storefront: port {port}: {error}", file=sys.stderr)
            return 1
        for sock in sockets:
            await server.listen(sock)
            print("listening on {}:{}".format(*sock.getsockname()[:2]), flush=True)
    await stop.wait()
    await asyncio.gather(*(server.stop() for _, server in wanted))
    cluster.close()
    return 0


def _ledger_url(words: Sequence[str]) -> str:
    options = read_options(words, {"url": os.environ.get("TRIMTAB_LEDGER_URL")})
    return options["url"]


def _order(words: Sequence[str]) -> int:
    from trimtab.storefront.put import run_put

    url = _ledger_url(words)
    with contextlib.suppress(BrokenPipeError):
        asyncio.run(run_put(url))
    return 0


def _orders(words: Sequence[str]) -> int:
    from trimtab.storefront.get import Incomplete, run_get

    url = _ledger_url(words)
    try:
        found = asyncio.run(run_get(url))
    except Incomplete as error:
        print(f"trimtab-storefront: {error}", file=sys.stderr)
        return 1
    sys.stdout.write("".join(f"{key} {count}\n" for key, count in found.items()))
    return 0
