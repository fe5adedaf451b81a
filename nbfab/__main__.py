"""`python -m nbfab`: as the command `nbfab`."""

import os
import sys
from pathlib import Path

# Python has put the current folder first, so a file there could take the place of any module. If nbfab itself is found
# there, as in a clone, the folder goes last.
if sys.path and sys.path[0] in ("", os.getcwd()):
    here = sys.path.pop(0)
    if Path(__file__).resolve().parents[1] == Path.cwd():
        sys.path.append(here)

from nbfab.cli.program import main

main()
