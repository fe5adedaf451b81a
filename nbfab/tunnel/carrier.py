"""A carrier: one `ssh` that is logged in, and forwards a socket of ours to the host's."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Protocol

from nbfab.tunnel import children

LOOK = 0.02  # seconds between two looks at whether ssh is logged in
FORWARD = 5.0  # seconds for the ssh that is logged in to take up a forward
GRACE = 2.0  # seconds to end in order
WORDS = 20_000  # bytes of what ssh prints, from its beginning


class Failed(Exception):
    """Why a carrier does not carry, in ssh's own words; `status` is what it has ended with, None if it was ended.

    `ends_with` is the exit status of an `open` that never got further.
    """

    ends_with = 1

    def __init__(self, words: str, status: int | None = None) -> None:
        super().__init__(words)
        self.status = status


class NeedsPerson(Failed):
    """It takes a person to log in, and none is there."""

    ends_with = 4


class Prompts(Protocol):
    """Answers the prompts of an `ssh`; one that is `refused` must not go on, and `why` says so."""

    refused: asyncio.Event
    why: Failed

    async def listen(self, folder: str) -> Mapping[str, str]:
        """Answers them from now on; what has to be in the environment for that. Raises OSError."""
        ...

    async def close(self) -> None:
        """Answers no more."""


class Carrier:
    """An `ssh` in a folder that no one else can enter.

    `command` is all of its command line but the options that begin here; `target` is a socket or HOST:PORT there.
    Once it is there, `path` takes connections, and `control` sessions, as a ControlMaster.
    """

    def __init__(
        self,
        command: Sequence[str],
        target: str,
        folder: str,
        env: Mapping[str, str],
        prompts: Prompts | None = None,
    ) -> None:
        self._command, self._target, self._env = command, target, env
        self._prompts = prompts
        self.path = os.path.join(folder, "s")
        self.control = os.path.join(folder, "m")
        self._folder = folder
        self._process: asyncio.subprocess.Process | None = None
        self._words = b""
        self._reading: asyncio.Task[None] | None = None
        self._hurrying: asyncio.Task[None] | None = None

    @property
    def alive(self) -> bool:
        """Whether its process runs."""
        return self._process is not None and self._process.returncode is None

    async def start(self, patience: float) -> None:
        """Connects and logs in; `patience` is for TCP, and for the host's first words, in seconds. Raises Failed."""
        os.mkdir(self._folder, 0o700)
        options = {
            "ControlMaster": "yes",
            "ControlPath": self.control.replace("%", "%%"),
            "ConnectTimeout": str(max(1, round(patience))),
        }
        words = [*(word for pair in options.items() for word in ("-o", "=".join(pair))), *self._command[1:]]
        words = ["-N", "-T", *words]  # before OpenSSH 8.7, SessionType=none alone is ignored
        try:
            more = await self._prompts.listen(self._folder) if self._prompts else {}
            self._process = await self._run(self._command[0], *words, **more)
            self._reading = asyncio.get_running_loop().create_task(self._read(self._process))
            while not os.path.exists(self.control):
                if self._process.returncode is not None:
                    await self._reading
                    raise Failed(self.words or "ssh has ended without a word", self._process.returncode)
                if self._prompts and self._prompts.refused.is_set():
                    children.end(self._process)  # first of all, or it would send an empty answer
                    raise self._prompts.why
                await asyncio.sleep(LOOK)
            await self._forward()
            self._hurrying = asyncio.get_running_loop().create_task(self._hurry())
        except OSError as error:
            raise Failed(f"ssh: {error}") from None

    async def move(self, target: str) -> None:
        """Forwards to another target from now on, for connections to come. Raises Failed."""
        before, self._target, self.path = (self._target, self.path), target, f"{self.path}."
        try:
            await self._forward()
        except Failed:
            self._target, self.path = before
            raise
        except OSError as error:
            self._target, self.path = before
            raise Failed(f"ssh: {error}") from None
        with suppress(OSError):
            os.unlink(before[1])

    async def _forward(self) -> None:
        """Has the forward made that the command line cannot have without those of ssh_config. Raises Failed."""
        # A host may name anything. For `${`, ssh would put our own environment in its place, and tell the host that.
        if "${" in self._target or not self._target.isprintable():
            raise Failed(f"it does not forward to {self._target!r}: a path there must not have that in it")
        target = self._target.replace("%", "%%") if self._target.startswith("/") else self._target
        forward = f"{self.path.replace('%', '%%')}:{target}"
        process = await self._through("-O", "forward", "-L", forward, "--", "the-host")
        try:
            _, said = await asyncio.wait_for(process.communicate(), FORWARD)
        except TimeoutError:
            raise Failed("it does not take up a forward") from None
        finally:
            if process.returncode is None:
                children.end(process)
        if process.returncode:
            raise Failed(said.decode(errors="replace").strip() or "it refuses a forward")

    async def _hurry(self) -> None:
        """Has both ends send small packets at once: with forwards alone, ssh leaves Nagle's algorithm on, and most of
        what a page sends waits for a round trip. A session turns it off for all of the connection, for good.
        """
        with suppress(OSError, TimeoutError):
            process = await self._through("--", "the-host", "true")
            try:
                await asyncio.wait_for(process.communicate(), FORWARD)
            finally:
                if process.returncode is None:
                    children.end(process)
                    await process.wait()

    async def _through(self, *words: str) -> asyncio.subprocess.Process:
        """An ssh that goes through this one."""
        control = f"ControlPath={self.control.replace('%', '%%')}"
        return await self._run("ssh", "-F", "/dev/null", "-o", control, "-o", "LogLevel=ERROR", *words)

    @property
    def words(self) -> str:
        """What ssh has said."""
        lines = self._words.decode(errors="replace").splitlines()
        return "\n".join(line for line in lines if not line.startswith("debug"))

    async def ended(self) -> None:
        """Waits until its process has ended."""
        if self._process is not None:
            await self._process.wait()

    async def end(self) -> None:
        """Ends it, with what it has started, and removes its folder."""
        process = self._process
        if process is not None and process.returncode is None:
            children.end(process, signal.SIGTERM)
            try:
                await asyncio.wait_for(process.wait(), GRACE)
            except TimeoutError:
                children.end(process)
                await process.wait()
        tasks = [task for task in (self._reading, self._hurrying) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._prompts is not None:
            await self._prompts.close()
        for path in (self.path, self.control):
            with suppress(OSError):
                os.unlink(path)
        with suppress(OSError):
            os.rmdir(self._folder)

    async def _run(self, *words: str, **more: str) -> asyncio.subprocess.Process:
        # In a session of its own: Control-C reaches us alone, and we end it in order.
        return await asyncio.create_subprocess_exec(
            *words,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            env={**self._env, **more},
            start_new_session=True,
        )

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        """Reads what ssh prints for as long as it runs, or it would wait for that."""
        assert process.stderr
        while data := await process.stderr.read(4096):
            self._words += data[: WORDS - len(self._words)]
