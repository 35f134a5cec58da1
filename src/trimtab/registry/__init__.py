"""A site's registry of endpoints: what it holds (`record`), what an engine has to do (`base`), one folder an engine."""
