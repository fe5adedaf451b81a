"""Refusal: why `ssh` made no connection, in the words that nbfab has for it.

`ssh` says that in prose only. So what it does is watched where that is possible: the key that a host shows is noted by
a KnownHostsCommand, and compared with what is on record as for any other connection.
"""

import base64
import binascii
import os
import re
import shlex
from collections.abc import Iterator
from dataclasses import replace

from nbfab.errors import ConnectError, Denied, Dropped, HostKeyError, NbfabError, NoAnswer, NoLogin, NoName
from nbfab.fix import Command
from nbfab.names import HostString
from nbfab.prompts import ASKS
from nbfab.ssh import certificates, host_keys, key_file
from nbfab.ssh.askpass import version
from nbfab.ssh.connection import TIMEOUT
from nbfab.ssh.doors import PENALTY, penalized
from nbfab.ssh.options import SshOptions
from nbfab.ssh.route import Route
from nbfab.text import clean

# Notes what the host shows, and then runs the KnownHostsCommand of ssh_config, if there is one.
_NOTE = """file=$1
printf '%s %s\\n' "$2" "$3" >>"$file"
shift 3
[ $# -eq 0 ] || exec "$@"
"""
_UNVERIFIED = "Host key verification failed."  # of a certificate, ssh says only here that it was the host's key
_NO_GREETING = "kex_exchange_identification"  # the function of ssh that waits for the host's first line


class Refusal:
    """What one attempt of `ssh` leaves behind in `folder`: its words, and the key that the host has shown.

    `trusts` is asked about a key that is not known; one that is trusted is recorded, for the next attempt.
    """

    def __init__(self, route: Route, options: SshOptions, folder: str, trusts: host_keys.Trusts | None = None) -> None:
        self._route, self._options, self._trusts = route, options, trusts
        self.words_file = os.path.join(folder, "words")
        self._shown_file = os.path.join(folder, "shown")
        self._note = os.path.join(folder, "note")
        with open(self._note, "w", encoding="utf-8") as file:
            file.write(_NOTE)
        self._read = 0

    @property
    def command(self) -> str:
        """The KnownHostsCommand that notes the key."""
        own = " ".join(self._route.values.get("knownhostscommand", ()))
        files = [f'"{path}"'.replace("%", "%%") for path in (self._note, self._shown_file)]
        return f"/bin/sh {files[0]} {files[1]} %t %K {own}".strip()

    def new_words(self) -> Iterator[str]:
        """The lines that `ssh` and the host have said since the last call, such as a banner."""
        lines = self._lines()
        yield from lines[self._read :]
        self._read = len(lines)

    def _lines(self) -> list[str]:
        return [line for line in self._all_lines() if not line.startswith("debug")]

    def _all_lines(self) -> list[str]:
        """All lines; those for debugging tell what a host has said in the place of its version."""
        try:
            with open(self.words_file, encoding="utf-8", errors="replace") as file:
                return [line for line in clean(file.read(100_000)).splitlines() if line.strip()]
        except OSError:
            return []

    @property
    def _shown(self) -> tuple[str, bytes] | None:
        """The type and the blob of the last key that the host has shown; None if there was none, or ssh is too old."""
        try:
            with open(self._shown_file, encoding="ascii", errors="replace") as file:
                kind, key = file.read().splitlines()[-1].split()
            return (kind, base64.b64decode(key, validate=True)) if key != "NONE" else None
        except (OSError, ValueError, IndexError, binascii.Error):
            return None

    def late(self) -> ConnectError:
        """The error for an `ssh` that has not come to an end."""
        if self._shown:
            return NoLogin(f"{self._route.user}: no answer to the login in time", self._try())
        seconds = timeout(self._route, self._options)
        return self._failed(f"it accepted the connection, but did not speak SSH within {seconds:.0f} seconds")

    def error(self, jump: HostString | None, *, asked: bool) -> NbfabError:
        """The error for an `ssh` that has ended; `asked` is whether it could ask the user."""
        lines = [line for line in self._lines() if not line.startswith("Warning: Permanently added")]
        last = lines[-1] if lines else "no reason given"
        shown = self._shown
        if refused := self._refused_key(lines):
            return refused
        if any(line.endswith(f": {PENALTY}") for line in self._all_lines()):
            return penalized(f"{self._route.hostname} port {self._route.port}: ")
        silent = any(line.startswith(_NO_GREETING) for line in lines)
        if jump and shown is None and silent:
            return self._failed(f"jump host {jump} cannot reach it ({lines[0].lower()})")
        if denied := re.fullmatch(r".*: Permission denied \((.*)\)\.", last):
            return self._denied(denied[1], asked)
        if re.fullmatch(r"Connection (to \S+ port \d+ timed out|timed out during banner exchange)", last):
            return self.late()
        why, kind = ("it hung up before speaking SSH", ConnectError) if silent else _reason(last)
        failed = self._failed(why, kind)
        if silent and not self._route.proxy_command:
            return Dropped(str(failed), *failed.fix)
        return failed

    def _denied(self, methods: str, asked: bool) -> ConnectError:
        """The error for a login that the host accepts none of the `methods` for."""
        why, fix = f"{self._route.user}: permission denied ({methods})", self._try()
        if not asked:
            given = (*self._options.keys, *filter(None, [self._options.identity]), *self._route.identities)
            encrypted = [path for path in given if key_file.read(path).encrypted]
            why += "".join(f"; {path} is encrypted" for path in encrypted)
            fix = Command(f"ssh-add {shlex.quote(encrypted[0])}") if encrypted else fix
            if version() < ASKS:
                why += f"; to ask for a password takes OpenSSH {ASKS[0]}.{ASKS[1]} or later"
        return Denied(why, fix, offered=methods)

    def _refused_key(self, lines: list[str]) -> HostKeyError | None:
        """The error about the key that the host has shown, if there is anything wrong with it."""
        unverified = _UNVERIFIED in lines
        words = next((line for line in reversed(lines) if line != _UNVERIFIED), "no reason given")
        if self._shown is None:
            return HostKeyError(f"its host key is refused by ssh: {words}", self._try()) if unverified else None
        kind, blob = self._shown
        certified = certificates.of_host(kind, blob)
        kind, blob = (certified.kind, certified.key) if certified else (kind, blob)
        entries = host_keys.on_record(self._route)
        # Without its authority, a certificate is a plain key for OpenSSH as well.
        authorities = {entry.key for entry in entries if entry.marker}
        trusted = certified is not None and base64.b64encode(certified.authority).decode() in authorities
        if not trusted and "knownhostscommand" not in self._route.values:
            plain = [entry for entry in entries if entry.marker != "@cert-authority"]
            try:
                host_keys.check(
                    replace(self._route, accept_new=False),
                    plain,
                    kind,
                    blob,
                    accept_new=self.accepts,
                    trusts=None if self._has_authority else self._trusts,
                )
            except HostKeyError as error:
                return error
        shown = f"{kind} {host_keys.fingerprint(blob)}"
        return HostKeyError(f"its host key {shown} is refused by ssh: {words}", self._try()) if unverified else None

    @property
    def accepts(self) -> bool:
        """Whether a key that is not known is to be recorded; never beside an authority, which would be for nothing."""
        wanted = self._options.accept_new or self._route.accept_new
        return wanted and not self._has_authority

    @property
    def _has_authority(self) -> bool:
        return any(entry.marker == "@cert-authority" for entry in host_keys.on_record(self._route))

    def _failed(self, why: str, kind: type[ConnectError] = ConnectError) -> ConnectError:
        return kind(f"{self._route.hostname} port {self._route.port}: {why}", self._try())

    def _try(self) -> Command:
        """The command line that shows more."""
        return Command(" ".join(filter(None, ["ssh -v", self._options.for_ssh, self._route.typed_for_ssh, "true"])))


def timeout(route: Route, options: SshOptions) -> float:
    """The seconds to connect: for TCP, and for the host's greeting and key."""
    return options.timeout or route.timeout or TIMEOUT


def _reason(line: str) -> tuple[str, type[ConnectError]]:
    """What ssh says, without the host that it names itself, and which error that is."""
    if match := re.fullmatch(r"ssh: connect to host \S+ port \d+: (.+)", line):
        return match[1].lower(), NoAnswer
    if match := re.fullmatch(r"ssh: Could not resolve hostname .+: (.+)", line):
        return f"the name does not resolve ({match[1]})", NoName
    return line, ConnectError
