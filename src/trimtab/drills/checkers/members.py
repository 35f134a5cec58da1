"""What the registry and the agents did to the proxies' members, daemons and shares, as the probes saw it."""

from __future__ import annotations

from collections.abc import Iterator

from trimtab.drills.checkers.conduct import Conduct, Doubts, Seen

POINTS = 1.0  # percentage points between the share that was asked for and the one that was counted
ENOUGH = (20_000, 6_000)  # requests of the first count, and of the one after everything was renewed


class MembersConduct(Conduct):
    """stays: every proxy has the same members with the same weights before, during and after.

    catch-up: the same until the repair, and afterwards what was registered meanwhile. Unknown where a proxy does not
    tell weights (nginx: its probe is the file as a whole), or has no pool by the name that was registered under.
    """

    name = "members"
    probe = "members"

    def wrongs(
        self, wanted: str, before: Seen, during: Seen, after: Seen, told: Seen, doubts: Doubts
    ) -> Iterator[str]:
        for proxy in before:
            if any(not seen.get(proxy) for seen in (before, during, after)):
                doubts.append(f"{proxy} did not say who its members are")
                continue
            yield from _same(proxy, "during the fault", before[proxy], during[proxy])
            if wanted == "stays":
                yield from _same(proxy, "after it", before[proxy], after[proxy])
        if wanted == "catch-up":
            yield from self._caught_up(before, after, told, doubts)

    def _caught_up(self, before: Seen, after: Seen, told: Seen, doubts: Doubts) -> Iterator[str]:
        weights = told.get("weights", {})
        if not weights:
            doubts.append("nothing was registered while the registries were away")
        for pool, weight in weights.items():
            for proxy, pools in after.items():
                if pools is None:
                    continue
                if pool not in pools and pool not in (before.get(proxy) or {}):
                    doubts.append(f"{proxy} tells no weights of a pool {pool}, under which was registered")
                elif weight not in pools.get(pool, {}).values():
                    yield f"{proxy}: no member of {pool} has the weight {weight} that {told['member']} registered"


def _same(proxy: str, when: str, before: Seen, then: Seen) -> Iterator[str]:
    for pool in sorted({*before, *then}):
        if before.get(pool, {}) != then.get(pool, {}):
            yield f"{proxy}: {pool} had {before.get(pool, {})} before the fault and {then.get(pool, {})} {when}"


class HealingConduct(Conduct):
    """escalates: the agent calls the daemon's trouble by its name while it lasts, and says that it is over."""

    name = "healing"
    probe = "healing"

    def wrongs(
        self, wanted: str, before: Seen, during: Seen, after: Seen, told: Seen, doubts: Doubts
    ) -> Iterator[str]:
        node, unit = told.get("node", ""), told.get("unit", "")
        looks = [seen.get(node) for seen in (before, during, after)]
        if any(not seen for seen in looks):
            doubts.append(f"the agent of {node or 'the host'} said nothing: {looks}")
            return
        first, then, last = (seen.get(unit, "nothing") for seen in looks if seen)
        if "escalated" not in then:
            yield f"{node}: after {told.get('deaths')} deaths of {unit} the agent says `{then}`"
        if "escalated" in first or "escalated" in last:
            yield f"{node}: the agent says `{first}` of {unit} before the fault and `{last}` after it"


class VersionsConduct(Conduct):
    """renewed: every backend answers with the new version, after the fault as well."""

    name = "versions"
    probe = "versions"

    def wrongs(
        self, wanted: str, before: Seen, during: Seen, after: Seen, told: Seen, doubts: Doubts
    ) -> Iterator[str]:
        for host, old in before.items():
            new, last = during.get(host), after.get(host)
            if old is None or new is None or last is None:
                doubts.append(f"{host} did not say which version it is: {old}, {new}, {last}")
            elif old == new or new != last:
                yield f"{host}: {old} before the deployment, {new} after it, {last} at the end"
            if told.get(host, {}).get("left"):
                yield f"{host}: {told[host]['left']} requests were cut off by the stop"
        if set(told) != set(before):
            doubts.append(f"deployed were {', '.join(told) or 'none'}")


class ShareConduct(Conduct):
    """asked: what was counted is within a percentage point of the share that was asked for, each time."""

    name = "share"
    probe = "members"

    def wrongs(
        self, wanted: str, before: Seen, during: Seen, after: Seen, told: Seen, doubts: Doubts
    ) -> Iterator[str]:
        for counted, enough in zip(told.get("counts", ()), ENOUGH, strict=False):
            if counted["requests"] < enough:
                doubts.append(f"{counted['requests']} requests were counted, {enough} are wanted")
            measured = counted["pools"].get(told["pool"], 0.0)
            if abs(measured - told["asked_percent"]) > POINTS:
                yield f"{told['pool']} got {measured} % of {counted['requests']}, asked were {told['asked_percent']} %"
        if not told.get("counts"):
            doubts.append("nothing was counted")
        for proxy, taken in told.get("renewed", {}).items():
            if not taken:
                doubts.append(f"{proxy} was not renewed between the two counts")
