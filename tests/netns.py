"""A network between here and a host, which can be cut in the ways in which links are cut. Takes root."""

import itertools
import os
import subprocess
from typing import Self

import pytest
from namespace import ROOT_USER

_numbers = itertools.count(1)
NOWHERE = "02:00:00:00:00:99"  # the address of no device


def ip(*words: str) -> None:
    """Runs ip(8)."""
    subprocess.run(["ip", *words], check=True)


class Link:
    """A host in a network namespace; `within` runs a command there, and `address` is the host's, at its `device`."""

    def __init__(self) -> None:
        if not ROOT_USER:
            pytest.skip("takes root: a network namespace")
        number = next(_numbers)
        self.name = f"nbfab{os.getpid()}-{number}"
        self.within = ("ip", "netns", "exec", self.name)
        self._here, self._there = f"nbh{os.getpid() % 100000}{number}", f"nbt{os.getpid() % 100000}{number}"
        self.device = self._there
        self._net = f"10.{200 + number % 50}.{os.getpid() % 250}"
        self.address = f"{self._net}.1"
        self._mine = 2
        ip("netns", "add", self.name)
        ip("link", "add", self._here, "type", "veth", "peer", "name", self._there, "netns", self.name)
        ip("address", "add", f"{self._net}.2/24", "dev", self._here)
        ip("-n", self.name, "address", "add", f"{self.address}/24", "dev", self._there)
        for command in (["link", "set", self._here, "up"], ["-n", self.name, "link", "set", "lo", "up"]):
            ip(*command)
        ip("-n", self.name, "link", "set", self._there, "up")

    def down(self) -> None:
        """The cable is pulled."""
        ip("-n", self.name, "link", "set", self._there, "down")

    def up(self) -> None:
        """And is back."""
        ip("-n", self.name, "link", "set", self._there, "up")

    def hole(self) -> None:
        """What is sent, either way, arrives nowhere, and no one says so."""
        ip("neighbour", "replace", self.address, "lladdr", NOWHERE, "dev", self._here, "nud", "permanent")

    def whole(self) -> None:
        """It arrives again."""
        ip("neighbour", "delete", self.address, "dev", self._here)

    def moves(self) -> None:
        """Another address of ours in the place of the one that connections have."""
        before, self._mine = self._mine, self._mine + 1
        ip("address", "delete", f"{self._net}.{before}/24", "dev", self._here)
        ip("address", "add", f"{self._net}.{self._mine}/24", "dev", self._here)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        ip("netns", "delete", self.name)
