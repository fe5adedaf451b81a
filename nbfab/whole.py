"""Files that are written whole: a reader has the old or the new, and never half of either."""

import contextlib
import os
import tempfile
from pathlib import Path


def write_whole(file: Path, text: str, *, mode: int = 0o600, durable: bool = False) -> None:
    """Writes a file beside its place and then over it, so that no link is followed.

    It is for its owner alone, unless `mode` says otherwise; a `durable` one outlives a loss of power. Raises OSError.
    """
    number, new = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)
    try:
        with open(number, "w", encoding="utf-8", errors="surrogateescape", newline="") as stream:
            stream.write(text)
            stream.flush()
            os.fchmod(number, mode)
            if durable:
                os.fsync(number)
        os.replace(new, file)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(new)
        raise
