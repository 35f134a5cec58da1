"""Trimtab's own agent."""
