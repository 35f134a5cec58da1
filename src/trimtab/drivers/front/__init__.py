"""A site's front door, asked from outside as a client would: `ask` and `icmp` put the question, `judge` says what came of it."""

from trimtab.drivers.front.ask import https, tcp
from trimtab.drivers.front.icmp import ping
from trimtab.drivers.front.judge import PROBES, Answer, Probe, answered_by, judge

__all__ = ["PROBES", "Answer", "Probe", "answered_by", "https", "judge", "ping", "tcp"]
