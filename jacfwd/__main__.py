"""`python -m jacfwd`."""

import sys

from jacfwd.cli import main

sys.exit(main())
