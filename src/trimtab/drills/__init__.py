"""Faults under load, claims about what clients saw, and the proof of them. It may import all but `cli`; it looks
at a twin only through `scene.LabLike`.
"""
