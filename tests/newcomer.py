"""Someone who has just found nbfab: what they have, and what they type into a terminal."""

import os
import re
import shutil
import subprocess
from collections.abc import Collection, Mapping
from contextlib import ExitStack
from pathlib import Path

from machine import BIN, ROOT, Machine, end_servers
from sshd import Sshd, free_port, wait_until
from terminal import Terminal

QUESTION = re.compile(r"^.*\[y/N\]|^Password for the notebook .*\):|^New password .*\):", re.MULTILINE)
MADE = re.compile(r"\b[a-z0-9]{5}(?:-[a-z0-9]{5}){3}\b")  # a generated password


class Newcomer:
    """Someone with an empty home folder, a clone, uv, and hosts that their ssh_config leads to; ssh has been to those
    that are `known`. `shell` is what they type into.
    """

    def __init__(
        self,
        folder: Path,
        stack: ExitStack,
        hosts: Mapping[str, Sshd] | None = None,
        *,
        known: Collection[str] = (),
        shell: str = "exec sh",
    ) -> None:
        self.clone = folder / "clone"
        subprocess.run(["git", "clone", "-q", ROOT, self.clone], check=True)
        self.hosts = hosts or {}
        self.ports = {name: free_port() for name in self.hosts}
        self.machine = Machine(folder)
        self.machine.work = self.clone
        self.machine.env = self._environment(folder)
        stack.callback(self._end)
        self._write_ssh_config(folder, known)
        self.terminal = stack.enter_context(Terminal(self.machine))
        self.terminal.type(shell)
        status = "%?" if "zsh" in shell else "$?"
        self.terminal.type(f"PS1='exit={status} $ '")
        self.terminal.shows("exit=0 $")

    def _environment(self, folder: Path) -> dict[str, str]:
        """What leads to the package index is as it is for this process; there is no nbfab yet."""
        (folder / "bin").mkdir()
        (folder / "bin/uv").symlink_to(BIN / "uv")
        cache = subprocess.run([BIN / "uv", "cache", "dir"], capture_output=True, text=True, check=True).stdout.strip()
        path = f"{folder}/bin:{self.machine.home}/.local/bin:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"
        mine = {name: value for name, value in os.environ.items() if not re.match("NBFAB_|XDG_|TMUX|VIRTUAL_ENV", name)}
        own = {name: self.machine.env[name] for name in ("HOME", "TMUX_TMPDIR", "NBFAB_PORT", "LANG")}
        return mine | own | {"UV_CACHE_DIR": cache, "PATH": path}

    def _write_ssh_config(self, folder: Path, known: Collection[str]) -> None:
        """Hosts by their names in the README. OpenSSH finds ~/.ssh in the user database only, so it is told here."""
        file = folder / "known_hosts"
        file.write_text("".join(self.hosts[name].known_line(self.hosts[name].host_keys[0]) for name in known))
        ways = "".join(
            f"Host {name}\n  HostName 127.0.0.1\n  Port {host.port}\n  IdentityFile {host.identity}\n"
            for name, host in self.hosts.items()
        )
        config = folder / "ssh_config"
        config.write_text(f"{ways}Host *\n  IdentitiesOnly yes\n  UserKnownHostsFile {file}\n")
        ssh = folder / "bin/ssh"
        ssh.write_text(f'#!/bin/sh\nexec {shutil.which("ssh")} -F {config} "$@"\n')
        ssh.chmod(0o755)

    def types(self, command: str) -> tuple[int, str, list[str]]:
        """The exit status of a command, what is on the screen, and the questions that were answered: with Return, or
        with yes where that is a choice.
        """
        self.terminal.clear()
        self.terminal.type(command)
        asked: list[str] = []
        ended: re.Match[str] | None = None

        def goes_on() -> bool:
            nonlocal ended
            screen = self.terminal.screen
            questions = QUESTION.findall(screen)
            if len(questions) > len(asked):
                asked.append(questions[len(asked)])
                self.terminal.type("y" if asked[-1].endswith("[y/N]") else "")
            ended = re.search(r"^exit=(\d+) \$ *$", screen[screen.find(command) :], re.MULTILINE)
            return ended is not None

        try:
            wait_until(goes_on, f"{command} to end", 240)  # a package index may be slow
        except AssertionError as error:
            raise AssertionError(f"{error}:\n{self.terminal.screen}") from None
        assert ended
        assert "Traceback" not in self.terminal.screen
        return int(ended[1]), self.terminal.screen, asked

    def opens(self, command: str) -> str:
        """What is on the screen once a command holds something open."""
        self.terminal.clear()
        self.terminal.type(command)
        return self.terminal.shows("(Control-C", 120)

    def interrupts(self) -> None:
        """Presses Control-C, which is how that ends in order."""
        self.terminal.press("C-c")
        wait_until(lambda: self.terminal.screen.rstrip().endswith("exit=0 $"), "it to end in order", 30)

    def profile(self, name: str = "") -> Path:
        """The folder of the profile on a host, or on this machine."""
        home = self.hosts[name].home if name else self.machine.home
        return home / ".local/share/nbfab/nbserver"

    def _end(self) -> None:
        end_servers({host.home: host.tmux for host in self.hosts.values()})
        self.machine.close()
