"""Starts a program of Dask's on the host, once the scheduler listens; a worker that dials too early loses time.

Usage: scheduler_probe.py MODULE ADDRESS ARGUMENT...
"""

from __future__ import annotations

import gc
import importlib
import socket
import sys
import time


def wait_for(address: str) -> None:
    """Returns once something listens at HOST:PORT; at once for none."""
    host, _, port = address.rpartition(":")
    began = time.monotonic()
    while address:
        try:
            socket.create_connection((host.strip("[]"), int(port)), 5).close()
            return
        except OSError:
            time.sleep(min(0.05 + (time.monotonic() - began) / 50, 2))


if __name__ == "__main__":
    module, address, *sys.argv[1:] = sys.argv[1:]
    gc.disable()  # a tenth of the time that the modules take; none of them is garbage
    main = importlib.import_module(module).main
    gc.freeze()
    gc.enable()
    wait_for(address)
    main()
