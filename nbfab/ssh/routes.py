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


def resolve_all(asked: Iterable[Asked]) -> Mapping[Asked, Route | ConnectError]:
    """The route to each host, or why OpenSSH has none. Raises KeyboardInterrupt, without waiting for the rest."""
    todo: queue.SimpleQueue[Asked] = queue.SimpleQueue()
    done: queue.SimpleQueue[tuple[Asked, Route | ConnectError | Exception]] = queue.SimpleQueue()
    each = dict.fromkeys(asked)
    for one in each:
        todo.put(one)

    def work() -> None:
        while True:
            try:
                one = todo.get_nowait()
            except queue.Empty:
                return
            try:
                done.put((one, resolve(*one)))
            except Exception as error:  # belongs to the host, or to the main thread
                done.put((one, error))

    for _ in range(min(AT_ONCE, len(each))):
        threading.Thread(target=work, daemon=True).start()
    found: dict[Asked, Route | ConnectError] = {}
    while len(found) < len(each):
        try:
            one, route = done.get(timeout=0.2)
        except queue.Empty:  # a moment in which Control-C is heard
            continue
        if not isinstance(route, Route | ConnectError):
            raise route
        found[one] = route
    return found
