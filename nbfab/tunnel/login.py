"""A login: the prompts of one `ssh`, and who answers them."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import field

from nbfab import prompts
from nbfab.records import dataclass
from nbfab.text import one_line
from nbfab.tunnel.answers import Answers
from nbfab.tunnel.carrier import Failed, NeedsPerson
from nbfab.tunnel.person import Person

TYPING = 120.0  # seconds to type an answer: as long as sshd waits
TYPED = 60.0  # seconds for the rest of the login
QUESTION = 10.0  # seconds until a program that asks has said what


@dataclass
class Shared:
    """What all logins of a link share: the `turn` is of the one whose answer the host may refuse, or a person types;
    `usual` are the prompts of the last one that was let in.
    """

    answers: Answers
    person: Person | None
    note: Callable[[str], None]
    usual: set[str]
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)


class Login:
    """Serves the prompts of an `ssh` in a folder that no one else can enter, and its notices, which all have.

    What is not answered is never answered with nothing, since `ssh` would send that: it is `refused`, and `ssh` is to
    be ended first.
    """

    def __init__(self, shared: Shared, command: Sequence[str]) -> None:
        self.command = command
        self.extend: Callable[[float], None] = lambda seconds: None  # gives it so many seconds from now
        self.refused: asyncio.Event = asyncio.Event()
        self.why = Failed("a prompt was not answered")
        self.typed: dict[str, str] = {}
        self.replayed: set[str] = set()
        self.seen: set[str] = set()
        self.asked = False  # a person was
        self.stale = False  # a passphrase seems to be another one by now
        self._shared = shared
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._paths: tuple[str, ...] = ()
        self._has_turn = False

    async def listen(self, folder: str) -> Mapping[str, str]:
        """Answers prompts from now on; the environment that brings them here. Raises OSError."""
        socket, helper = os.path.join(folder, "ask"), os.path.join(folder, "askpass")
        self._paths = socket, helper
        self._server = await asyncio.start_unix_server(self._accept, socket)
        os.chmod(socket, 0o600)
        prompts.write_helper(helper, socket)
        return prompts.environment(helper)

    async def close(self) -> None:
        """Answers no more; it is the next one's turn."""
        if self._server is not None:
            self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for path in self._paths:
            with suppress(OSError):
                os.unlink(path)
        if self._has_turn:
            self._has_turn = False
            self._shared.turn.release()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self._tasks.add(task)
        try:
            said = await asyncio.wait_for(reader.read(prompts.LONGEST), QUESTION)
            while more := await asyncio.wait_for(reader.read(prompts.LONGEST), QUESTION):
                said = (said + more)[: prompts.LONGEST]
            kind, _, prompt = said.decode(errors="replace").partition("\0")
            if kind == "none":  # a notice, such as to touch a security key
                self._shared.note(one_line(prompt.strip()))
                answer: str | None = ""
            else:
                answer = await self._answer(prompt)
            if answer is None:
                self.refused.set()
                await asyncio.Event().wait()  # until ssh is ended
            writer.write(f"{answer}\n".encode(errors="surrogateescape"))
            await writer.drain()
        except (OSError, TimeoutError, asyncio.CancelledError):
            pass
        finally:
            writer.close()
            self._tasks.discard(task)

    async def _answer(self, prompt: str) -> str | None:
        """What to answer; None if there is nothing."""
        self.seen.add(prompt)
        if prompts.is_for_key(prompt) and (known := self._known(prompt)) is not None:
            return known
        if not self._has_turn:  # one at a time: a host may count failures, and a person reads one question
            await self._shared.turn.acquire()
            self._has_turn = True
        if (known := self._known(prompt)) is not None:
            return known
        person = self._shared.person
        if person is None or not person.there:
            self.why = NeedsPerson(f"to log in takes a person: it asks {one_line(prompt.strip())!r}")
            return None
        if not prompts.is_for_key(prompt) and prompt not in self._shared.usual and self._forgets():
            return None
        self.asked = True
        self.extend(TYPING)
        answer = await person.answers(prompt)
        self.extend(TYPED)
        if answer is None:
            self.why = NeedsPerson(f"not answered: {one_line(prompt.strip())!r}")
        else:
            self.typed[prompt] = answer
        return answer

    def _forgets(self) -> bool:
        """Forgets the passphrases that were given, if any: since ssh goes on to ask for more than it did before, they
        did not fit.
        """
        keys = [prompt for prompt in self.replayed if prompts.is_for_key(prompt)]
        for prompt in keys:
            self._shared.answers.forget(prompt)
        if keys:
            self.stale, self.why = True, Failed("the passphrase that was typed before does not fit any more")
        return bool(keys)

    def _known(self, prompt: str) -> str | None:
        """What was typed at that prompt for an earlier login; once, as it is not right if it is asked for again."""
        if prompt in self.replayed:
            self._shared.answers.forget(prompt)
            return None
        if (known := self._shared.answers.get(prompt)) is not None:
            self.replayed.add(prompt)
        return known
