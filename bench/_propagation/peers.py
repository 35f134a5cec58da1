"""The two other ways for an endpoint to come into HAProxy, as configurations made from our rendered ones. Pure.

Both keep our front end, balancing, checks and retries. They have no second backend for panic and no floors, and
`reload` has the servers that there are and no places in store.

Source: HAProxy 2.6 Configuration Manual, sections 4.2 (server-template) and 5.3 (resolvers).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from _propagation.estate import Edit, Files, edited
from _propagation.plan import PORT, Plan, name

DNS_PORT = 5353
ZONE = "pools.bench.example"
Members = Mapping[int, str]  # number → address

# As fast as it is advised anywhere: an answer is good for one second, and each second it is asked for again.
RESOLVERS = f"""
resolvers site
    nameserver dns 127.0.0.1:{DNS_PORT}
    accepted_payload_size 8192
    resolve_retries 3
    timeout resolve 1s
    timeout retry 1s
    hold valid 1s
"""
_WITHOUT_PANIC = (
    Edit(r"    http-request set-var\(txn\.(?:floor|panic)\) .*", "", "no second backend"),
    Edit(r"    http-request set-header X-Trimtab-Once .*", "", "no second stage"),
    Edit(r"    use_backend inner\.once .*", "", "no second stage"),
    Edit(r"    use_backend %\[var\(txn\.pool\)\].*", "    use_backend %[var(txn.pool)]", "no second backend"),
)


def template(ours: Files, plan: Plan) -> Files:
    """`server-template`: as many places as ours, filled by name resolution."""

    def servers(pool: str) -> Sequence[str]:
        host = f"{pool}.{ZONE}:{PORT}"
        return [
            f"    server-template m {plan.slots} {host} tcp-ut 300ms resolvers site resolve-prefer ipv4 init-addr none"
        ]

    return Files(_front(ours), RESOLVERS + _pools(ours.pools, servers), ours.routes)


def static(ours: Files, members: Mapping[str, Members]) -> Files:
    """`reload`: the file has every server. members: by pool."""

    def servers(pool: str) -> Sequence[str]:
        return [
            f"    server m{number} {address}:{PORT} id {number} tcp-ut 300ms"
            for number, address in members[pool].items()
        ]

    return Files(_front(ours), _pools(ours.pools, servers), ours.routes)


def all_members(plan: Plan) -> dict[str, dict[int, str]]:
    return {
        name(pool): {number: plan.address(pool, number) for number in range(1, plan.members + 1)}
        for pool in range(plan.pools)
    }


def _front(ours: Files) -> str:
    return edited(ours.main, _WITHOUT_PANIC)


def _pools(rendered: str, servers: Callable[[str], Sequence[str]]) -> str:
    """Every backend but those for panic, with other servers."""
    found: list[str] = []
    for block in rendered.split("\n\n"):
        first, *lines = block.strip("\n").split("\n")
        if not first.startswith("backend "):
            continue
        kept = [line for line in lines if not line.startswith("    server ")]
        found += ["", first, *kept, *servers(first.split()[1])]
    return "\n".join(found) + "\n"
