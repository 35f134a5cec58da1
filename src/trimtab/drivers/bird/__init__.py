"""BIRD 2 over its control socket: `wire` (commands, replies, tables), `client` (socket)."""
