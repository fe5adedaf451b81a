"""How long `--list` takes, against `fab --version`: python benchmarks/startup.py. The goal is a ratio of 1.3."""

import os
import sys
from pathlib import Path

from pairs import compare, table

BIN = Path(sys.executable).parent
COMMANDS = {
    "fab --version": [f"{BIN}/fab", "--version"],
    "inv --list": [f"{BIN}/inv", "--list"],
    "fab --list": [f"{BIN}/fab", "--list"],
    "nbfab --list": [f"{BIN}/nbfab", "--list"],
}

if __name__ == "__main__":
    print(table(compare(COMMANDS, 10, env=dict(os.environ), cwd=str(Path(__file__).parents[1])), "fab --version"))
