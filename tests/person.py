"""A person who reaches a host over SSH, and opens its pages in browsers on a machine of their own."""

import os
import sys
from pathlib import Path

import venvs
from machine import BIN, Machine
from sshd import Sshd
from system import System, environment

HOST = "gpu1.lab.test"
OTHER = "gpu1.other.test"  # a name that ssh_config may make of it


class Person(Machine):
    """Someone with browsers, on a machine of their own, and a host that they reach over SSH."""

    def __init__(self, folder: Path, sshd: Sshd) -> None:
        super().__init__(folder, sshd, "nbfab")
        sshd.write_config(name=HOST)
        self.system = System(folder / "system", [HOST, OTHER])
        self.mine = folder / "home"
        self.env |= environment(self.mine, PATH=f"{BIN}:{os.environ['PATH']}")
        geo = venvs.environment(folder / "geo")
        (geo / "share").symlink_to(Path(sys.prefix) / "share")  # the pages of Jupyter
        self.env["NBFAB_PYTHON"] = str(geo)
        self.url = f"https://{HOST}:{self.port}"

    def command(self, *args: str) -> list[str]:
        """A task, on the host unless it is one for this machine."""
        assert self.sshd
        where = [] if args[0] in ("ca", "trust") else ["-S", str(self.sshd.config), "-H", HOST]
        return self.system.within([self.program, *where, *args])
