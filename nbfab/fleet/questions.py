"""Questions that threads ask, and the main thread puts to the user."""

import contextlib
import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any, TypeVar

from nbfab.errors import Interrupted
from nbfab.outcome import Logged, Outcome
from nbfab.passwords import Password
from nbfab.user import Console

T = TypeVar("T")
AGAIN = "run it again with --failed"


class Questions:
    """Questions of the threads at work, put by the main one: Control-C reaches it, and there getpass restores the echo.

    `aside` asks one question where a display may be in the way. `again` is the fix if one is not answered.
    """

    def __init__(self, again: str = AGAIN) -> None:
        self._again = again
        self.aside: Callable[[Callable[[], Any]], Any] = lambda question: question()
        self._open: queue.SimpleQueue[tuple[Callable[[], Any], Future[Any]]] = queue.SimpleQueue()

    def __call__(self, question: Callable[[], T]) -> T:
        """The answer, for any thread but the main one. Raises Interrupted once the run is stopping."""
        future: Future[T] = Future()
        self._open.put((question, future))
        return future.result()

    def put(self, stopping: bool) -> None:
        """Puts the open ones to the user, or drops them if `stopping`; main thread only. Raises KeyboardInterrupt."""
        with contextlib.suppress(queue.Empty):
            while True:
                question, future = self._open.get_nowait()
                unanswered = Interrupted("a question was not answered", self._again)
                try:
                    if stopping:
                        raise unanswered
                    future.set_result(self.aside(question))
                except KeyboardInterrupt:
                    future.set_exception(unanswered)
                    raise
                except Exception as error:  # belongs to the thread
                    future.set_exception(error)


class FromThreads:
    """A console as the threads at work see it: whatever they ask is put by the main thread."""

    def __init__(self, console: Console, questions: Questions) -> None:
        self._console, self._put = console, questions
        self._once = threading.Lock()
        self._allowed: dict[str, bool] = {}

    def types_password(self, question: str) -> Password | None:
        """As `Console.types_password`."""
        return self._put(lambda: self._console.types_password(question))

    def confirms(self, question: str) -> bool:
        """As `Console.confirms`."""
        return self._put(lambda: self._console.confirms(question))

    def allows(self, question: str) -> bool:
        """As `Console.allows`: the other threads wait for the answer to the first one's question."""
        with self._once:
            if question not in self._allowed:
                self._allowed[question] = self.confirms(question)
            return self._allowed[question]

    def unlocks(self, question: str) -> str | None:
        """As `Console.unlocks`."""
        return self._put(lambda: self._console.unlocks(question))

    def answers(self, prompt: str, *, echo: bool = False) -> str | None:
        """As `Console.answers`."""
        return self._put(lambda: self._console.answers(prompt, echo=echo))

    def reads(self, line: str) -> None:
        """As `Console.reads`."""
        self._put(lambda: self._console.reads(line))

    def trusts(self, host: str, key: str, command: str) -> bool:
        """As `Typist.trusts`: no. Many keys in a row would be accepted unread; for them there is a flag."""
        return False

    def prints(self, host: str, lines: Sequence[Logged]) -> None:
        """As `Console.prints`: not put, since it asks nothing."""
        self._console.prints(host, lines)

    def shows(self, outcome: Outcome) -> None:
        """As `Console.shows`."""
        self._put(lambda: self._console.shows(outcome))
