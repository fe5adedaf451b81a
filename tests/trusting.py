"""Someone on a machine of their own, where programs trust an authority, and stop."""

import os
import subprocess
import time
from pathlib import Path

from machine import BIN
from system import System, environment

from nbfab.authority.authority import Authority
from nbfab.authority.constraints import parse
from nbfab.authority.keyring import signer
from nbfab.authority.make import alone, make
from nbfab.plan import pem

NAMES = ("gpu1.lab.test", "gpu1.other.test", "gpu1.localhost")
NOW = time.time()


class Trusting:
    """Someone whose programs find those names on loopback."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.home = folder, folder / "home"
        self.home.mkdir()
        self.system = System(folder / "system", NAMES)
        self.env = environment(self.home, PATH=f"{BIN}:{os.environ['PATH']}")

    def runs(self, command: list[str]) -> str:
        """What a command prints that ends well."""
        done = subprocess.run(command, env=self.env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def nbfab(self, *args: str) -> str:
        """What a task prints that ends well."""
        return self.runs(self.system.within(["nbfab", *args]))


def authority(*allowed: str) -> Authority:
    """An authority for those domains and networks, in the home folder of this process."""
    with alone():
        return make([parse(one) for one in allowed], NOW)


def issued(authority: Authority, *names: str) -> bytes:
    """A certificate as nbfab has it for a host."""
    return pem.make(names, 365, NOW, NOW, signer=signer(authority)).encode()
