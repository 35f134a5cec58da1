"""The open-loop client of one region: `python -m trimtab.drills.load SPEC.json` inside its clients node.

Open loop: a request starts when it is due, whatever became of earlier ones, so an outage cannot slow its own
measurement down. Light imports only: three of these start beside a running twin.
"""
