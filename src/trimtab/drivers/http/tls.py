"""Trust and identity from files, read again when they change: certificates are renewed under a running agent."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from pathlib import Path

from trimtab.errors import BadInput, Refused, Unreachable

Stamp = tuple[tuple[int, int, int], ...]


@dataclass(slots=True)
class TlsFiles:
    """Paths of PEM files. ca: who is trusted, "" for the system's; certificate and key: who we are, "" for nobody."""

    ca: str = ""
    certificate: str = ""
    key: str = ""
    _made: tuple[Stamp, ssl.SSLContext] | None = field(default=None, repr=False)

    def check(self) -> None:
        """Raises BadInput for a pair of which one half is missing, and for a file that is not there."""
        if bool(self.certificate) != bool(self.key):
            raise BadInput("a certificate and its key are given together, or neither")
        for path in self._paths():
            if not Path(path).is_file():
                raise BadInput(f"{path} is not there: it is named as a certificate or key of the registry")

    def context(self) -> ssl.SSLContext:
        """The server's name is checked, TLS 1.2 at least. Raises Unreachable (half-written files), Refused (not PEM)."""
        try:
            stamp = tuple(_stamp(path) for path in self._paths())
            if self._made is None or self._made[0] != stamp:
                self._made = (stamp, self._make())
        except ssl.SSLError as error:
            raise Refused(
                f"{', '.join(self._paths())}: not a certificate and its key: {error.reason}"
            ) from error
        except OSError as error:  # a renewal replaces files one by one: the next attempt finds them
            raise Unreachable(f"a certificate cannot be read: {error}") from error
        return self._made[1]

    def _make(self) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=self.ca or None)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_alpn_protocols(["http/1.1"])
        if self.certificate:
            context.load_cert_chain(self.certificate, self.key)
        return context

    def _paths(self) -> list[str]:
        return [path for path in (self.ca, self.certificate, self.key) if path]


def text_of(path: str, what: str) -> str:
    """A secret's file without its line end. Raises Refused: where it is missing or odd, no attempt can succeed."""
    try:
        text = Path(path).read_text("utf-8").strip()
    except (OSError, ValueError) as error:
        raise Refused(f"{what}: {path} cannot be read: {error}") from error
    if not text or not text.isprintable() or len(text) > 1024:
        raise Refused(f"{what}: {path} has to hold one line of 1 to 1,024 printable characters")
    return text


def _stamp(path: str) -> tuple[int, int, int]:
    found = Path(path).stat()
    return found.st_ino, found.st_mtime_ns, found.st_size
