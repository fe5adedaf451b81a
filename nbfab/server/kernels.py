"""Kernels: they talk through unix sockets in a folder that only their own user may enter.

Jupyter's default is TCP on loopback, where every local user can read all that a kernel publishes: its key signs, and
does not hide.
"""

from __future__ import annotations

import glob
import os
import re
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from . import folders

# What can do without TCP, by trial: ipykernel, what is built on it, and others that speak ZeroMQ as it does.
KNOWN = (
    *("ipykernel", "ipykernel_launcher", "ipython kernel", "IPython kernel"),
    *("IRkernel", "async-kernel", "bash_kernel", "calysto_bash", "calysto_scheme", "gnuplot_kernel"),
    *("jupyter_c_kernel", "octave_kernel", "postgres_kernel", "powershell_kernel", "zsh_jupyter_kernel"),
)
# As a word of the command, which may be a wrapper's: a program, a module or one in it, or what R is to evaluate.
_KNOWN = re.compile(rf"(?:^|[\s'\"=/])(?:{'|'.join(KNOWN)})(?:\.\w+)*(?:$|[\s'\":;])")


def speaks_ipc(argv: Sequence[str], metadata: Mapping[str, Any]) -> bool:
    """Whether a kernel of that specification is known to do without TCP. One that runs elsewhere cannot."""
    provisioner = metadata.get("kernel_provisioner") or {}
    local = provisioner.get("provisioner_name", "local-provisioner") == "local-provisioner"
    return local and _KNOWN.search(" ".join(argv)) is not None


class Private:
    """What is mixed into the server's own class of kernel managers, one of which takes care of one kernel."""

    profile = ""
    connection_file: str
    kernel_name: str
    kernel_spec: Any
    transport: str
    ip: str

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        if speaks_ipc(self.kernel_spec.argv, self.kernel_spec.metadata):
            name, _ = os.path.splitext(os.path.basename(self.connection_file))
            # Looked for each time: what cleans /var/tmp may have removed it.
            self.transport, self.ip = "ipc", f"{folders.find(self.profile)}/{name}-ipc"

    def cleanup_ipc_files(self) -> None:
        """Removes the kernel's sockets, also the debugger's, which Jupyter does not know of."""
        if self.transport == "ipc":
            for path in glob.glob(f"{glob.escape(self.ip)}-*"):
                os.unlink(path)


def on_tcp(manager: Any) -> list[str]:
    """The names of the kernels that use TCP, of those that a server's manager of all kernels has running."""
    running = [manager.get_kernel(kernel) for kernel in manager.list_kernel_ids()]
    return sorted({of.kernel_name for of in running if isinstance(of, Private) and of.transport == "tcp"})


class Kernels(Private):
    """Becomes the server's own class of kernel managers, made private."""


def set_up(c: Any, folder: str, base: type) -> None:
    """Puts that into the server's configuration; `base` is its class. Ends it if there is no fitting folder."""
    global Kernels
    try:
        folders.sweep(folders.find(folder))
    except (folders.NoFolder, OSError) as error:
        sys.exit(f"nbfab: the server is not started: {error}")
    Kernels = type("Kernels", (Private, base), {"profile": folder})  # type: ignore[assignment, misc]
    c.MappingKernelManager.kernel_manager_class = f"{__name__}.Kernels"
    # One that asks a gateway for its kernels has none of its own.
    c.GatewayMappingKernelManager.kernel_manager_class = "jupyter_server.gateway.managers.GatewayKernelManager"
