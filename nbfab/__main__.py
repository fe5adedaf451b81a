"""`python -m nbfab`: as the command `nbfab`."""

import os
import sys

# Python has put the current folder first, so a file there could take the place of any module that is imported before
# this: here, only those that Python itself has loaded. If nbfab itself is found there, as in a clone, the folder goes
# last.
if sys.path and sys.path[0] in ("", os.getcwd()):
    here = sys.path.pop(0)
    if os.path.dirname(os.path.dirname(os.path.realpath(__file__))) == os.getcwd():
        sys.path.append(here)

from nbfab.cli.start import main

main()
