"""`python -m dntguard`."""

import sys

from dntguard.cli import main

sys.exit(main())
