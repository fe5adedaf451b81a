"""Meeting: hosts that work side by side wait for each other, and each learns what all have found."""

import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from nbfab.errors import Interrupted
from nbfab.records import dataclass

if TYPE_CHECKING:
    from nbfab.run.job import Body

Value = TypeVar("Value")
_LOOK = 0.2  # seconds between two looks at whether the run has been stopped


class Meeting(Generic[Value]):
    """A meeting of the hosts that `expected` names, once it is asked. Each of them has to work in its own thread.

    A run that is `stopping` waits no more.
    """

    def __init__(self, expected: Callable[[], Collection[str]], stopping: threading.Event) -> None:
        self._expected, self._stopping = expected, stopping
        self._came: dict[str, dict[str, Value]] = {}
        self._gone: set[str] = set()
        self._condition = threading.Condition()

    def meet(self, topic: str, name: str, value: Value) -> Mapping[str, Value]:
        """What all have brought to a topic, by name, once each host has come or left. Raises Interrupted."""
        with self._condition:
            came = self._came.setdefault(topic, {})
            came[name] = value
            self._condition.notify_all()
            while not {*self._expected()} <= came.keys() | self._gone:
                if self._stopping.is_set():
                    raise Interrupted(
                        "stopped while it waited for other hosts; what was done stays, whole", "run it again"
                    )
                self._condition.wait(_LOOK)
            return dict(came)

    def leave(self, name: str) -> None:
        """A host has ended, however that came."""
        with self._condition:
            self._gone.add(name)
            self._condition.notify_all()


@dataclass(frozen=True)
class Gathering:
    """What hosts do that work side by side, all at once: `makes` their body from where they meet, and from all names of
    the inventory. The body imports the module that it `takes`.
    """

    makes: Callable[[Meeting[Any], Sequence[str]], "Body"]
    takes: str
