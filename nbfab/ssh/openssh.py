"""OpenSSH: connections that the system's own `ssh` makes, for hosts that need more than paramiko has.

Each is held open by one process, through whose socket the programs go (`mux.py`). That socket is in a folder of our
own, so that no one else uses it: nbfab never becomes the user's ControlMaster.
"""

import os
import shlex
import shutil
import subprocess
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from nbfab.errors import ConnectError, Dropped, HostKeyError, NbfabError, Penalized
from nbfab.fix import Command
from nbfab.names import HostString, in_url
from nbfab.prompts import ASKS
from nbfab.ssh import host_keys, process
from nbfab.ssh.arguments import arguments
from nbfab.ssh.askpass import Askpass, Phrases, version
from nbfab.ssh.connection import HOPS, KEEPALIVE, LOGIN
from nbfab.ssh.doors import Address, Doors
from nbfab.ssh.login import Login, Typist
from nbfab.ssh.mux import Mux, Unanswered, client
from nbfab.ssh.options import SshOptions
from nbfab.ssh.refusal import Refusal, timeout
from nbfab.ssh.route import Route, resolve

_LOOK = 0.02  # seconds between two looks at whether the connection is there

# Runs ssh, and ends it once nbfab has ended, however that came about: its standard input is at its end then, and the
# folder `$0` is of no more use. A signal interrupts `wait`, so it is called again. The one that watches is killed, not
# asked to end: a child that has just begun has its parent's traps for a moment, and what it gets then is lost.
_WATCH = """trap : TERM
exec 3<&0
"$@" </dev/null 3<&- &
ssh=$!
{ read -r _; : >"$0/over"; kill "$ssh"; } <&3 3<&- >/dev/null 2>&1 &
watch=$!
exec 3<&- 2>/dev/null
wait "$ssh" || wait "$ssh"
kill -KILL "$watch"
wait "$watch"
if [ -e "$0/over" ]; then rm -rf "$0"; fi
"""


class Link:
    """A connection that OpenSSH makes and holds, through those to jump hosts if need be.

    `folder` is one that no one else can enter; `hop` opens the one to a jump host; `phrases` are those of the run.
    It passes the `doors`, if there are any; otherwise the one who opens it does.
    """

    def __init__(
        self,
        typed: HostString,
        options: SshOptions,
        typist: Typist | None,
        folder: str,
        hop: Any,
        phrases: Phrases,
        depth: int = 0,
        doors: Doors | None = None,
    ) -> None:
        self.typed = typed
        self._options = options
        self._typist = typist
        self._folder = folder
        self._hop = hop
        self._phrases = phrases
        self._depth = depth
        self._doors = doors
        self._one = threading.Lock()
        self._failure: NbfabError | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._ended = False
        self._near: Link | None = None
        self.socket = os.path.join(folder, "s")

    def open(self) -> None:
        """Connects and logs in, unless that has been done, by one thread while others wait.

        Raises ConnectError and HostKeyError, the same in each.
        """
        with self._one:
            if self._failure is not None:
                raise self._failure
            if self._process is not None:
                return
            try:
                route = resolve(self.typed, self._options.config, self._options.options)
                if self._doors:
                    address = Address((route.hostname, route.port))
                    self._doors.enter(address, lambda: self._open(route), lambda line: None)
                else:
                    self._open(route)
            except NbfabError as error:
                if self._doors or not isinstance(error, Dropped | Penalized):  # which may be tried again
                    self._failure = error
                raise

    def _open(self, route: Route) -> None:
        jumps = route.jumps if self._options.jumps is None else self._options.jumps
        if jumps:
            self._through(jumps)
        known = host_keys.on_record(route)
        try:
            self._attempt(route, jumps)
        except HostKeyError:
            if host_keys.on_record(route) == known:
                raise
            self._attempt(route, jumps)  # with the key that was recorded meanwhile

    def _attempt(self, route: Route, jumps: tuple[HostString, ...]) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)  # of an attempt before
        os.mkdir(self._folder, 0o700)
        refusal = Refusal(route, self._options, self._folder, self._typist.trusts if self._typist else None)
        login = Login((), self._options.password, self._options.passphrase, None if route.batch else self._typist)
        askpass = None
        if self._ended:
            raise ConnectError("stopped before the connection was made", "run it again")
        if (login.typist or login.password or login.passphrase) and version() >= ASKS:
            askpass = Askpass(self._folder, login, self._phrases)
        options = self._options_for(route, asks=askpass is not None, proxied=bool(jumps), refusal=refusal)
        words = ["ssh", "-N", "-T", *options, "--", self.typed.host]
        try:
            with open(refusal.words_file, "wb") as said:
                self._process = process.start(
                    ["/bin/sh", "-c", _WATCH, self._folder, *words],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.DEVNULL,
                    stderr=said,
                    env=process.environment(askpass.environment if askpass else None),
                )
            self._wait(self._process, route, askpass, refusal)
        except BaseException:
            self._end_process()
            self._process = None
            raise
        finally:
            if askpass:
                askpass.close()

    def _wait(
        self, running: "subprocess.Popen[bytes]", route: Route, askpass: Askpass | None, refusal: Refusal
    ) -> None:
        """Returns once the connection is there; answers the prompts meanwhile."""
        limit = timeout(route, self._options)
        # ssh's own limit is for each of TCP and the banner; the rest is the login's.
        end = time.monotonic() + 2 * limit + max(limit, LOGIN)
        while not os.path.exists(self.socket):
            if running.poll() is not None:
                raise refusal.error(self._near.typed if self._near else None, asked=askpass is not None)
            if time.monotonic() > end:
                raise refusal.late()
            if askpass:
                end += askpass.serve(_LOOK, refusal.new_words())
            else:
                time.sleep(_LOOK)

    def _through(self, jumps: tuple[HostString, ...]) -> None:
        """Opens the link to the last jump host, which is reached through those before it, as in OpenSSH."""
        *before, last = jumps
        if self._depth >= HOPS:
            raise ConnectError(f"{self.typed.host}: its jump hosts form a loop", Command(f"ssh -G {self.typed.host}"))
        options = replace(self._options, identity="", jumps=tuple(before) or None, options=())
        try:
            self._near = self._hop(last, options, self._typist, depth=self._depth + 1)
        except NbfabError as error:
            kind = HostKeyError if isinstance(error, HostKeyError) else ConnectError
            raise kind(f"jump host {last}: {error}", *error.fix, jump=str(last)) from None

    def _options_for(self, route: Route, *, asks: bool, proxied: bool, refusal: Refusal) -> Iterator[str]:
        """The options of `ssh`."""
        own = {
            "BatchMode": "no" if asks else "yes",
            "ConnectTimeout": str(max(1, round(timeout(route, self._options)))),
            "ControlPath": self.socket.replace("%", "%%"),
            "KnownHostsCommand": refusal.command,
            **({} if self._typist else {"NumberOfPasswordPrompts": "1"}),
            "ServerAliveInterval": str(route.alive or KEEPALIVE),
            "StrictHostKeyChecking": "accept-new" if refusal.accepts else "yes",
            **self._way(route, proxied),
        }
        return arguments(self.typed, self._options, own)

    def _way(self, route: Route, proxied: bool) -> Mapping[str, str]:
        if proxied and self._near:
            there = f"{in_url(route.hostname)}:{route.port}"
            words = client(self._near.socket, "-W", there, "--", self._near.typed.host, level="ERROR")
            return {"ProxyCommand": shlex.join(words).replace("%", "%%"), "ProxyUseFdpass": "no"}
        return {"ProxyJump": "none"} if route.jumps else {}

    @property
    def lost(self) -> bool:
        """Whether the connection is gone."""
        return self._process is None or self._process.poll() is not None

    @property
    def lost_jump(self) -> str:
        """The jump host that it goes through, if the connection to that host is gone; otherwise empty."""
        return str(self._near.typed) if self._near and self._near.lost else ""

    def talk(self, program: bytes, silence: float, more: Iterable[bytes] = ()) -> Iterator[bytes]:
        """As `Fed.talk`, once it is open."""
        mux = Mux(self.socket, self.typed.host)
        try:
            yield from mux.talk(program, silence, more=more)
        except ConnectError as error:
            if isinstance(error, Unanswered) and not self.lost:
                return  # the login shell has ended without a word
            jump = self.lost_jump
            where = f"jump host {jump}: " if jump else ""
            raise ConnectError(
                f"{where}the connection was cut", "run it again; it continues from there", jump=jump
            ) from None

    def end(self) -> None:
        """Ends the connection, even while another thread is making it."""
        self._ended = True
        self._end_process()

    def _end_process(self) -> None:
        if self._process is not None:
            if self._process.stdin:
                self._process.stdin.close()
            if self._process.poll() is None:
                process.end(self._process)
