"""Hosts: this machine, or one over SSH. The only module that runs anything there."""

import json
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

from nbfab import facts
from nbfab.change import Change, Program, call, render
from nbfab.errors import ConnectError, HostError, NbfabError
from nbfab.facts import Facts
from nbfab.remote import source
from nbfab.settings import kernel_name
from nbfab.ssh_hosts import parse_host
from nbfab.wanted import Wanted

if TYPE_CHECKING:
    from nbfab.ssh import Connection

LOOK = 60  # seconds without a word: of a look, and of most changes beside what they wait for themselves
INSTALL = 900  # and of an installation, which says nothing while a large package is on its way
WHOLE = 3600  # seconds for one program
MOST = 8_000_000  # bytes of what one program prints; a long installation says some hundred thousand
LONGEST = 1_000_000  # bytes of a line
_JSON = json.JSONDecoder(strict=False)

Heard = Callable[[Mapping[str, Any]], None]


class Host(Protocol):
    """Where a server shall run.

    `label` is what people call it, `names` are those that they reach it by, the best for a URL first. `local` is
    whether it is this machine, and `ssh` what a person gives to `ssh` to come there, empty for this machine.
    """

    label: str
    local: bool

    @property
    def names(self) -> tuple[str, ...]: ...

    @property
    def ssh(self) -> str: ...

    def talk(self, program: bytes, silence: float) -> Iterator[bytes]:
        """Runs a program for sh and yields what it prints, errors among it.

        Raises TimeoutError after `silence` seconds without a word, and ConnectError if there is no way to the host.
        """
        ...

    def close(self) -> None: ...


class Here:
    """This machine."""

    label = "this machine"
    local = True
    names = ("localhost",)
    ssh = ""

    def talk(self, program: bytes, silence: float) -> Iterator[bytes]:
        """As `Host.talk`."""
        environment = {name: value for name, value in os.environ.items() if name != "NBFAB_PASSWORD"}
        environment.setdefault("HOME", os.path.expanduser("~"))
        # In a session of its own, so that Control-C reaches nbfab, which ends it in order.
        process = subprocess.Popen(
            ["/bin/sh", "-s"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=environment,
            start_new_session=True,
        )
        assert process.stdin
        assert process.stdout
        threading.Thread(target=_feed, args=(process.stdin, program), daemon=True).start()
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
        """Nothing is open."""


def _feed(pipe: Any, program: bytes) -> None:
    with suppress(BrokenPipeError), pipe:
        pipe.write(program)


class There:
    """A host over SSH, connected to when it is first talked to.

    `connect` gives the connection, not yet open; `address` is where it goes to as far as that is known before.
    `patient` is called with what opens it, and may call that again.
    """

    local = False

    def __init__(self, label: str, connect: "Callable[[], Connection]", address: tuple[str, int] = ("", 22)) -> None:
        self.label = label
        self.address = address
        self.patient: Callable[[Callable[[], None]], None] = lambda connect: connect()
        self._connect = connect

    @cached_property
    def _connection(self) -> "Connection":
        return self._connect()

    @property
    def names(self) -> tuple[str, ...]:
        """The HostName that OpenSSH resolves, and the names that it is known by."""
        typed = parse_host(str(self._connection.original_host)).host
        label = parse_host(self.label).host
        return tuple(dict.fromkeys((str(self._connection.host), typed, label)))

    @property
    def ssh(self) -> str:
        """The host, and the way to it where that is not in ssh_config."""
        return self._connection.for_ssh

    def talk(self, program: bytes, silence: float) -> Iterator[bytes]:
        """As `Host.talk`. What is sent fits into the window of the channel, so sending does not wait for reading."""
        import paramiko

        try:
            self.patient(self._connection.open)
            transport = self._connection.transport
            channel = transport.open_session(timeout=silence)
            try:
                channel.set_combine_stderr(True)
                channel.settimeout(silence)
                # paramiko waits for the answer to this for ever.
                late = threading.Timer(silence, transport.close)
                late.daemon = True
                late.start()
                try:
                    channel.exec_command("exec /bin/sh -s")
                finally:
                    late.cancel()
                try:
                    channel.sendall(program)
                    channel.shutdown_write()
                except TimeoutError:
                    raise
                except OSError:
                    pass  # a login shell that ends without reading has closed the channel; what it said is still there
                while data := channel.recv(65536):
                    yield data
                if not transport.is_active():
                    raise EOFError
            finally:
                channel.close()
        except (NbfabError, TimeoutError):
            raise
        except (paramiko.SSHException, EOFError, OSError) as error:
            lost = self._connection.lost_jump
            where = f"jump host {lost}: " if lost else ""
            what = f"the connection was cut{f': {error}' if str(error) else ''}"
            raise ConnectError(f"{where}{what}", "run it again; it goes on where it was") from None

    def close(self) -> None:
        """Closes the connection, if there is one."""
        if "_connection" in self.__dict__:
            with suppress(Exception):  # whatever a connection that is being closed still has to say
                self._connection.close()


def look(host: Host, wanted: Wanted) -> Facts:
    """What there is on the host. Raises HostError or ConnectError."""
    program = render(("json", "process", "look"), [_look(host, wanted)])
    return facts.parse(_run(host, program, lambda _: None, LOOK, "looking", whole=2 * LOOK))


def apply(host: Host, wanted: Wanted, changes: Sequence[Change], seen: Facts, heard: Heard) -> Facts:
    """Carries out the changes in one program, which ends by looking again; tells `heard` of each.

    `heard` gets records with the number of a change: doing, done or failed, with a text; or `says`, a line of progress.
    Raises HostError with the host's own words at the first change that fails; those before it stay done.
    """
    files = ("json", "process", "look", "write", "install", "serve")
    calls = [
        call("prepare", wanted.settings.profile, seen.generation),
        *(call("change", str(number), change.function, *change.args) for number, change in enumerate(changes)),
        "cd /\n",
        _look(host, wanted),
    ]
    doing = "beginning"

    def listen(record: Mapping[str, Any]) -> None:
        nonlocal doing
        if "doing" in record:
            doing = changes[record["doing"]].summary
        if "failed" in record:
            text = str(record["text"]).strip()
            raise HostError(f"{doing} failed: {text}" if doing != "beginning" else text, "mend that and run it again")
        heard(record)

    installs = any(change.function == "install_environment" for change in changes)
    silence = INSTALL if installs else LOOK + wanted.seconds
    try:
        return facts.parse(_run(host, render(files, calls), listen, silence, "changing it"))
    except ConnectError as error:
        raise ConnectError(f"{error}, at: {doing}", error.hint) from None


def _look(host: Host, wanted: Wanted) -> str:
    settings = wanted.settings
    here = sys.executable if host.local else ""
    codes = (source("environment.py"), source("server.py"))
    names = (settings.profile, kernel_name(settings.profile))
    return call(
        "look", *names, str(settings.port), settings.directory, settings.python, settings.app, here, "0", *codes
    )


def _run(
    host: Host, program: Program, listen: Heard, silence: float, doing: str, whole: float = WHOLE
) -> list[Mapping[str, Any]]:
    """Runs a program and returns the records that it printed; `listen` hears each as it comes.

    Raises HostError after `silence` seconds without a word, or `whole` seconds in all, and ConnectError.
    """
    records: list[Mapping[str, Any]] = []
    noise: deque[str] = deque(maxlen=3)
    begun, end = False, time.monotonic() + whole
    try:
        for line in _lines(host.talk(program.text.encode("utf-8", "surrogateescape"), silence), end):
            if line == program.end:
                return records
            begun = begun or line.endswith(program.begin)
            record = _record(line) if begun else None
            if record is not None:
                listen(record)
                records.append(record)
            elif line.strip() and not line.endswith(program.begin):
                noise.append(line.strip()[:500])
    except TimeoutError:
        last = f"; it last said: {noise[-1]}" if noise else ""
        late = f"not done in {whole:.0f} seconds" if time.monotonic() > end else f"no word for {silence:.0f} seconds"
        raise HostError(f"{late} while {doing}{last}", "run it again") from None
    words = "; ".join(noise)
    if not begun:
        raise HostError(
            f"its login shell did not run a program{f', but said: {words}' if words else ''}",
            "/bin/sh -c true" if host.local else f"ssh {host.ssh} /bin/sh -c true",
        )
    raise HostError(f"it stopped midway while {doing}{f': {words}' if words else ''}", "run it again")


def _lines(chunks: Iterator[bytes], end: float) -> Iterator[str]:
    rest, size = b"", 0
    for chunk in chunks:
        size += len(chunk)
        if size > MOST:
            raise HostError(
                f"it does not stop talking: more than {MOST // 1_000_000} MB", "see what it prints at login"
            )
        *lines, rest = (rest + chunk).split(b"\n")
        if len(rest) > LONGEST:
            raise HostError("it prints a line without an end", "see what it prints when you log in")
        yield from (line.decode("utf-8", "surrogateescape") for line in lines)
        if time.monotonic() > end:
            raise TimeoutError
    if rest:
        yield rest.decode("utf-8", "surrogateescape")


def _record(line: str) -> Mapping[str, Any] | None:
    try:
        record = _JSON.decode(line)
    except (ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) else None
