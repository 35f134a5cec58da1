from __future__ import annotations

import sys

from trimtab.storefront import main

sys.exit(main())
