"""Hosts: where programs run. This machine is one; `nbfab.ssh` reaches the others."""

import json
import os
import select
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from math import inf
from typing import Any, Protocol, cast

from nbfab.errors import HostError, NoShell
from nbfab.fix import Command
from nbfab.program import Program, Record

MOST = 8_000_000  # bytes that one program may print; a long installation prints some hundred thousand
LONGEST = 1_000_000  # bytes of a line
RECORDS = 50_000  # of one program; a look prints some fifty, and a long installation some thousand
WHOLE = 3600  # seconds for one program
_STARTUP = (  # what a shell reads although it is not interactive
    "\nif that account may run programs, a startup file of its shell ends it: look for exit, exec or set -e in "
    "~/.bashrc (bash), ~/.zshenv (zsh), ~/.config/fish/config.fish (fish), or ~/.tcshrc and ~/.cshrc (tcsh)"
)
_JSON = json.JSONDecoder(strict=False)


class Host(Protocol):
    """A place to run a server.

    `label` is what people call it; `names` are those they reach it by, the best for a URL first. `local` is whether it
    is this machine; `ssh` is what a person gives to `ssh` to get there, empty for this machine. `remarks` say how it
    was reached, if not in the usual way, once something was run.
    """

    @property
    def label(self) -> str: ...

    @property
    def local(self) -> bool: ...

    @property
    def names(self) -> tuple[str, ...]: ...

    @property
    def ssh(self) -> str: ...

    @property
    def remarks(self) -> tuple[str, ...]: ...

    def talk(self, program: bytes, silence: float) -> Iterator[bytes]:
        """Runs a program for sh and yields what it prints, errors included.

        Raises TimeoutError after `silence` seconds without output, and ConnectError if the host cannot be reached.
        """
        ...

    def close(self) -> None:
        """Closes the connection to it, if there is one; from another thread, this cuts `talk` short."""

    def renew(self) -> None:
        """Closes it for good, so that the next program makes another one."""


class Feed:
    """What follows a program on its standard input, once the host asks for it by a record `ready`.

    Until then nothing is sent: a shell may read ahead of what it runs.
    """

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = chunks
        self._due = threading.Event()
        self._over = False

    def begin(self) -> None:
        """The host asks for it."""
        self._due.set()

    def end(self) -> None:
        """The program has ended, so nothing more is sent."""
        self._over = True
        self._due.set()

    def __iter__(self) -> Iterator[bytes]:
        self._due.wait()
        if not self._over:
            for chunk in self._chunks:
                if self._over:
                    return
                yield chunk


class Fed(Protocol):
    """A host that takes more than a program."""

    def talk(self, program: bytes, silence: float, more: Iterable[bytes] = ()) -> Iterator[bytes]:
        """As `Host.talk`; the program is followed by `more`, in a thread that waits for what it yields."""
        ...


class Here:
    """This machine."""

    label = "this machine"
    local = True
    names = ("localhost",)
    ssh = ""
    remarks = ()

    def talk(self, program: bytes, silence: float, more: Iterable[bytes] = ()) -> Iterator[bytes]:
        """As `Fed.talk`."""
        environment = {name: value for name, value in os.environ.items() if name != "NBFAB_PASSWORD"}
        environment.setdefault("HOME", os.path.expanduser("~"))
        # In a session of its own, so that Control-C reaches nbfab alone, which then ends the program in order.
        process = subprocess.Popen(
            ["/bin/sh"],  # without -s, which posh does not know
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=environment,
            start_new_session=True,
        )
        assert process.stdin
        assert process.stdout
        threading.Thread(target=_feed, args=(process.stdin, program, more), daemon=True).start()
        try:
            while True:
                ready, _, _ = select.select([process.stdout], [], [], silence)
                if not ready:
                    raise TimeoutError
                data = os.read(process.stdout.fileno(), 65536)
                if not data:
                    return
                yield data
        finally:
            if process.poll() is None:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGTERM)
            process.stdout.close()
            process.wait()

    def close(self) -> None:
        """As `Host.close`: nothing is open."""

    def renew(self) -> None:
        """As `Host.renew`: there is none."""


def _feed(pipe: Any, program: bytes, more: Iterable[bytes]) -> None:
    with suppress(BrokenPipeError), pipe:
        pipe.write(program)
        pipe.flush()
        for chunk in more:
            pipe.write(chunk)


def run(
    host: Host,
    program: Program,
    receive: Callable[[Record], None],
    silence: float,
    doing: str,
    *,
    whole: float = WHOLE,
    endless: bool = False,
    feed: Feed | None = None,
) -> list[Record]:
    """Runs a program and returns the records that it printed; `receive` gets each of them as it comes.

    An `endless` one may print for as long as it is listened to, and its records are not kept. The `feed` follows it.

    Raises HostError after `silence` seconds without output, or `whole` seconds in all, and ConnectError.
    """
    whole, most = (inf, inf) if endless else (whole, MOST)
    records: list[Record] = []
    noise: deque[str] = deque(maxlen=3)
    begun, end = False, time.monotonic() + whole
    try:
        text = program.text.encode("utf-8", "surrogateescape")
        output = cast(Fed, host).talk(text, silence, feed) if feed else host.talk(text, silence)
        for line in _lines(output, end, most):
            if line == program.end:
                return records
            begun = begun or line.endswith(program.begin)
            record = _record(line) if begun else None
            if record is not None:
                if feed and "ready" in record:
                    feed.begin()
                receive(record)
                if endless:
                    continue
                records.append(record)
                if len(records) > RECORDS:
                    raise HostError(f"it reports without end: more than {RECORDS} records", "run it again")
            elif line.strip() and not line.endswith(program.begin):
                noise.append(line.strip()[:500])
    except TimeoutError:
        last = f"; its last words: {noise[-1]}" if noise else ""
        late = f"not done in {whole:.0f} seconds" if time.monotonic() > end else f"no output for {silence:.0f} seconds"
        if not begun and not host.local:
            raise NoShell(f"{late} while its login shell started{last}", Command(f"time ssh {host.ssh} true")) from None
        raise HostError(f"{late} while {doing}{last}", "run it again") from None
    finally:
        if feed:
            feed.end()
    words = "; ".join(noise)
    if not begun:
        printed = f", but printed: {words}" if words else ""
        raise NoShell(
            f"its login shell did not run a program{printed}{'' if host.local else _STARTUP}",
            Command("/bin/sh -c true" if host.local else f"ssh {host.ssh} /bin/sh -c true"),
        )
    raise HostError(f"it stopped midway while {doing}{f': {words}' if words else ''}", "run it again")


def _lines(chunks: Iterator[bytes], end: float, most: float) -> Iterator[str]:
    rest, size = bytearray(), 0
    for chunk in chunks:
        size += len(chunk)
        if size > most:
            raise HostError(f"it prints without end: more than {MOST // 1_000_000} MB", "see what it prints at login")
        rest += chunk
        if b"\n" in chunk:  # or a line that comes byte by byte would be read once for each
            *lines, rest = rest.split(b"\n")
            yield from (line.decode("utf-8", "surrogateescape") for line in lines)
        if len(rest) > LONGEST:
            raise HostError("it prints a line without an end", "see what it prints at login")
        if time.monotonic() > end:
            raise TimeoutError
    if rest:
        yield rest.decode("utf-8", "surrogateescape")


def _record(line: str) -> Record | None:
    if not line.startswith("{"):
        return None
    try:
        record = _JSON.decode(line)
    except (ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) else None
