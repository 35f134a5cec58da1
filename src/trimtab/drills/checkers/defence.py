"""What a site's routers made of routes that are not what they say, and of validators that say nothing."""

from __future__ import annotations

from collections.abc import Iterator

from trimtab.daemons.bird.defence import REASONS
from trimtab.drills.checkers.conduct import Conduct, Doubts, Seen, same_moment


class HijackConduct(Conduct):
    """refused: no router takes what was announced wrongly, each that is told of it says why, and afterwards nothing is left."""

    name = "hijack"
    probe = "defence"

    def wrongs(
        self, wanted: str, before: Seen, during: Seen, after: Seen, told: Seen, doubts: Doubts
    ) -> Iterator[str]:
        prefixes = list(told.get("prefixes", ()))
        if not prefixes:
            doubts.append("nothing was announced wrongly")
        if mute := [name for name in during if not (before[name] and during[name] and after[name])]:
            doubts.append(f"{', '.join(mute)} gave no answer")
        seen = [name for name in during if name not in mute]
        for prefix in prefixes:
            if any(prefix in look[name]["taken"] for look in (before, during, after) for name in seen):
                yield f"{prefix} was taken"
            reasons = {during[name]["refused"].get(prefix) for name in seen} - {None}
            if not reasons:
                doubts.append(f"no router was told of {prefix}")
            elif reasons - {REASONS["ours"], REASONS["invalid"]}:
                yield f"{prefix} was refused for another reason: {sorted(map(str, reasons))}"
            if any(prefix in look[name]["refused"] for look in (before, after) for name in seen):
                yield f"{prefix} is there without anybody who announces it"


class SessionsConduct(Conduct):
    """stay: every session with an upstream is the one that it was before."""

    name = "sessions"
    probe = "defence"

    def wrongs(
        self, wanted: str, before: Seen, during: Seen, after: Seen, told: Seen, doubts: Doubts
    ) -> Iterator[str]:
        for router, first in before.items():
            for when, look in (("during", during[router]), ("after", after[router])):
                if not first or not look:
                    doubts.append(f"{router} gave no answer {when} the fault")
                    continue
                for name, since in first["sessions"].items():
                    now = look["sessions"].get(name, "")
                    if not since:
                        doubts.append(f"{router}: {name} was not up before the fault")
                    elif not same_moment(now, since):
                        yield f"{router}: {name} was up since {since}, {when} the fault {f'since {now}' if now else 'down'}"


class ValidatorsConduct(Conduct):
    """told: while no validator has anything to say the agents say so, and afterwards that all is well again."""

    name = "validators"
    probe = "defence"

    def wrongs(
        self, wanted: str, before: Seen, during: Seen, after: Seen, told: Seen, doubts: Doubts
    ) -> Iterator[str]:
        for router, first in before.items():
            then, at_last = during[router], after[router]
            if not first or not then or not at_last or not first["validators"]:
                doubts.append(f"{router} or its agent gave no answer")
                continue
            for name, figures in first["validators"].items():
                if not (figures["up"] and figures["roas"]):
                    doubts.append(f"{router}: {name} was of no use before the fault")
                now = then["validators"].get(name, figures)
                if now["up"] and now["roas"]:
                    yield f"{router}: its agent says that {name} is well: {now}"
                now = at_last["validators"].get(name, {"up": 0.0, "roas": 0.0})
                if not (now["up"] and now["roas"]):
                    yield f"{router}: its agent still says that {name} is of no use: {now}"
