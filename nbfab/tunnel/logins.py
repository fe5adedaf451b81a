"""Logins: how the carriers of a link log in, without a question where that will do, and when to try again."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable, Sequence

from nbfab.tunnel.answers import Answers
from nbfab.tunnel.carrier import Failed, NeedsPerson
from nbfab.tunnel.login import Login, Shared
from nbfab.tunnel.person import Person

FIRST, MOST = 5.0, 300.0  # seconds until the next try after a host has let no one in; twice as many each time
ALONE, SELDOM = 120.0, 1800.0  # the same if it takes a person, and none is there
TYPOS = 3  # tries that a person has, as OpenSSH gives

_DENIED = re.compile(r"Permission denied \(|Too many authentication failures")


class Logins:
    """`command` logs in without a question. `asking` does so with prompts, which are answered with what was `typed`
    before, then by the `person`; empty if this `ssh` has none that we could answer. What is typed from now on is kept
    if `keeps`: if this `ssh` marks the prompts of servers.

    A host that refuses a login is asked again later and later: each failure may count against the account.
    """

    def __init__(
        self,
        command: Sequence[str],
        asking: Sequence[str] = (),
        typed: dict[str, str] | None = None,
        person: Person | None = None,
        note: Callable[[str], None] = lambda line: None,
        *,
        keeps: bool = True,
    ) -> None:
        usual = set(typed or ())
        self._shared = Shared(Answers(typed), person, note, usual)
        self.again = False  # the last one has failed, and another is to be begun at once
        self._command, self._asking = tuple(command), tuple(asking)
        self._asks = bool(asking) and bool(self._shared.answers)
        self._typos = self._refusals = 0
        self._not_before = 0.0
        self._keeps = keeps
        self._unanswered = False
        self._waiting: asyncio.Task[None] | None = None

    def free(self) -> bool:
        """Whether one more login may be begun now. If the last one was not answered, the person has to want it."""
        if self._waiting is not None and not self._waiting.done():
            return False
        if self._unanswered:
            self._unanswered = False
            self._waiting = asyncio.get_running_loop().create_task(self._wanted())
            return False
        return not self._shared.turn.locked() and time.monotonic() >= self._not_before

    @property
    def asking(self) -> bool:
        """Whether one of them is at a prompt."""
        return self._shared.turn.locked()

    def begin(self) -> Login:
        """The next login."""
        return Login(self._shared, self._asking if self._asks else self._command)

    def succeeded(self, login: Login) -> None:
        """What was typed for it counts from now on."""
        for prompt, answer in login.typed.items() if self._keeps else ():
            self._shared.answers.keep(prompt, answer)
        login.typed.clear()
        self._shared.usual = login.seen
        self._typos = self._refusals = 0

    def failed(self, login: Login, error: Failed) -> None:
        """Decides what is next: to try `again` at once, in another way, or later, when `free` says so."""
        self.again = self._goes_on(login, error)
        login.typed.clear()

    def _goes_on(self, login: Login, error: Failed) -> bool:
        denied = error.status is not None and _DENIED.search(str(error)) is not None
        if denied:
            for prompt in login.replayed:
                self._shared.answers.forget(prompt)
        if login.stale:
            return True
        if denied and self._asking and not self._asks:
            self._asks = True
            return True
        if denied and (login.typed or login.replayed) and self._typos < TYPOS - 1 and self._someone:
            self._typos += 1
            return True
        if login.asked and self._someone:
            self._typos, self._unanswered = 0, True
        elif isinstance(error, NeedsPerson):
            self._rest(ALONE, SELDOM)
        elif denied:
            self._rest(FIRST, MOST)
        return False

    def expire(self) -> None:
        """Forgets what was typed too long ago, also if no login needs it."""
        self._shared.answers.expire()

    def settle(self) -> None:
        """No login is wanted any more."""
        self._unanswered = False
        if self._waiting is not None:
            self._waiting.cancel()

    async def close(self) -> None:
        """Waits for no one any more."""
        self.settle()
        if self._waiting is not None:
            await asyncio.gather(self._waiting, return_exceptions=True)

    @property
    def _someone(self) -> bool:
        return self._shared.person is not None and self._shared.person.there

    def _rest(self, least: float, most: float) -> None:
        self._not_before = time.monotonic() + min(most, least * 2**self._refusals)
        self._refusals = min(self._refusals + 1, 10)

    async def _wanted(self) -> None:
        if self._shared.person is None or not await self._shared.person.wants("it takes you to log in again"):
            self._rest(ALONE, SELDOM)
