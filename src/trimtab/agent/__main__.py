"""`python -m trimtab.agent`."""

from __future__ import annotations

import sys

from trimtab.agent.main import main

sys.exit(main())
