"""BIRD."""
