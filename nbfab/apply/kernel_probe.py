"""Runs on the host, in an environment that was just made: starts a kernel from it, and ends that once it answers.

Prints what went wrong, and then exits with 1. Works with Python 3.8 and later, and jupyter_client 6 and later.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time

from jupyter_client.blocking import BlockingKernelClient
from jupyter_client.connect import write_connection_file

SECONDS = 120  # until it answers: its files may come from a network, and be compiled
AT_ONCE = 5  # seconds of waiting, after which it is seen whether it still runs

folder = tempfile.mkdtemp(prefix="nbfab", dir="/tmp" if os.path.isdir("/tmp") else None)  # noqa: S108
file, _ = write_connection_file(os.path.join(folder, "kernel.json"), transport="ipc", ip=os.path.join(folder, "ipc"))
environment = dict(os.environ, IPYTHONDIR=folder, JUPYTER_DATA_DIR=folder, MPLCONFIGDIR=folder)
with open(os.path.join(folder, "log"), "w+b") as log:
    kernel = subprocess.Popen(
        [sys.executable, "-B", "-m", "ipykernel_launcher", "-f", file],
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        env=environment,
        cwd=folder,
    )
    client = BlockingKernelClient(connection_file=file)
    client.load_connection_file()
    client.start_channels()
    end, why = time.monotonic() + SECONDS, "it has not been tried"
    try:
        while why:
            try:
                client.wait_for_ready(timeout=AT_ONCE)
                why = ""
            except RuntimeError as error:
                # The client takes it for dead after a second without a heartbeat, as a busy host may have it.
                if kernel.poll() is None and time.monotonic() < end:
                    continue
                log.seek(0)
                why = log.read().decode(errors="replace").strip() or str(error)
                break
    finally:
        client.stop_channels()
        kernel.kill()
        kernel.wait()
shutil.rmtree(folder, ignore_errors=True)
print(why)
sys.exit(bool(why))
