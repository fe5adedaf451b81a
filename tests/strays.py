"""Jupyter servers that a person has started without nbfab."""

import json
import os
import re
import signal
import subprocess
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from machine import BIN
from processes import lives, sockets_of
from pythons import DEBIAN
from sshd import free_port, wait_until

TOKEN = "canary-of-a-stray-token"
OPEN = ("--ServerApp.token=", "--ServerApp.password=", "--ServerApp.disable_check_xsrf=True")
OPEN_6 = ("--NotebookApp.token=", "--NotebookApp.password=", "--NotebookApp.disable_check_xsrf=True")
_PORT = re.compile(r"is running at[\s\S]{0,100}?https?://[^/\s]+:([0-9]+)/")
_MAKES = ("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost")


@dataclass
class Stray:
    """One that runs: its process, its port, the home folder that it has."""

    pid: int
    port: int
    home: Path

    @property
    def note(self) -> Path:
        """Its runtime file."""
        (path,) = (self.home / ".local/share/jupyter/runtime").glob(f"*server-{self.pid}.json")
        return path

    def status(self) -> Any:
        """What it answers for its status, by its token."""
        known = json.loads(self.note.read_text())
        url = f"http://127.0.0.1:{self.port}{known['base_url']}api/status"
        return _asked(urllib.request.Request(url, headers={"Authorization": f"token {known['token']}"}))

    def post(self, path: str) -> Any:
        """What an open server answers to a request that makes something."""
        url = f"http://127.0.0.1:{self.port}{path}"
        return _asked(urllib.request.Request(url, b"{}", {"Content-Type": "application/json"}))


def _asked(request: urllib.request.Request) -> Any:
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=60) as answer:
        return json.load(answer)


@contextmanager
def stray(
    home: Path, *options: str, program: str = "jupyter-server", env: Mapping[str, str] | None = None, tls: bool = False
) -> Iterator[Stray]:
    """Starts one, at a free port of loopback unless `options` say more; with `program` "notebook 6" it is Debian's."""
    port = free_port()
    classic = program == "notebook 6"
    words = [DEBIAN, "-m", "notebook"] if classic else [str(BIN / program)]
    options = (f"--port={port}", "--no-browser", "--allow-root", *options)
    home.mkdir(exist_ok=True)
    if tls:
        key, certificate = home / "key.pem", home / "cert.pem"
        subprocess.run(
            [*_MAKES, "-keyout", key, "-out", certificate],
            check=True,
            capture_output=True,
        )
        options = (*options, f"--certfile={certificate}", f"--keyfile={key}")
    log = home / "stray.log"
    variables = {"HOME": str(home), "PATH": os.environ["PATH"], "LANG": "C.UTF-8", **(env or {})}
    with log.open("wb") as out:
        process = subprocess.Popen(
            [*words, *options], stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd=home, env=variables
        )
    try:
        wait_until(lambda: _PORT.search(log.read_text()) or process.poll() is not None, f"a start; see {log}", 90)
        at = _PORT.search(log.read_text())
        assert process.poll() is None, log.read_text()
        assert at
        port = int(at[1])  # another one, if that was taken meanwhile
        wait_until(lambda: port in sockets_of([process.pid])[0], "it to listen, which comes after it says so")
        yield Stray(process.pid, port, home)
    finally:
        if process.poll() is None and lives(process.pid):
            process.send_signal(signal.SIGCONT)
            process.terminate()
        process.wait(60)
