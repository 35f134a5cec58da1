"""A small HTTP/1.1 client for drivers: h11 over asyncio streams, every step with a deadline, every size with a bound."""

from trimtab.drivers.http.address import Address
from trimtab.drivers.http.connection import Answer, Limits, NotDone, Untrusted
from trimtab.drivers.http.peer import Peer, Stream
from trimtab.drivers.http.peers import Peers
from trimtab.drivers.http.tls import TlsFiles, text_of

__all__ = [
    "Address",
    "Answer",
    "Limits",
    "NotDone",
    "Peer",
    "Peers",
    "Stream",
    "TlsFiles",
    "Untrusted",
    "text_of",
]
