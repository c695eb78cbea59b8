"""`python -m livelens.server`: the same as `livelens serve`."""

import sys

from livelens.cli import main

if __name__ == "__main__":
    sys.argv[1:1] = ["serve"]
    main()
