"""Decisions and transactions of stores that agents and commands share: pure but for the store."""
