"""A cell that counts, and a page that shows its output and connects again as JupyterLab does."""

import contextlib
import json
import random
import re
import secrets
import sys
import threading
import time
from dataclasses import dataclass, field

import websocket
from laptop import ROOT, Laptop

sys.path.insert(0, str(ROOT / "tests"))

from notebook_client import Notebook

EVERY = 0.05  # seconds between two numbers
TRIES = 7  # JupyterLab's, to connect again; before the n-th it waits for up to 2^n - 1 seconds
CELL = """
import sys, time
for i in range({most}):
    sys.stdout.write(f"{{i}} {{time.time()}}\\n")
    sys.stdout.flush()
    time.sleep({every})
"""


@dataclass
class Counting:
    """What a page has got of a cell's output: of each number when it was printed, and when it arrived here."""

    most: int
    arrived: dict[int, tuple[float, float]] = field(default_factory=dict)
    closes: list[str] = field(default_factory=list)
    given_up: bool = False

    def heal(self, since: float) -> float | None:
        """How long after that time a number arrived that was printed after it."""
        after = [arrived - since for printed, arrived in self.arrived.values() if printed >= since]
        return min(after, default=None)


class Reader(threading.Thread):
    """A page at a port here, which runs the cell."""

    def __init__(self, laptop: Laptop, port: int, most: int) -> None:
        super().__init__(daemon=True)
        self.counting = Counting(most)
        self._notebook = Notebook(port, laptop.profile, laptop.password)
        self._kernel = str(self._notebook.post("/api/kernels", {})["id"])
        self._session = secrets.token_hex(8)
        self._socket = self._connect()
        self._text = ""
        self._ended = threading.Event()

    def begin(self) -> None:
        """Runs the cell, and reads from now on."""
        header = {"msg_id": secrets.token_hex(8), "msg_type": "execute_request", "session": self._session}
        content = {"code": CELL.format(most=self.counting.most, every=EVERY), "silent": False, "store_history": False}
        empty = {"parent_header": {}, "metadata": {}, "channel": "shell"}
        self._socket.send(json.dumps({"header": header | {"username": "x"}, "content": content, **empty}))
        self.start()

    def end(self) -> None:
        """Reads no more."""
        self._ended.set()
        self.join(90)
        with contextlib.suppress(OSError, websocket.WebSocketException):
            self._socket.close()

    def run(self) -> None:
        """Reads, and connects again."""
        while not self._ended.is_set() and len(self.counting.arrived) < self.counting.most:
            try:
                self._take(self._socket.recv())
            except websocket.WebSocketTimeoutException:
                continue
            except (OSError, websocket.WebSocketException, ValueError) as error:
                self.counting.closes.append(f"{time.strftime('%X')} {error!r}")
                if not self._again():
                    self.counting.given_up = not self._ended.is_set()
                    return

    def _again(self) -> bool:
        for number in range(TRIES):
            if self._ended.wait(random.uniform(0, 2**number - 1)):
                return False
            with contextlib.suppress(OSError, websocket.WebSocketException):
                self._socket = self._connect()
                return True
        return False

    def _connect(self) -> websocket.WebSocket:
        origin = self._notebook.base.replace("https", "wss")
        made = websocket.create_connection(
            f"{origin}/api/kernels/{self._kernel}/channels?session_id={self._session}",
            timeout=60,
            cookie="; ".join(f"{cookie.name}={cookie.value}" for cookie in self._notebook.cookies),
            sslopt={"ca_certs": str(self._notebook.folder / "nbserver.pem")},
            http_no_proxy=["127.0.0.1"],
        )
        made.settimeout(1)
        return made

    def _take(self, data: str | bytes) -> None:
        message = json.loads(data)
        if message["msg_type"] == "stream":
            now = time.time()
            self._text += message["content"]["text"]
            *lines, self._text = self._text.split("\n")
            for line in lines:
                if found := re.fullmatch(r"(\d+) (\d+\.\d+)", line):
                    self.counting.arrived.setdefault(int(found[1]), (float(found[2]), now))
