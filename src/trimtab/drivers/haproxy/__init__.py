"""HAProxy over its Runtime API: `wire` (lines and replies), `dumps` (tables), `members` (differences), `client` (socket)."""
