"""The ways to a server's port: plain ssh -L, in a loop or once; channels of paramiko's; and nbfab's own two."""

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from laptop import ROOT, Laptop, free_port

sys.path.insert(0, str(ROOT))

from nbfab.tunnel.spec import Spec

NEAR = (
    "import sys; sys.path.insert(0, sys.argv[1]); from nbfab.tunnel.run import main; sys.exit(main(sys.stdin.read()))"
)
FORWARD = ("-N", "-T", "-o", "ExitOnForwardFailure=yes", "-o", "ServerAliveInterval=5", "-o", "ServerAliveCountMax=3")
CARRIES = (*FORWARD[:2], "-o", "BatchMode=yes", *FORWARD[4:], "-o", "StreamLocalBindMask=0177")


@dataclass(frozen=True)
class Tunnel:
    """A way to a server: the port that it has here, and the process that makes it."""

    port: int
    pid: int


@contextlib.contextmanager
def _process(command: Sequence[str], laptop: Laptop, out: Path | None = None, spec: str = "") -> Iterator[int]:
    with contextlib.ExitStack() as stack:
        said = stack.enter_context(open(out, "wb")) if out else subprocess.DEVNULL
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=said,
            stderr=said,
            env=laptop.env,
            cwd=laptop.home,
            start_new_session=True,
        )
        assert process.stdin
        process.stdin.write(spec.encode())
        process.stdin.close()
        try:
            yield process.pid
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(10)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def wait_for_port(port: int, seconds: float = 30) -> None:
    """Waits until a port here takes connections."""
    end = time.monotonic() + seconds
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)


@contextlib.contextmanager
def plain(laptop: Laptop, host: str, target: int, *, loop: bool = False) -> Iterator[Tunnel]:
    """What people type; where `loop`, in a loop that starts it again a second after it has ended."""
    port = free_port()
    command = laptop.ssh(*FORWARD, "-L", f"127.0.0.1:{port}:127.0.0.1:{target}", host)
    if loop:
        command = ["sh", "-c", 'while :; do "$@"; sleep 1; done', "sh", *command]
    with _process(command, laptop) as pid:
        wait_for_port(port)
        yield Tunnel(port, pid)


@contextlib.contextmanager
def channels(laptop: Laptop, host: str, target: int) -> Iterator[Tunnel]:
    """Channels of a connection of paramiko's, which is made again when it does not answer (`channels.py`)."""
    port = free_port()
    program = str(Path(__file__).with_name("channels.py"))
    with _process([sys.executable, program, str(laptop.hosts.ssh_config), host, str(port), str(target)], laptop) as pid:
        wait_for_port(port)
        yield Tunnel(port, pid)


@contextlib.contextmanager
def near(laptop: Laptop, host: str, target: str | int) -> Iterator[Tunnel]:
    """nbfab's near end by itself: in front of a relay at the socket `target`, or of a port (`hold`)."""
    relayed = isinstance(target, str)
    place = str(target) if relayed else f"127.0.0.1:{target}"
    port = free_port()
    command = tuple(laptop.ssh(*CARRIES, "--", host))
    spec = Spec(host, "bench", command, place, relayed, ports=(port,), browser=False)
    out = laptop.home / f"near-{port}.log"
    with _process([sys.executable, "-ISB", "-c", NEAR, str(ROOT)], laptop, out, spec.dump()) as pid:
        wait_for_port(port)
        yield Tunnel(port, pid)


@contextlib.contextmanager
def opened(laptop: Laptop, host: str, *args: str) -> Iterator[Tunnel]:
    """`nbfab open`, the whole of it, once it has said where the page is."""
    out = laptop.home / f"open-{host}.log"
    with _process(laptop.nbfab(host, "open", "--no-browser", *args), laptop, out) as pid:
        end = time.monotonic() + 120
        while not (found := re.search(r"https://localhost:(\d+)/ ", out.read_text())):
            if time.monotonic() > end or not Path(f"/proc/{pid}").exists():
                raise RuntimeError(f"open: {out.read_text()}")
            time.sleep(0.01)
        yield Tunnel(int(found[1]), pid)
