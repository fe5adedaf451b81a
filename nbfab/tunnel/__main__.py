"""Runs the near end; its spec is on standard input."""

import sys

from nbfab.tunnel.run import main

sys.exit(main(sys.stdin.read()))
