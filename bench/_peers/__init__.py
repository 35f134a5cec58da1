"""The configurations that ours is compared with, as edits of the files that the twin runs."""

from __future__ import annotations

from _peers.edit import EditMissed, Peer, apply, comparable, made
from _peers.hand_tuned import HAND_TUNED
from _peers.sources import SOURCES

__all__ = ["PEERS", "EditMissed", "Peer", "apply", "comparable", "made"]

PEERS = {peer.name: peer for peer in (HAND_TUNED, SOURCES)}
