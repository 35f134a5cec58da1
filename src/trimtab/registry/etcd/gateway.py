"""Questions to etcd: which endpoint, with which token, what an answer that says no means."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from trimtab.drivers.http import Answer, Limits, Peer, Peers, Stream, TlsFiles, text_of
from trimtab.errors import BadInput, InvalidResponse, Refused
from trimtab.registry.base import AccessLike
from trimtab.registry.etcd import wire
from trimtab.registry.etcd.faults import Unauthenticated, fault_of

# A member without a leader says so at once, and ends a watch, instead of serving on alone (clientv3.WithRequireLeader;
# the gateway hands on what begins with Grpc-Metadata-).
LEADER = {"Grpc-Metadata-hasleader": "true"}
# Without `Accept` etcd 3.4 does not see that a request came through its gateway, and takes it for its own certificate's
# user (auth/store.go, AuthInfoFromTLS), so that one without a token is not told to authenticate.
FIELDS = {"Content-Type": "application/json", "Accept": "application/json", **LEADER}
# A password that was set at etcd's default cost takes a member's processor some 60 ms (bcrypt), and after its restart all hosts
# of a site come at once. Rendered members set it at the lowest cost: 3 ms.
AUTHENTICATE_S = 3.0
NO_AUTH = "authentication is not enabled"


@dataclass(frozen=True, slots=True)
class Credentials:
    """password: read anew each time, because it may have been changed."""

    user: str
    password: Callable[[], str]

    @staticmethod
    def of(access: AccessLike) -> Credentials | None:
        """Raises BadInput."""
        if not access.user:
            return None
        if not access.password:
            raise BadInput(f"the registry's user {access.user!r} has no password file")
        return Credentials(access.user, lambda: text_of(access.password, f"the password of {access.user}"))


class Gateway:
    """Raises, in all it does: Unreachable, Refused, InvalidResponse, LeaseGone, Compacted. BadInput when it is made."""

    def __init__(self, access: AccessLike, credentials: Credentials | None, limits: Limits) -> None:
        self.peers = Peers(access.endpoints, TlsFiles(access.ca, access.certificate, access.key), limits)
        self._credentials = credentials
        self._token: str | None = None if credentials else ""
        self._renewing = asyncio.Lock()

    async def call(self, path: str, body: wire.Json, again: bool = True) -> wire.Json:
        """Of the first endpoint that answers. again: whether the same may be asked twice, see `Peers.any`."""
        return await self.peers.any(lambda peer: self.call_on(peer, path, body), again)

    async def call_on(
        self, peer: Peer, path: str, body: wire.Json, answer_s: float | None = None
    ) -> wire.Json:
        """Of this one. A token that is of no more use is replaced once."""
        for _ in range(2):
            token = await self._authenticated(peer)
            answer = await peer.ask("POST", path, self._fields(token), _json(body), answer_s)
            try:
                return _good(peer, answer)
            except Unauthenticated as error:
                last = error
                self.forget(token)
        raise last

    async def stream_on(self, peer: Peer, path: str, body: wire.Json) -> Stream:
        """An answer in lines; the token is the one of the last call."""
        token = await self._authenticated(peer)
        stream = await peer.stream("POST", path, self._fields(token), _json(body))
        if stream.answer.status != 200:
            stream.close()
            raise fault_of(str(peer.address), stream.answer.status, stream.answer.body)
        return stream

    def forget(self, token: str | None = None) -> None:
        """The next call authenticates. token: only if it is still that one."""
        if self._credentials and token in (None, self._token):
            self._token = None

    async def authenticate(self) -> bool:
        """False: authentication is not enabled. Raises Refused for a wrong password."""
        self.forget()
        return bool(await self.peers.any(self._authenticated))

    def close(self) -> None:
        self.peers.close()

    async def _authenticated(self, peer: Peer) -> str:
        async with self._renewing:  # one bcrypt in the server is enough
            if self._token is None and self._credentials:
                self._token = await self._new_token(peer, self._credentials)
            return self._token or ""

    async def _new_token(self, peer: Peer, who: Credentials) -> str:
        body = _json({"name": who.user, "password": who.password()})
        try:
            answer = await peer.ask("POST", "/v3/auth/authenticate", self._fields(""), body, AUTHENTICATE_S)
            reply = _good(peer, answer)
        except Refused as error:
            if NO_AUTH in error.message:  # a registry that is being set up
                return ""
            raise
        token = reply.get("token")
        if (
            not isinstance(token, str)
            or not token.isascii()
            or not token.isprintable()
            or not 0 < len(token) < 8192
        ):
            raise InvalidResponse(f"{peer.address} gave no token")
        return token

    @staticmethod
    def _fields(token: str) -> Mapping[str, str]:
        return {**FIELDS, "Authorization": token} if token else FIELDS


def _json(body: wire.Json) -> bytes:
    return json.dumps(body, separators=(",", ":")).encode()


def _good(peer: Peer, answer: Answer) -> wire.Json:
    if answer.status != 200:
        raise fault_of(str(peer.address), answer.status, answer.body)
    return wire.reply_of(answer.body)
