"""The demo shop: pages, static files and an order book in etcd, and the two commands of its ledger.

A workload and nothing more: it imports nothing of the rest of Trimtab, and only the standard library,
because three dozen of it start at once on a laptop.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

USAGE = """\
usage: trimtab-storefront serve --name HOST --site SITE [--port 8080] [--static-port 8081]
                                [--stores URL,URL...] [--listen ADDRESS,...]
       trimtab-storefront order [--url https://HOST]    KEY PAYLOAD lines in, KEY ok|failed|unknown lines out, KEY later STATUS before that
       trimtab-storefront orders [--url https://HOST]   prints KEY COUNT for every stored key
TRIMTAB_LEDGER_URL stands for --url; SSL_CERT_FILE names the CA that is trusted."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. Exit code 0, 1 (the work could not be completed) or 2 (bad arguments)."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if not words or words[0] in ("-h", "--help"):
        print(USAGE)
        return 0 if words else 2
    from trimtab.storefront import commands  # imported late: --help stays instant

    return commands.run(words[0], words[1:])
