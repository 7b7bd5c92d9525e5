"""`python -m netwright`: the same as the command `netwright`."""

import sys

from netwright.cli import main

if __name__ == "__main__":  # worker processes import this module again
    sys.exit(main())
