"""The connection to the host: its name, TCP, its key, the login, and the login shell."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from nbfab.doctor.layer import NearLayer, failed
from nbfab.fix import Command, Fix, there

if TYPE_CHECKING:
    from nbfab.doctor.near import Near
    from nbfab.finding import Finding

SLOW = 5.0  # seconds that startup files may take, with the time that the program takes to get there
LONGEST = 60  # characters of what a startup file prints


def _stopped(near: Near) -> Iterator[Finding]:
    yield failed(near.why, *near.fix)


def _unnamed(near: Near) -> Iterator[Finding]:
    name = Command(f"ssh -G {near.ssh} | grep '^hostname '")
    yield failed(near.why, "the name comes from ssh_config, if that has the host; this shows it", name, *near.fix)


def _unanswered(near: Near) -> Iterator[Finding]:
    if not near.direct:
        yield failed(near.why, *near.fix)
        return
    sshd = there("sudo systemctl status ssh.service sshd.service")
    yield failed(near.why, *near.fix, "if the host is up, see on its console whether sshd runs", sshd)


def _name(near: Near) -> str:
    if not near.direct:
        return f"{near.hostname}, which is reached through another host or connection"
    others = [address for address in near.addresses if address != near.hostname]
    return f"{near.hostname} is {', '.join(others)}" if others else near.hostname


def _tcp(near: Near) -> str:
    return f"port {near.ssh_port} accepts connections"


def _login(near: Near) -> Iterator[Finding]:
    words = near.why
    if near.offered:
        words += f"; offered: {near.offered.replace(',', ', ')}"
    if near.tried:  # which `ssh` does not tell
        words += f"; tried: {', '.join(near.tried)}"
    own: Fix = ()
    if {"password", "keyboard-interactive"} & {*near.offered.split(",")}:
        own = "to have it take your key from then on, with the password", Command(f"ssh-copy-id {near.ssh}")
    yield failed(words, *near.fix, *own)


def _shell(near: Near) -> Iterator[Finding]:
    if near.ends:
        yield failed(near.why, *near.fix)


NAME = NearLayer("name", _unnamed, _name)
TCP = NearLayer("tcp", _unanswered, _tcp)
KEY = NearLayer("host key", _stopped, lambda near: "it is the one on record")
LOGIN = NearLayer("login", _login, lambda near: f"as {near.user}")
SHELL = NearLayer("login shell", _shell, lambda near: "it runs programs")
LAYERS = (NAME, TCP, KEY, LOGIN, SHELL)


def noise(near: Near, seconds: float) -> Iterator[Finding]:
    """What is wrong with a login shell that runs programs: it prints something, or takes long."""
    if near.noise:
        lines = f"{len(near.noise)} line{'' if len(near.noise) == 1 else 's'}"
        yield failed(
            f"its startup files print {lines} before a program runs, which breaks scp: {near.noise[0][:LONGEST]}",
            "let them print only where someone is there: below a line that ends the file for any other shell, such as",
            there("case $- in *i*) ;; *) return ;; esac"),
            "this shows what is printed",
            Command(f"ssh {near.ssh} true"),
        )
    if seconds > SLOW:
        yield failed(
            f"its startup files take {seconds:.0f} seconds before a program runs",
            "see which of them (.bashrc, .profile, config.fish, ...) takes so long",
            Command(f"time ssh {near.ssh} true"),
        )
