"""Checks passwords beside the event loop, so that the server answers meanwhile."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Callable

LONGEST = 4096  # bytes; argon2 would hash a gigabyte
WAITING = 64


class Queue:
    """One password at a time, and at most `WAITING` that wait."""

    def __init__(self, check: Callable[[str, str], bool]) -> None:
        self._check = check
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="nbfab-check")
        self._waiting = 0

    @property
    def full(self) -> bool:
        """Whether no more passwords may wait."""
        return self._waiting >= WAITING

    async def right(self, hashed: str, typed: str) -> bool:
        """Whether the password is the one of the hash. None is that of an empty hash."""
        if not hashed or not typed or len(typed.encode("utf-8", "surrogatepass")) > LONGEST:
            return False
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, self._verify, hashed, typed)
        finally:
            self._waiting -= 1

    def _verify(self, hashed: str, typed: str) -> bool:
        try:
            return bool(self._check(hashed, typed))
        except Exception:  # the library's own, for a hash that is none
            return False
