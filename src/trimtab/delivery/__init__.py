"""From rendered files to hosts: build, validation by the real daemons, and what production takes from its secret store."""
