"""The proxy of this host follows the registry: one controller an engine, and the site's addresses."""
