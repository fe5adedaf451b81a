"""Answers: what was typed at the prompts of `ssh`, kept in memory for the logins to come."""

from __future__ import annotations

import time
from collections.abc import Callable

from nbfab.prompts import lasts

KEPT = 12 * 3600.0  # seconds


def awake() -> float:
    """Seconds that go on while the machine sleeps."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))  # on macOS, the latter does


def slept() -> float:
    """Seconds that the machine has slept, from some moment on."""
    return awake() - time.monotonic()


class Answers:
    """Passphrases and passwords by the exact prompts that they were typed at; nothing shows them."""

    def __init__(self, typed: dict[str, str] | None = None, clock: Callable[[], float] = awake) -> None:
        """Takes them over: `typed` is empty then."""
        self._clock = clock
        self._known: dict[str, tuple[str, float]] = {}
        for prompt, answer in (typed or {}).items():
            self.keep(prompt, answer)
        if typed:
            typed.clear()

    def __bool__(self) -> bool:
        return bool(self._known)

    def keep(self, prompt: str, answer: str) -> None:
        """Keeps an answer that was typed just now, if it is of a kind that counts again."""
        if answer and lasts(prompt):
            self._known[prompt] = answer, self._clock() + KEPT

    def get(self, prompt: str) -> str | None:
        """What was typed at that prompt; None if nothing was, or too long ago."""
        self.expire()
        known = self._known.get(prompt)
        return known[0] if known else None

    def forget(self, prompt: str) -> None:
        """It was not accepted."""
        self._known.pop(prompt, None)

    def expire(self) -> None:
        """Forgets what was typed too long ago."""
        now = self._clock()
        self._known = {prompt: known for prompt, known in self._known.items() if known[1] > now}
