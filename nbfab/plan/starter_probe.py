"""Starts a program of Dask's on the host, once the scheduler listens; a worker that dials too early loses time.

A nanny has multiprocessing start its worker, in a process that imports this file first, as `__mp_main__`.

Usage: starter_probe.py MODULE ADDRESS ARGUMENT...
"""

from __future__ import annotations

import gc
import importlib
import socket
import sys
import time
from types import ModuleType


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


def load(module: str) -> ModuleType:
    """Imports a module of Dask's. To look for garbage meanwhile takes a fifth of the time, and there is none."""
    gc.disable()
    loaded = importlib.import_module(module)
    gc.freeze()
    gc.enable()
    return loaded


if __name__ == "__main__":
    module, address, *sys.argv[1:] = sys.argv[1:]
    main = load(module).main
    wait_for(address)
    main()
elif __name__ == "__mp_main__":
    load("distributed.nanny")
    del __file__  # or each process that a computation starts would import this, too
