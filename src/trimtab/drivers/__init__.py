"""Everything that talks to a live daemon: a folder each, `wire.py` encodes and decodes, `client.py` holds the socket."""
