"""Signals that reach a server."""

from collections.abc import Callable

from notebook_servers import FIRST, Browser, Server

# The system's own moment, made sure: SIGTERM comes while the line that tells of a login is being written.
WHILE_IT_WRITES = """
import io, logging, os, signal

class Log(io.RawIOBase):
    came = False

    def writable(self):
        return True

    def write(self, data):
        if b"POST /login" in bytes(data) and not self.came:
            self.came = True
            os.kill(os.getpid(), signal.SIGTERM)
        return os.write(2, data)

sys.stderr = io.TextIOWrapper(io.BufferedWriter(Log()), line_buffering=True)
for name in ("NotebookApp", "ServerApp"):
    for handler in logging.getLogger(name).handlers:
        handler.stream = sys.stderr
"""


def test_a_server_ends_also_while_it_writes_to_its_log(own: Callable[..., Server]) -> None:
    server = own(more=WHILE_IT_WRITES)
    assert Browser(server).log_in(FIRST).status == 302
    server.process.wait(30)
