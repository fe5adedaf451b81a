"""Forward: a port on a host's loopback whose connections come to this process, as `ssh -R` has it."""

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from typing import Any

import paramiko

from nbfab.errors import CannotLend
from nbfab.ssh import process
from nbfab.ssh.mux import client

ANSWER = 30.0  # seconds for the host's answer to the request
_LOOPBACK = "127.0.0.1"
_LONGEST = 80  # bytes of a path of a socket's folder (unix(7))
_OFF = "its sshd forwards no port to it (AllowTcpForwarding, DisableForwarding, PermitListen)"

Accept = Callable[[Any], None]


@contextlib.contextmanager
def over_paramiko(transport: paramiko.Transport, accept: Accept) -> Iterator[int]:
    """Such a port over a connection of paramiko's; `accept` gets each channel, in paramiko's own thread.

    Raises CannotLend.
    """
    # paramiko waits without end for the answer.
    late = threading.Timer(ANSWER, transport.close)
    late.daemon = True
    late.start()
    try:
        port = transport.request_port_forward(_LOOPBACK, 0, lambda channel, origin, server: accept(channel))
    except (paramiko.SSHException, EOFError, OSError):
        raise CannotLend(_OFF if transport.is_active() else "the connection was cut") from None
    finally:
        late.cancel()
    try:
        yield port
    finally:
        late = threading.Timer(ANSWER, transport.close)
        late.daemon = True
        late.start()
        with contextlib.suppress(paramiko.SSHException, EOFError, OSError):
            transport.cancel_port_forward(_LOOPBACK, port)
        late.cancel()


@contextlib.contextmanager
def over_socket(control: str, name: str, accept: Accept) -> Iterator[int]:
    """Such a port over the connection behind a ControlMaster socket; `accept` gets each socket. Raises CannotLend."""
    folder = tempfile.mkdtemp(prefix="nbfab-")
    if len(os.fsencode(folder)) > _LONGEST:
        os.rmdir(folder)
        folder = tempfile.mkdtemp(prefix="nbfab-", dir="/tmp")  # made for us alone
    path = os.path.join(folder, "s")
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
            listener.bind(path)
            listener.listen(128)
            threading.Thread(target=_take, args=(listener, accept), daemon=True).start()
            where = ("-R", f"{_LOOPBACK}:0:{path}", "--", name)
            printed = _ask(client(control, "-O", "forward", *where, level="ERROR"))
            try:
                if not printed.isdigit():
                    raise CannotLend(_OFF)
                yield int(printed)
            finally:
                _ask(client(control, "-O", "cancel", *where))
                with contextlib.suppress(OSError):
                    listener.shutdown(socket.SHUT_RDWR)  # which ends the thread
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _take(listener: socket.socket, accept: Accept) -> None:
    with contextlib.suppress(OSError):  # once it is closed
        while True:
            accept(listener.accept()[0])


def _ask(command: Any) -> str:
    """What the process that holds the connection prints when another `ssh` asks it."""
    asked = process.start(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        printed, _ = asked.communicate(timeout=ANSWER)
    except subprocess.TimeoutExpired:
        return ""
    finally:
        if asked.poll() is None:
            process.end(asked)
    return str(printed.decode(errors="replace").strip())
