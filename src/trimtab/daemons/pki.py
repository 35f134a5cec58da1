"""Where a host's own certificate and the registry's password lie. The host brings them (docs/estate.md); the twin makes
its own. The certificate is for server and client: agents, registry members and etcd's gateway all show it.
"""

from __future__ import annotations

FOLDER = "/etc/trimtab/pki"
CA, CERTIFICATE, KEY = f"{FOLDER}/ca.crt", f"{FOLDER}/host.crt", f"{FOLDER}/host.key"
USER = "agent"
PASSWORD = f"{FOLDER}/registry.password"
ROOT_PASSWORD = f"{FOLDER}/registry-root.password"  # on the registry's own hosts: it sets up the user above
