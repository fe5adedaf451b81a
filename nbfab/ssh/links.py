"""Links: the connections of one run that OpenSSH makes, those to jump hosts shared by all hosts behind them."""

import os
import shutil
import tempfile
import threading
from itertools import count

from nbfab.names import HostString
from nbfab.ssh.askpass import Phrases
from nbfab.ssh.doors import Doors
from nbfab.ssh.login import Typist
from nbfab.ssh.openssh import Link
from nbfab.ssh.options import SshOptions

_LONGEST = 60  # bytes of a folder in which the names of sockets are short enough (unix(7))


class Links:
    """Makes links, each with a folder of its own in one that no one else can enter; `doors` spaces out handshakes."""

    def __init__(self, doors: Doors) -> None:
        self._doors = doors
        self._lock = threading.Lock()
        self._number = count()
        self._folder = ""
        self._phrases = Phrases()
        self._shared: dict[tuple[HostString, SshOptions], Link] = {}

    def to(self, typed: HostString, options: SshOptions, typist: Typist | None) -> Link:
        """A new link to a host, which that host ends."""
        with self._lock:
            return Link(typed, options, typist, self._new_folder(), self._hop, self._phrases)

    def _hop(self, typed: HostString, options: SshOptions, typist: Typist | None, *, depth: int) -> Link:
        """The one link to a jump host, open. Raises ConnectError and HostKeyError."""
        with self._lock:
            if (typed, options) not in self._shared:
                link = Link(typed, options, typist, self._new_folder(), self._hop, self._phrases, depth, self._doors)
                self._shared[typed, options] = link
            link = self._shared[typed, options]
        link.open()
        return link

    def _new_folder(self) -> str:
        if not self._folder:
            self._folder = tempfile.mkdtemp(prefix="nbfab-")
            if len(os.fsencode(self._folder)) > _LONGEST:
                os.rmdir(self._folder)
                self._folder = tempfile.mkdtemp(prefix="nbfab-", dir="/tmp")  # made for us alone
        return os.path.join(self._folder, str(next(self._number)))

    def close(self) -> None:
        """Ends those to jump hosts, the farthest first, and removes what is left of all."""
        for link in reversed(list(self._shared.values())):
            link.end()
        if self._folder:
            shutil.rmtree(self._folder, ignore_errors=True)
