"""`python -m trimtab.control`."""

from __future__ import annotations

import sys

from trimtab.control.main import main

sys.exit(main())
