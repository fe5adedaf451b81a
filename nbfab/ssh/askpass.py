"""Askpass: the prompts of `ssh`, answered by nbfab."""

import contextlib
import os
import re
import select
import socket
import subprocess
import threading
import time
from collections.abc import Iterable, Mapping
from functools import cache

from nbfab import prompts
from nbfab.ssh.login import Login, Typist


@cache
def version() -> tuple[int, ...]:
    """The version of the OpenSSH client, such as (9, 2); empty if it does not say."""
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        said = subprocess.run(["ssh", "-V"], capture_output=True, text=True, timeout=10, check=False, errors="replace")
        if match := re.match(r"OpenSSH\D*_(\d+)\.(\d+)", said.stderr):
            return int(match[1]), int(match[2])
    return ()


class Phrases:
    """The passphrases that were typed in one run, by their prompts: a key that opens many hosts is asked for once."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.typed: dict[str, str] = {}


class Askpass:
    """Answers prompts with the password and the passphrase that were given, each once, then with what is typed.

    `folder` is one that no one else can enter. The thread that waits for `ssh` calls `serve`, so that a fleet's
    questions come one at a time, and Control-C reaches the one who types.
    """

    def __init__(self, folder: str, login: Login, phrases: Phrases) -> None:
        self._login = login
        self._phrases = phrases
        self._tried: set[tuple[str, str]] = set()
        self._over = False
        self._helper, path = os.path.join(folder, "askpass"), os.path.join(folder, "ask")
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(path)
        self._listener.listen()
        prompts.write_helper(self._helper, path)

    @property
    def environment(self) -> Mapping[str, str]:
        """What makes `ssh` ask here."""
        return prompts.environment(self._helper)

    def serve(self, seconds: float, said: Iterable[str]) -> float:
        """Answers the prompts that come within that time; how long that took. `said` is what to show before one."""
        poll = select.poll()
        poll.register(self._listener, select.POLLIN)
        if not poll.poll(seconds * 1000):
            return 0.0
        began = time.monotonic()
        link, _ = self._listener.accept()
        with link, contextlib.suppress(OSError):  # ssh may be gone before it is answered
            link.settimeout(10)
            kind, _, prompt = _received(link).partition("\0")
            answer = self._answer(kind, prompt, said)
            if answer is not None:
                link.sendall(answer.encode(errors="surrogateescape") + b"\n")
        return time.monotonic() - began

    def _answer(self, kind: str, prompt: str, said: Iterable[str]) -> str | None:
        typist = self._login.typist
        if kind == "none":  # a notice, such as to touch a security key
            if typist:
                typist.reads(prompt)
            return ""
        phrase = prompts.is_for_key(prompt)
        given = self._login.passphrase if phrase else self._login.password if "password" in prompt.lower() else ""
        if given and self._is_new(prompt, given):
            return given
        if typist is None or self._over:
            return None
        if not phrase:
            return self._typed(typist, prompt, said)
        with self._phrases.lock:
            known = self._phrases.typed.get(prompt)
            if known and self._is_new(prompt, known):
                return known
            answer = self._typed(typist, prompt, said)
            if answer and self._is_new(prompt, answer):
                self._phrases.typed[prompt] = answer
            return answer

    def _typed(self, typist: Typist, prompt: str, said: Iterable[str]) -> str | None:
        for line in said:
            typist.reads(line)
        answer = typist.answers(prompt)
        self._over = answer is None  # Control-D ends the login, not only this try
        return answer

    def _is_new(self, prompt: str, answer: str) -> bool:
        """Whether an answer has not been tried at that prompt; now it has."""
        new = (prompt, answer) not in self._tried
        self._tried.add((prompt, answer))
        return new

    def close(self) -> None:
        """Answers no more."""
        self._listener.close()


def _received(link: socket.socket) -> str:
    data = b""
    while len(data) < prompts.LONGEST and (more := link.recv(4096)):
        data += more
    return data.decode(errors="replace")
