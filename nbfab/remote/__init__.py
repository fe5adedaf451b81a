"""What runs on the host: POSIX sh, a few functions a file, and two short Python programs."""

from functools import cache
from importlib import resources


@cache
def source(name: str) -> str:
    """The text of a file of this folder, such as `look.sh`."""
    return (resources.files(__name__) / name).read_text(encoding="utf-8")
