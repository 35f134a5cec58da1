"""Whether agents of two releases ran beside each other, and operators' work went on meanwhile."""

from __future__ import annotations

from collections.abc import Iterator

from trimtab.drills.checkers.conduct import Conduct, Doubts, Seen


class AgentsConduct(Conduct):
    """side-by-side: every agent was of the older release before the fault, at each site some of both after it, all of ours
    at the end; all that operators did in between was done.
    """

    name = "agents"
    probe = "agents"

    def wrongs(
        self, wanted: str, before: Seen, during: Seen, after: Seen, told: Seen, doubts: Doubts
    ) -> Iterator[str]:
        if not told.get("work"):
            doubts.append("nobody worked while agents of both releases ran")
        for what, ended in (told.get("work") or {}).items():
            if ended != "done":
                yield f"{what}: {ended}"
        for site, hosts in before.items():
            doubts += [
                f"{host}: its agent was not of the older release at first"
                for host, each in hosts.items()
                if each != "older"
            ]
            then = during.get(site, {})
            if len(hosts) > 1 and set(then.values()) != {"older", "ours"}:
                doubts.append(f"{site}: agents of both releases were wanted, there were {then}")
            for host in hosts:
                if (last := after.get(site, {}).get(host)) != "ours":
                    yield f"{host}: its agent is {last or 'away'} at the end, and not of this release"
