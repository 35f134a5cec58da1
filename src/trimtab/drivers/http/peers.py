"""Several endpoints of one service: who is asked next. Whoever failed goes to the end, so that no clock is needed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

from trimtab.drivers.http.address import Address
from trimtab.drivers.http.connection import Limits, NotDone, Untrusted
from trimtab.drivers.http.peer import Peer
from trimtab.drivers.http.tls import TlsFiles
from trimtab.errors import BadInput, DriverError, InvalidResponse, Unreachable

T = TypeVar("T")


class Peers:
    """urls: in order of preference. Raises BadInput for none, a wrong one, and files that are not there."""

    def __init__(self, urls: Iterable[str], tls: TlsFiles, limits: Limits) -> None:
        addresses = [Address.parse(url) for url in urls]
        if not addresses:
            raise BadInput("the registry has no endpoint")
        if any(address.tls for address in addresses):
            tls.check()
        self._order = [Peer(address, tls, limits) for address in addresses]

    async def any(self, work: Callable[[Peer], Awaitable[T]], again: bool = True) -> T:
        """What the first endpoint says that can. again: whether `work` may be done twice; if not, only an endpoint
        that certainly did nothing is passed over. Raises what `work` raises; of several failures, all in one text.
        """
        failures: list[DriverError] = []
        for peer in tuple(self._order):
            try:
                return await work(peer)
            except InvalidResponse:
                self.failed(peer)
                raise
            except (Unreachable, Untrusted) as error:
                self.failed(peer)
                failures.append(error)
                if not (again or isinstance(error, NotDone | Untrusted)):
                    break
        raise _all_of(failures) from failures[-1]

    def failed(self, peer: Peer) -> None:
        """It goes to the end, and none of its open connections is trusted any more."""
        peer.close()
        self._order.remove(peer)
        self._order.append(peer)

    def close(self) -> None:
        for peer in self._order:
            peer.close()


def _all_of(failures: list[DriverError]) -> DriverError:
    text = "; ".join(error.message for error in failures)
    hint = next((error.hint for error in failures if error.hint), "")
    for kind in (Untrusted, NotDone):
        if all(isinstance(error, kind) for error in failures):
            return kind(text, hint)
    return Unreachable(text, hint)
