"""Typed: what a person has typed at the prompts of SSH, so that the same is not asked for twice."""

from collections.abc import Iterator
from dataclasses import replace

from nbfab import prompts
from nbfab.names import HostString
from nbfab.ssh.connection import HOPS
from nbfab.ssh.login import Typist
from nbfab.ssh.options import SshOptions
from nbfab.ssh.route import Route, resolve


class Typed:
    """A typist, and what was `answered` last at each prompt. It has no repr."""

    def __init__(self, typist: Typist) -> None:
        self._typist = typist
        self.answered: dict[str, str] = {}

    def answers(self, prompt: str, *, echo: bool = False) -> str | None:
        """As `Typist.answers`."""
        answer = self._typist.answers(prompt, echo=echo)
        if answer and not echo:
            self.answered[prompt] = answer
        return answer

    def reads(self, line: str) -> None:
        """As `Typist.reads`."""
        self._typist.reads(line)

    def trusts(self, host: str, key: str, command: str) -> bool:
        """As `Typist.trusts`."""
        return self._typist.trusts(host, key, command)


def given(typed: HostString, options: SshOptions) -> dict[str, str]:
    """The password and the passphrase that were given before, for each prompt that they answer. Raises ConnectError."""
    if not (options.password or options.passphrase):
        return {}
    found = {}
    for route in _routes(typed, options, 0):
        host = route.alias or route.hostname.lower()
        for path in (*options.keys, *filter(None, [options.identity]), *route.identities):
            found[prompts.for_key(path)] = options.passphrase
        found[prompts.for_password(route.user, host)] = options.password
        found[prompts.of_server(route.user, host, "Password: ")] = options.password
    return {prompt: answer for prompt, answer in found.items() if answer}


def _routes(typed: HostString, options: SshOptions, depth: int) -> Iterator[Route]:
    """That to a host, and those to its jump hosts."""
    route = resolve(typed, options.config, options.options)
    yield route
    jumps = route.jumps if options.jumps is None else options.jumps
    if jumps and depth < HOPS:
        *before, last = jumps
        yield from _routes(last, replace(options, identity="", jumps=tuple(before) or None, options=()), depth + 1)
