"""A stand-in for Consul, for what the real one does not do when asked: KV, transactions, sessions, catalogue, blocking
queries, and what a token may.

It answers what the client asks and nothing more. It passes the contract that Consul 1.8.7 passes, and no more is known.

    index       one number for all, as Raft's; a list of keys has the highest of its keys and tombstones
    session     ends by its TTL alone (`scale` shortens it) and deletes the keys that it holds
    lock-delay  is not kept: the client asks for 1 ms
"""

from __future__ import annotations

import asyncio
import json
import uuid
from base64 import b64decode, b64encode
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

Reply = tuple[int, Any, dict[str, str]]


KINDS = {"KV": "key", "Node": "node", "Service": "service"}


class Failed(Exception):
    """A step of a transaction that cannot be done."""


@dataclass
class Store:
    """What a transaction changes as a whole."""

    keys: dict[str, dict[str, Any]] = field(default_factory=dict)
    stones: dict[str, int] = field(default_factory=dict)
    nodes: set[str] = field(default_factory=set)
    services: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    services_index: int = 1
    sessions: dict[str, dict[str, Any]] = field(default_factory=dict)


class ConsulStandIn:
    """`async with ConsulStandIn() as consul`. requests: method and target of all that came."""

    def __init__(self, *, scale: float = 0.1, token: str = "", port: int = 0) -> None:
        self.store, self.index = Store(), 10
        self.scale, self.token, self.port = scale, token, port
        self.hidden: set[str] = set()  # `key`, `node`, `service`: what the token may not see
        self.knows_rights = True  # False: as an agent that answers from what it knew before
        self.fields: dict[str, str] = {}  # more of them, in every answer
        self.requests: list[tuple[str, str]] = []
        self._moved = asyncio.Condition()
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._open: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def __aenter__(self) -> ConsulStandIn:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for timer in self._timers.values():
            timer.cancel()
        for task in self._open:
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    # ---- HTTP

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        try:
            while await self._one(reader, writer):
                pass
        except (asyncio.IncompleteReadError, OSError, asyncio.CancelledError):
            pass
        finally:
            self._open.discard(task)
            writer.transport.abort()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        fields = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in lines[1:] if line)}
        body = await reader.readexactly(int(fields.get("content-length", 0)))
        method, target, _ = lines[0].split(" ")
        self.requests.append((method, target))
        if self.token and fields.get("x-consul-token") != self.token:
            status, content, more = 403, "Permission denied", {}
        else:
            status, content, more = await self._answer(method, target, json.loads(body) if body else None)
        raw = content.encode() if isinstance(content, str) else json.dumps(content).encode()
        head = {"Content-Length": str(len(raw)), **more, **self.fields}
        writer.write(f"HTTP/1.1 {status} x\r\n{_lines(head)}\r\n".encode() + raw)
        await writer.drain()
        return True

    async def _answer(self, method: str, target: str, body: Any) -> Reply:
        parts = urlsplit(target)
        query = {k: v[-1] for k, v in parse_qs(parts.query, keep_blank_values=True).items()}
        match method, parts.path.split("/")[2:]:
            case "GET", ["kv", *rest]:
                return await self._blocking(query, lambda: self._list(unquote("/".join(rest))))
            case "GET", ["catalog", "node", node]:
                return await self._blocking(query, lambda: self._node(unquote(node)))
            case "POST", ["internal", "acl", "authorize"]:
                hidden = self.hidden if self.knows_rights else set()
                return 200, [{**each, "Allow": each["Resource"] not in hidden} for each in body], {}
            case "PUT", ["txn"]:
                return await self._txn(body)
            case "PUT", ["session", "create"]:
                return await self._create(body)
            case "PUT", ["session", "renew", session]:
                return self._renew(session)
            case "PUT", ["session", "destroy", session]:
                await self.end(session)
                return 200, True, {}
        return 404, "no such endpoint", {}

    async def _blocking(self, query: dict[str, str], ask: Any) -> Reply:
        """Until the index of what is asked is higher than `index`, or `wait` is over; an answer in each case."""
        index = int(query.get("index", 0))
        wait = float(query.get("wait", "300s").removesuffix("s"))
        status, content, found = ask()
        try:
            async with asyncio.timeout(wait * 17 / 16), self._moved:
                while index and found <= index:
                    await self._moved.wait()
                    status, content, found = ask()
        except TimeoutError:
            pass
        return status, content, {"X-Consul-Index": str(found)}

    # ---- what is there

    def _list(self, prefix: str) -> tuple[int, Any, int]:
        found = [pair for key, pair in sorted(self.store.keys.items()) if key.startswith(prefix)]
        stones = [index for key, index in self.store.stones.items() if key.startswith(prefix)]
        found = [] if "key" in self.hidden else found
        index = max([*(pair["ModifyIndex"] for pair in found), *stones], default=self.index)
        return (200, found, index) if found else (404, "", index)

    def _node(self, node: str) -> tuple[int, Any, int]:
        if node not in self.store.nodes or "node" in self.hidden:
            return 200, None, self.store.services_index
        found = {name: service for (of, name), service in self.store.services.items() if of == node}
        found = {} if "service" in self.hidden else found
        return 200, {"Node": {"Node": node}, "Services": found}, self.store.services_index

    # ---- transactions

    async def _txn(self, steps: list[dict[str, Any]]) -> Reply:
        if len(steps) > 64:
            return 413, f"Transaction contains too many operations ({len(steps)} > 64)", {}
        before, results, errors = deepcopy(self.store), list[Any](), list[Any]()
        for number, step in enumerate(steps):
            try:
                results += self._step(step, self.index + 1)
            except Failed as error:
                errors.append({"OpIndex": number, "What": str(error)})
        if errors:
            self.store = before
            return 409, {"Results": None, "Errors": errors}, {}
        if any(next(iter(step.values()))["Verb"] != "get" for step in steps):
            await self._move()
            return 200, {"Results": results, "Errors": None}, {}
        shown = [each for each in results if KINDS[next(iter(each))] not in self.hidden]
        return 200, {"Results": shown, "Errors": None}, {}

    def _step(self, step: dict[str, Any], index: int) -> list[Any]:
        if (verb := next(iter(step.values()))["Verb"]) == "get":
            return self._get(step)
        if "Node" in step:
            assert verb == "set"
            self.store.nodes.add(step["Node"]["Node"]["Node"])
            return [step]
        if "Service" in step:
            return self._service(step["Service"], index)
        return self._key(step["KV"], index)

    def _get(self, step: dict[str, Any]) -> list[Any]:
        if "Node" in step:
            node = step["Node"]["Node"]["Node"]
            if node not in self.store.nodes:
                raise Failed(f'node "{node}" doesn\'t exist')
            return [step]
        if "Service" in step:
            node, name = step["Service"]["Node"], step["Service"]["Service"]["ID"]
            if (node, name) not in self.store.services:
                raise Failed(f'service "{name}" on node "{node}" doesn\'t exist')
            return [{"Service": self.store.services[node, name]}]
        key = step["KV"]["Key"]
        if key not in self.store.keys:
            raise Failed(f'key "{key}" doesn\'t exist')
        return [{"KV": self.store.keys[key]}]

    def _service(self, step: dict[str, Any], index: int) -> list[Any]:
        node, verb, wanted = step["Node"], step["Verb"], dict(step["Service"])
        place, stamp = (node, wanted["ID"]), wanted.pop("ModifyIndex", 0)
        found = self.store.services.get(place)
        if verb == "cas" and stamp != (found["ModifyIndex"] if found else 0):
            raise Failed(f'failed to set service "{wanted["ID"]}" on node "{node}", index is stale')
        if verb == "delete-cas" and found and stamp != found["ModifyIndex"]:
            raise Failed(f'failed to delete service "{wanted["ID"]}" on node "{node}", index is stale')
        if verb in ("delete", "delete-cas"):
            if self.store.services.pop(place, None):
                self.store.services_index = index
            return []
        if node not in self.store.nodes:
            raise Failed("Missing node registration")
        if wanted["Weights"]["Passing"] < 1:
            raise Failed("Passing must be greater than 0")
        if found is None or {**found, **wanted} != found:  # the same again changes no index
            self.store.services[place] = {**wanted, "CreateIndex": index, "ModifyIndex": index}
            self.store.services_index = index
        return [{"Service": self.store.services[place]}]

    def _key(self, step: dict[str, Any], index: int) -> list[Any]:
        verb, key, session = step["Verb"], step["Key"], step.get("Session", "")
        found = self.store.keys.get(key)
        if verb == "check-not-exists" and found:
            raise Failed(f'key "{key}" exists')
        if verb == "check-index" and (found is None or found["ModifyIndex"] != step["Index"]):
            raise Failed(
                f'failed index check for key "{key}", current modify index {(found or {}).get("ModifyIndex", 0)}'
            )
        if verb == "delete" and self.store.keys.pop(key, None):
            self.store.stones[key] = index
        if verb == "lock" and session not in self.store.sessions:
            raise Failed(f'invalid session "{session}"')
        if verb == "lock" and found and found.get("Session", session) != session:
            raise Failed(f'failed to lock key "{key}", lock is already held')
        if verb not in ("set", "lock"):
            return []
        holder = session if verb == "lock" else (found or {}).get("Session", "")
        pair = {"Key": key, "Value": b64encode(b64decode(step["Value"])).decode() or None, "Flags": 0}
        pair |= {"Session": holder} if holder else {}
        if found is None or {k: found.get(k) for k in pair} != pair or ("Session" in found and not holder):
            self.store.keys[key] = {**pair, "CreateIndex": index, "ModifyIndex": index}
        return [{"KV": {**self.store.keys[key], "Value": None}}]

    # ---- sessions

    async def _create(self, body: dict[str, Any]) -> Reply:
        ttl = float(body["TTL"].removesuffix("s"))
        if body["Node"] not in self.store.nodes:
            return 500, "Missing node registration", {}
        if not 10 <= ttl <= 86_400:
            return 500, f"Invalid Session TTL '{ttl}', must be between [10s=24h0m0s]", {}
        assert body["Behavior"] == "delete" and body["NodeChecks"] == [] and body["LockDelay"] == "1ms"
        session = str(uuid.uuid4())
        self.store.sessions[session] = body
        self._renew(session)
        return 200, {"ID": session}, {}

    def _renew(self, session: str) -> Reply:
        body = self.store.sessions.get(session)
        if body is None:
            return 404, f"Session id '{session}' not found", {}
        if timer := self._timers.pop(session, None):
            timer.cancel()
        seconds = float(body["TTL"].removesuffix("s")) * self.scale
        loop = asyncio.get_running_loop()
        self._timers[session] = loop.call_later(seconds, lambda: self._spawn(session))
        return 200, [{"ID": session, "TTL": body["TTL"]}], {}

    def _spawn(self, session: str) -> None:
        task = asyncio.create_task(self.end(session))
        self._open.add(task)
        task.add_done_callback(self._open.discard)

    async def end(self, session: str) -> None:
        self.store.sessions.pop(session, None)
        for key in [key for key, pair in self.store.keys.items() if pair.get("Session") == session]:
            del self.store.keys[key]
            self.store.stones[key] = self.index + 1
        await self._move()

    # ---- what tests do to it

    async def _move(self) -> None:
        self.index += 1
        async with self._moved:
            self._moved.notify_all()

    async def set_back(self) -> None:
        """As after a snapshot of the past was restored: everything is gone, and so are the high indices."""
        self.store, self.index = Store(), 3
        await self._move()

    async def reap(self) -> None:
        """Tombstones are thrown away: the index of a list goes backwards."""
        self.store.stones.clear()


def _lines(fields: dict[str, str]) -> str:
    return "".join(f"{name}: {value}\r\n" for name, value in fields.items())
