"""A disk that is full."""

import errno
import io


def fill(file: io.RawIOBase | io.FileIO) -> None:
    """Writes until the disk is full."""
    try:
        while True:
            file.write(b"x" * 4096)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
