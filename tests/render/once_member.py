"""A member of a pool for once_kit.py: `ADDRESS PORT NAME`. It writes down what it is asked, and can end while it answers.

`…/die` is executed, and the connection ends without an answer. `…/gone` too, and the whole process with it, as by kill -9.
Runs on each release's own Python.
"""

import json
import os
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

ADDRESS, PORT, NAME = sys.argv[1], int(sys.argv[2]), sys.argv[3]
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


Server((ADDRESS, PORT), Handler).serve_forever()
