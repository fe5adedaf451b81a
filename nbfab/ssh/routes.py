"""Routes: how to reach many hosts, all of it found out before the first is contacted."""

import queue
import threading
from collections.abc import Iterable, Mapping

from nbfab.errors import ConnectError
from nbfab.names import HostString
from nbfab.ssh.route import Route, resolve

AT_ONCE = 32  # `ssh -G` takes some milliseconds, or as long as the commands of `Match exec`

Asked = tuple[HostString, str, tuple[str, ...]]
"""A host, the file that replaces ssh_config, and further arguments for ssh, as for `resolve`."""


class Routes:
    """The routes to hosts, looked up in the background from the moment that this is made."""

    def __init__(self, asked: Iterable[Asked]) -> None:
        self._each = dict.fromkeys(asked)
        self._todo: queue.SimpleQueue[Asked] = queue.SimpleQueue()
        self._done: queue.SimpleQueue[tuple[Asked, Route | ConnectError | Exception]] = queue.SimpleQueue()
        for one in self._each:
            self._todo.put(one)
        for _ in range(min(AT_ONCE, len(self._each))):
            threading.Thread(target=self._work, daemon=True).start()

    def _work(self) -> None:
        while True:
            try:
                one = self._todo.get_nowait()
            except queue.Empty:
                return
            try:
                self._done.put((one, resolve(*one)))
            except Exception as error:  # belongs to the host, or to the main thread
                self._done.put((one, error))

    def all(self) -> Mapping[Asked, Route | ConnectError]:
        """The route to each host, or why OpenSSH has none; once. Raises KeyboardInterrupt, not waiting for the rest."""
        found: dict[Asked, Route | ConnectError] = {}
        while len(found) < len(self._each):
            try:
                one, route = self._done.get(timeout=0.2)
            except queue.Empty:  # a moment in which Control-C is heard
                continue
            if not isinstance(route, Route | ConnectError):
                raise route
            found[one] = route
        return found
