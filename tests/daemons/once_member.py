"""Members of pools for once_kit.py: `ADDRESS PORT NAME` of each. They write down what they are asked, and can end while they
answer: `…/die` is executed, and the connection ends without an answer; `…/gone` too, and the member's whole process with it,
as by kill -9. Each is a fork, for to start Python eight times takes longer than most of what is tried. Runs on each release's
own Python.
"""

import json
import os
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

MEMBERS = list(zip(*[iter(sys.argv[1:])] * 3, strict=True))
NAME = ""
LEDGER = Path("/run/ledger")
LOCK = threading.Lock()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    turn = 0

    def answer(self):
        self.turn += 1
        length = self.body()
        if self.path not in ("/health", "/ill", "/serves"):
            self.execute(length)
        if self.path.endswith("/gone"):
            os._exit(1)
        if self.path.endswith("/die"):
            self.close_connection = True
            self.connection.close()
            return
        if self.headers.get("Upgrade"):
            self.send_response(101)
            self.send_header("Upgrade", self.headers["Upgrade"])
            self.send_header("Connection", "Upgrade")
            self.end_headers()
            self.wfile.write(b"through the tunnel")
            self.close_connection = True
            return
        self.send_response(
            503 if self.path == "/ill" else 200 if self.command in ("GET", "HEAD", "OPTIONS") else 201
        )
        self.send_header("Content-Length", str(len(NAME)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(NAME.encode())

    def __getattr__(self, name):
        """Every method is answered in the same way."""
        if name.startswith("do_"):
            return self.answer
        raise AttributeError(name)

    def body(self):
        length, read = int(self.headers.get("Content-Length") or 0), 0
        while read < length and (piece := self.rfile.read(min(65536, length - read))):
            read += len(piece)
        return read

    def execute(self, length):
        line = {
            "by": NAME,
            "method": self.command,
            "path": self.path,
            "length": length,
            "turn": self.turn,
            "headers": dict(self.headers),
        }
        with LOCK, LEDGER.open("a") as ledger:
            ledger.write(json.dumps(line) + "\n")

    def log_message(self, *_):
        """Nothing."""


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, *_):
        """Whoever asked has gone."""


for address, port, name in MEMBERS:
    if os.fork() == 0:
        NAME = name
        Server((address, int(port)), Handler).serve_forever()
for _ in MEMBERS:
    os.wait()
