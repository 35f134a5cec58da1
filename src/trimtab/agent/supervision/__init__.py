"""When a daemon of this host is restarted, and when no longer: see README.md."""
