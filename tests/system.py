"""This machine with names, addresses and trusted certificates of its own, so that a test may change those."""

import itertools
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from namespace import ROOT_USER, bind, with_mounts

ANCHORS = "/usr/local/share/ca-certificates"
STORE = "/etc/ssl"
LIST = "/etc/ca-certificates.conf"


class System:
    """What is run `within` finds the `names` on loopback, and no other; and the system's certificates, to which it may
    add some with update-ca-certificates(8). It has three of Debian's.
    """

    def __init__(self, folder: Path, names: Sequence[str] = ()) -> None:
        folder.mkdir(parents=True)
        hosts, resolver = folder / "hosts", folder / "resolv.conf"
        hosts.write_text("".join(f"127.0.0.1 {name}\n" for name in ("localhost", *names)) + "::1 localhost\n")
        resolver.write_text("nameserver 127.0.0.1\noptions timeout:1 attempts:1\n")
        self.anchors, self.store = folder / "anchors", folder / "ssl"
        self.anchors.mkdir()
        (self.store / "certs").mkdir(parents=True)
        shutil.copy(f"{STORE}/openssl.cnf", self.store)
        few = folder / "ca-certificates.conf"
        listed = (line for line in Path(LIST).read_text().splitlines(keepends=True) if line[0] not in "#!")
        few.write_text("".join(itertools.islice(listed, 3)))  # with all of them each change takes seconds
        places = {
            "/etc/hosts": hosts,
            "/etc/resolv.conf": resolver,
            ANCHORS: self.anchors,
            STORE: self.store,
            LIST: few,
        }
        self._mounts = bind({place: str(own) for place, own in places.items()})
        subprocess.run(self.within(["update-ca-certificates", "--fresh"]), check=True, capture_output=True)

    def within(self, command: Sequence[str]) -> list[str]:
        """The command, run there."""
        return with_mounts(command, self._mounts)

    def alone(self, command: Sequence[str], addresses: Sequence[str]) -> list[str]:
        """The command, run there and without a network: loopback has those addresses, and is all there is."""
        lines = ["ip link set lo up", *(f"ip address add {address} dev lo" for address in addresses), 'exec "$@"']
        how = ["--net"] if ROOT_USER else ["--net", "--map-root-user"]
        return ["unshare", *how, "sh", "-c", " && ".join(lines), "sh", *self.within(command)]


def environment(home: Path, **more: str) -> dict[str, str]:
    """The environment of a person with that home folder; nothing in it leads to other certificates."""
    return {"HOME": str(home), "PATH": os.environ["PATH"], "LANG": "C.UTF-8"} | more
