"""The person at the terminal that this process was started from."""

from __future__ import annotations

import asyncio
import os
import termios
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from nbfab.text import clean, clean_line

LONGEST = 4096  # bytes of a line that is typed


class Person:
    """Answers prompts there, unseen, one at a time. `host` is what the person calls what asks."""

    def __init__(self, host: str) -> None:
        self._host = host

    @property
    def there(self) -> bool:
        """Whether there is a terminal, and this process may read it now."""
        try:
            terminal = _open()
        except OSError:
            return False
        try:
            return os.tcgetpgrp(terminal) == os.getpgrp()
        except OSError:
            return False
        finally:
            os.close(terminal)

    async def answers(self, prompt: str) -> str | None:
        """What is typed at a prompt; None at the end of input, or if no one is there."""
        *before, last = clean(prompt.replace("\r", "")).split("\n")
        lines = [*before, f"{last.rstrip()} "]
        return await self._line("".join(f"{self._host}: {line}\n" for line in lines).removesuffix("\n"), echo=False)

    async def wants(self, what: str) -> bool:
        """Returns once Enter is pressed; False if no one is there (any more)."""
        return await self._line(f"{self._host}: {clean_line(what)}; press Enter ", echo=True) is not None

    async def _line(self, shown: str, *, echo: bool) -> str | None:
        if not self.there:
            return None
        try:
            terminal = _open()
        except OSError:
            return None
        try:
            with _unseen(terminal, echo=echo):
                os.write(terminal, shown.encode())
                typed = await _read(terminal)
                if not echo or not typed:
                    os.write(terminal, b"\n")
                return typed.decode(errors="surrogateescape").rstrip("\n") if typed else None
        except asyncio.CancelledError:
            with suppress(OSError):
                os.write(terminal, b"\n")
            raise
        except (OSError, termios.error):
            return None
        finally:
            os.close(terminal)


def _open() -> int:
    """The terminal. Raises OSError."""
    # By its own name where that is known, since some systems cannot wait for /dev/tty.
    name = next((os.ttyname(number) for number in (2, 1) if os.isatty(number)), "/dev/tty")
    return os.open(name, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)


@contextmanager
def _unseen(terminal: int, *, echo: bool) -> Iterator[None]:
    """What is typed is not shown, and what was typed before does not count."""
    before = termios.tcgetattr(terminal)
    now = termios.tcgetattr(terminal)
    now[3] = (now[3] | termios.ICANON | termios.ISIG | termios.ECHO) & ~(0 if echo else termios.ECHO)
    termios.tcsetattr(terminal, termios.TCSAFLUSH, now)
    try:
        yield
    finally:
        with suppress(termios.error):
            termios.tcsetattr(terminal, termios.TCSAFLUSH, before)


async def _read(terminal: int) -> bytes:
    """A line; empty at the end of input. Raises OSError."""
    loop = asyncio.get_running_loop()
    line: asyncio.Future[bytes] = loop.create_future()

    def ready() -> None:
        try:
            data = os.read(terminal, LONGEST)
        except BlockingIOError:
            return
        except OSError as error:
            if not line.done():
                line.set_exception(error)
            return
        if not line.done():
            line.set_result(data)

    loop.add_reader(terminal, ready)
    try:
        return await line
    finally:
        loop.remove_reader(terminal)
