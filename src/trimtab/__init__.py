"""Trimtab: one file describes an estate of load balancers; this package checks, renders, runs and proves it."""
