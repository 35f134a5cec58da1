"""curl: a client."""
