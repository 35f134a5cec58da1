"""The registry of a site: one protocol over several engines, and its records."""
