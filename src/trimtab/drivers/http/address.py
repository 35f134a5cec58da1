"""Where to connect: `http://HOST:PORT` or `https://HOST:PORT`, nothing else of a URL."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from trimtab.errors import BadInput

_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?|[0-9A-Fa-f:.]{2,45}")


@dataclass(frozen=True, slots=True)
class Address:
    """host: a name or a literal address, IPv6 without brackets."""

    host: str
    port: int
    tls: bool = False

    @property
    def authority(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def __str__(self) -> str:
        return f"{'https' if self.tls else 'http'}://{self.authority}"

    @staticmethod
    def parse(url: str) -> Address:
        """Raises BadInput: a port has to be written, because 80 is never what a registry listens on."""
        wrong = BadInput(f"endpoint {url!r}: expected http://HOST:PORT or https://HOST:PORT")
        try:
            parts = urlsplit(url)
            host, port = parts.hostname or "", parts.port
        except ValueError as error:
            raise wrong from error
        more = parts.path.strip("/") or parts.query or parts.fragment or parts.username or parts.password
        if (
            not url.isprintable()
            or parts.scheme not in ("http", "https")
            or not port
            or more
            or _HOST.fullmatch(host) is None
        ):
            raise wrong
        return Address(host, port, parts.scheme == "https")
