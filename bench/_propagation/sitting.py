"""One sitting: everything that is measured, one after the other, in a namespace of its own."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from _propagation import churn, peers, rest
from _propagation.changes import Lane, differences, seeds, wanted
from _propagation.children import Child, Daemon, until
from _propagation.daemons import Proxy, agent, endpoints, haproxy, master_answers, network, proxy, registry
from _propagation.estate import REGISTRY_PORT, Files, inventory, proxy_files
from _propagation.plan import RELOAD, TEMPLATE, Plan, name
from _propagation.relay import relayed
from _propagation.sample import Ours, Sample, Sampler
from trimtab.agent_config import RegistryAccess
from trimtab.estate.addressing import PORTS
from trimtab.estate.inventory import Inventory
from trimtab.registry.base import Registry
from trimtab.registry.engines import connect

FILLED_S = 120.0
RELAY_PORT = REGISTRY_PORT + 10
Tell = Callable[[str], None]


@dataclass
class Sitting:
    """found: the raw data, as it comes."""

    plan: Plan
    run: int
    scratch: Path
    tell: Tell
    site: Inventory
    found: dict[str, Any] = field(default_factory=lambda: {"samples": [], "seconds": {}})

    @asynccontextmanager
    async def part(self, what: str) -> AsyncIterator[None]:
        began, load = time.monotonic(), os.getloadavg()[0]
        yield
        seconds = time.monotonic() - began
        self.found["seconds"][what] = round(seconds, 1)
        self.tell(f"run {self.run}: {what} took {seconds:.0f} s (load {load:.1f})")

    def keep(self, samples: Sequence[Sample]) -> None:
        self.found["samples"] += [each.as_json() for each in samples]


async def sit(plan: Plan, run: int, scratch: Path, tell: Tell) -> dict[str, Any]:
    """Raises BenchFailed, and TrimtabError."""
    network()
    sitting = Sitting(plan, run, scratch, tell, inventory(plan))
    sitting.found["load_average"] = [round(each, 2) for each in os.getloadavg()]
    hosts = [proxy(host, scratch) for host in sitting.site.front("one")]
    async with endpoints(scratch, plan.address(0, 1)):
        for peer, measure in ((TEMPLATE, _template), (RELOAD, _reload)):
            if peer in plan.parts:
                async with sitting.part(peer):
                    await measure(sitting, hosts[0])
        if set(plan.parts) - {TEMPLATE, RELOAD}:
            await _with_registry(sitting, hosts)
    sitting.found["load_average_after"] = [round(each, 2) for each in os.getloadavg()]
    return sitting.found


# ---- ours


async def _with_registry(sitting: Sitting, hosts: Sequence[Proxy]) -> None:
    async with registry(sitting.plan, sitting.site, sitting.scratch) as access, AsyncExitStack() as stack:
        near = connect(access)
        stack.push_async_callback(near.close)
        async with sitting.part("registering everybody"):
            for write in seeds(sitting.plan):
                await near.write(write)
        first = await _filled(sitting, stack, hosts[0])
        await _samples(sitting, hosts[0], access, near)
        if "rest" in sitting.plan.parts:
            async with sitting.part("rest"):
                url = f"http://{hosts[0].host.v4}:{PORTS['agent-metrics']}/metrics"
                sitting.found["rest"] = await rest.measure(sitting.plan, first, url)
        if "churn" in sitting.plan.parts:
            await _filled(sitting, stack, hosts[1])
            async with sitting.part("churn"):
                sitting.found["churn"] = await churn.measure(sitting.plan, access, hosts, sitting.run)


async def _samples(sitting: Sitting, host: Proxy, access: RegistryAccess, near: Registry) -> None:
    plan = sitting.plan
    sampler = Sampler(plan, host.host.v4, sitting.run)
    ours = Ours(plan, sampler, near)
    if "served" in plan.parts:
        async with sitting.part("served"):
            sitting.keep([await ours.sample() for _ in range(plan.samples)])
            sitting.keep([await ours.sample("beyond", plan.slots + 1) for _ in range(plan.beyond)])
    if "far" in plan.parts:
        async with sitting.part("far"):
            for rtt in plan.far_ms:
                sitting.keep(await _far(plan, ours, access, rtt))
    sampler.close()


async def _filled(sitting: Sitting, stack: AsyncExitStack, host: Proxy) -> Daemon:
    """A proxy that begins empty and its agent, when all are in it."""
    await stack.enter_async_context(haproxy(host, proxy_files(sitting.site, host.host, host.root)))
    found = await stack.enter_async_context(agent(sitting.site, host))
    want = wanted(Lane.all(sitting.plan))

    async def filled() -> bool:
        return not differences(await host.servers(), want)

    seconds = await until(filled, f"the agent has filled {host.host.name}", FILLED_S, [found], every=0.5)
    sitting.found.setdefault("filled_s", []).append(round(seconds, 2))
    return found


async def _far(plan: Plan, ours: Ours, access: RegistryAccess, rtt: float) -> list[Sample]:
    """Registered over a path that takes so long."""
    address = access.endpoints[0].removeprefix("http://").partition(":")[0]
    async with relayed((address, REGISTRY_PORT), RELAY_PORT, rtt):
        far = connect(RegistryAccess(plan.registry, (f"http://{address}:{RELAY_PORT}",), access.prefix))
        try:
            await far.grant(10)  # so that the connection is there
            return [await ours.sample("far", registrar=far, rtt_ms=rtt) for _ in range(plan.far_samples)]
        finally:
            await far.close()


# ---- the peers


async def _template(sitting: Sitting, host: Proxy) -> None:
    """Registration is a change of the DNS server's table; true when the server says so."""
    plan, members = sitting.plan, peers.all_members(sitting.plan)
    files = peers.template(proxy_files(sitting.site, host.host, host.root), plan)
    async with await Child.start("dns", peers.DNS_PORT) as dns, haproxy_after(dns, members, host, files):
        sampler = Sampler(plan, host.host.v4, sitting.run)
        for _ in range(plan.peer_samples):
            pool, address = sampler.next()
            there = [*members[name(pool)].values()]
            change = partial(_say, dns, name(pool), [*there, address])
            sitting.keep([await sampler.timed(TEMPLATE, pool, address, change)])
            await _say(dns, name(pool), there)
            await sampler.rest()
        sampler.close()
        sitting.found["dns"] = await dns.end()


@asynccontextmanager
async def haproxy_after(
    dns: Child, members: Mapping[str, peers.Members], host: Proxy, files: Files
) -> AsyncIterator[None]:
    """HAProxy when it has found everybody."""
    for pool, each in members.items():
        await _say(dns, pool, [*each.values()])
    count = sum(map(len, members.values()))

    async def found() -> bool:
        return sum(row.backend in members and not row.maint for row in await host.servers()) == count

    async with haproxy(host, files) as daemon:
        await until(found, "HAProxy has resolved every name", FILLED_S, [daemon], every=0.2)
        yield


async def _say(dns: Child, pool: str, addresses: Sequence[str]) -> None:
    await dns.tell(f"{pool}.{peers.ZONE} {' '.join(addresses)}\n")
    await dns.line(2.0)


async def _reload(sitting: Sitting, host: Proxy) -> None:
    """Registration is a changed file and a reload, without the check of the file that should come before it."""
    plan, members = sitting.plan, peers.all_members(sitting.plan)
    ours = proxy_files(sitting.site, host.host, host.root)
    async with haproxy(host, peers.static(ours, members)) as daemon:
        sampler = Sampler(plan, host.host.v4, sitting.run)
        for _ in range(plan.peer_samples):
            pool, address = sampler.next()
            more = {**members[name(pool)], plan.members + 1: address}
            text = peers.static(ours, {**members, name(pool): more}).pools
            sitting.keep([await sampler.timed(RELOAD, pool, address, partial(_replace, host, text, daemon))])
            await master_answers(host, daemon)
            await sampler.rest()
        sampler.close()


async def _replace(host: Proxy, text: str, daemon: Daemon) -> None:
    path = host.root / "run/pools.cfg"
    beside = path.with_suffix(".new")
    beside.write_text(text)
    beside.replace(path)
    daemon.signal(signal.SIGUSR2)
