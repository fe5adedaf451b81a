"""Runs in a kernel, as part of its IPython profile: keeps its debugger off, or makes it listen on no TCP port.

As ipykernel starts it, debugpy listens on loopback, where any local user may attach and run code as the owner. Here it
has a unix socket beside the kernel's others, in a folder for their owner only, and needs no process of its own.
"""

from __future__ import annotations

import contextlib
import os
import socket
import stat
from typing import Any

# What a client may ask without a debugger: it starts none.
HARMLESS = ("debugInfo", "inspectVariables", "modules", "richInspectVariables")


class Listener(socket.socket):
    """A unix socket that tells its path as a host, where debugpy wants a host and a port."""

    def getsockname(self) -> Any:
        return super().getsockname(), 0


def guard_debugger(allowed: bool) -> None:
    """Puts that in front of the kernel's own answers to a debugger's requests."""
    from ipykernel.ipkernel import IPythonKernel

    if not hasattr(IPythonKernel, "do_debug_request"):  # before ipykernel 6
        return
    stock = IPythonKernel.do_debug_request

    async def do_debug_request(kernel: Any, message: Any) -> Any:
        reason = "" if message["command"] in HARMLESS else why_not(kernel, allowed)
        if not reason:
            return await stock(kernel, message)  # type: ignore[no-untyped-call]
        answer = {"type": "response", "command": message["command"], "request_seq": message["seq"]}
        return {**answer, "success": False, "message": reason}

    IPythonKernel.do_debug_request = do_debug_request  # type: ignore[method-assign]


def why_not(kernel: Any, allowed: bool) -> str:
    """Why the debugger does not start; if it may, it will do so on a unix socket, and this is empty."""
    from ipykernel import compiler

    app: Any = kernel.parent
    client: Any = getattr(getattr(kernel, "debugger", None), "debugpy_client", None)
    folder: str = compiler.get_tmp_directory()  # type: ignore[no-untyped-call]
    if not allowed:
        return "the debugger is off here; `nbfab setup --debugger` turns it on"
    if app.transport != "ipc" or not (hasattr(client, "get_host_port") and hasattr(client, "_get_endpoint")):
        return "the debugger of this kernel would listen on a TCP port, where other users could attach"
    if not is_private(folder):
        return f"{folder}, where the debugger puts the code of cells, is another user's"
    path = f"{app.ip}-6"  # the kernel's own end in 1 to 5
    client.get_host_port = lambda: (path, "0")
    client._get_endpoint = lambda: f"ipc://{path}"
    listen_on_paths()
    return ""


def is_private(folder: str) -> bool:
    """Makes a folder, and tells whether only this user may enter what is there now."""
    with contextlib.suppress(FileExistsError):
        os.mkdir(folder, 0o700)
    found = os.lstat(folder)
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & 0o077


def listen_on_paths() -> None:
    """Teaches debugpy that a host which is a path is a unix socket; what the user's own code asks for is as ever."""
    import debugpy.server.api  # which makes pydevd importable
    import pydevd  # type: ignore[import-not-found]

    listen, create = debugpy.listen, pydevd.create_server_socket
    if hasattr(listen, "on_paths"):
        return

    def on_paths(address: Any, **options: Any) -> Any:
        if not isinstance(address, tuple) or not str(address[0]).startswith("/"):
            return listen(address, **options)
        listen(address, in_process_debug_adapter=True)
        pydevd.get_global_debugger().wait_for_server_socket_ready()
        return address

    def create_on_paths(host: Any, port: Any) -> Any:
        if not str(host).startswith("/"):
            return create(host=host, port=port)
        if os.path.lexists(host):  # of an earlier process: the kernel was restarted
            os.unlink(host)
        made = Listener(socket.AF_UNIX)
        made.bind(host)
        return made

    on_paths.on_paths = True  # type: ignore[attr-defined]
    debugpy.listen, pydevd.create_server_socket = on_paths, create_on_paths
