"""Consul."""
