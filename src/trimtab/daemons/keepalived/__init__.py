"""keepalived."""
