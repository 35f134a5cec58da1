"""Kernel settings."""
