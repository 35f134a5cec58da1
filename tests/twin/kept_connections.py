"""Runs on a host of clients: 50 connections are kept, each asks every so often, until the standard input ends.

Prints {"answers", "renewed": closed in good order after an answer, "repeated": closed without a byte just as a request came on a
kept connection, and answered on a new one (RFC 9112, 9.3.1), "cut": ended while an answer was awaited, as words}.
"""

import json
import select
import socket
import ssl
import sys
import threading
import time

NAME, ADDRESSES, COUNT, EVERY = sys.argv[1], sys.argv[2:], 50, 0.25
REQUEST = f"GET / HTTP/1.1\r\nHost: {NAME}\r\n\r\n".encode()
ended = threading.Event()
lock = threading.Lock()
told = {"answers": 0, "renewed": 0, "repeated": 0, "cut": []}


class ArbiterUnavailable(Exception):
    """The other side had closed before it saw the request."""


def connect(address):
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    raw = socket.create_connection((address, 443), 5)
    return context.wrap_socket(raw, server_hostname=NAME)


def answer(connection):
    """Whether it closes afterwards. Raises OSError, ValueError for one that ended early."""
    head = b""
    while b"\r\n\r\n" not in head:
        if not (data := connection.recv(65536)):
            raise ValueError(f"closed after {len(head)} bytes") if head else ArbiterUnavailable
        head += data
    top, _, body = head.partition(b"\r\n\r\n")
    fields = dict(line.lower().split(b": ", 1) for line in top.split(b"\r\n")[1:])
    if not top.startswith(b"HTTP/1.1 200"):
        raise ValueError(top.split(b"\r\n")[0].decode())
    if b"content-length" in fields:
        left = int(fields[b"content-length"]) - len(body)
        while left > 0:
            if not (data := connection.recv(left)):
                raise ValueError("closed in the body")
            left -= len(data)
    else:
        while not body.endswith(b"0\r\n\r\n"):
            if not (data := connection.recv(65536)):
                raise ValueError("closed in the body")
            body += data
    return fields.get(b"connection") == b"close"


def gone(connection):
    """Closed by the other side between two requests. Raises OSError for a reset."""
    connection.settimeout(0)
    try:
        return bool(select.select([connection], [], [], 0)[0]) and connection.recv(1) == b""
    except ssl.SSLWantReadError:
        return False
    finally:
        connection.settimeout(5)


def keep(number):
    connection = None
    while not ended.wait(EVERY):
        try:
            if connection is not None and gone(connection):
                connection = None
                with lock:
                    told["renewed"] += 1
            connection = connection or connect(ADDRESSES[number % len(ADDRESSES)])
            connection.sendall(REQUEST)
            try:
                last = answer(connection)
            except ArbiterUnavailable:
                connection = connect(ADDRESSES[number % len(ADDRESSES)])
                connection.sendall(REQUEST)
                last = answer(connection)
                with lock:
                    told["repeated"] += 1
            if last:
                connection = None
                with lock:
                    told["renewed"] += 1
            with lock:
                told["answers"] += 1
        except (OSError, ValueError, ArbiterUnavailable) as error:
            with lock:
                told["cut"].append(f"{time.time():.2f} {ADDRESSES[number % len(ADDRESSES)]} {error!r}")
            connection = None


threads = [threading.Thread(target=keep, args=(n,)) for n in range(COUNT)]
for thread in threads:
    thread.start()
sys.stdin.read()
ended.set()
for thread in threads:
    thread.join()
print(json.dumps(told))
