"""What nbfab says on Windows itself, where half of what it imports is missing: fcntl, pwd, termios, SIGHUP."""

import sys

MESSAGE = """\
nbfab: Windows itself is not supported: use WSL, which is Linux inside Windows, and install nbfab there
  fix          wsl --install"""


def refuse() -> None:
    """Ends the program if this is Windows, before anything is imported that is not there."""
    if sys.platform == "win32":
        print(MESSAGE, file=sys.stderr)
        raise SystemExit(2)
