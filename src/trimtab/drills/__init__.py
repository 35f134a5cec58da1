"""Faults under load, claims about what clients saw, and the proof of them."""
