"""The arguments for ssh in an Ansible inventory (`ansible_ssh_args` and its kin): what counts, and what is refused.

They are split as Ansible does, and read as ssh(1) does. What nbfab can honour is handed to `ssh -G`, so OpenSSH itself
says what it means; what changes nothing about the machine, the user, the key and the trust is dropped; anything else is
refused.
"""

import re
import shlex
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from nbfab.errors import UsageError
from nbfab.inventory.place import Place

LONGEST = 1000  # characters of a variable

# What ssh/route.py reads from `ssh -G`.
_HONOURED = {
    "-F", "addressfamily", "batchmode", "bindaddress", "casignaturealgorithms", "certificatefile",
    "challengeresponseauthentication", "checkhostip", "ciphers", "connecttimeout", "globalknownhostsfile",
    "gssapiauthentication", "hashknownhosts", "hostkeyalgorithms", "hostkeyalias", "hostname", "identitiesonly",
    "identityagent", "identityfile", "ignoreunknown", "kbdinteractiveauthentication", "kexalgorithms", "macs",
    "passwordauthentication", "port", "preferredauthentications", "proxycommand", "proxyjump",
    "pubkeyacceptedalgorithms", "pubkeyacceptedkeytypes", "pubkeyauthentication", "requiredrsasize", "revokedhostkeys",
    "serveraliveinterval", "user", "userknownhostsfile",
}  # fmt: skip
# nbfab has no use for them, or is stricter (StrictHostKeyChecking, VerifyHostKeyDNS).
_DROPPED = {
    "addkeystoagent", "clearallforwardings", "compression", "compressionlevel", "connectionattempts", "controlmaster",
    "controlpath", "controlpersist", "escapechar", "exitonforwardfailure", "forwardagent", "forwardx11",
    "forwardx11timeout", "forwardx11trusted", "gssapidelegatecredentials", "ipqos", "loglevel", "logverbose",
    "numberofpasswordprompts", "rekeylimit", "requesttty", "sendenv", "serveralivecountmax", "setenv",
    "stricthostkeychecking", "syslogfacility", "tcpkeepalive", "updatehostkeys", "verifyhostkeydns", "visualhostkey",
}  # fmt: skip
_SHORT = {
    "4": "addressfamily", "6": "addressfamily", "b": "bindaddress", "c": "ciphers", "F": "-F", "i": "identityfile",
    "J": "proxyjump", "K": "gssapiauthentication", "l": "user", "m": "macs", "p": "port",
}  # fmt: skip
_KEYS = {
    "hostname": "address", "port": "ssh_port", "proxycommand": "jump",
    "proxyjump": "jump", "-F": "ssh_config",
}  # fmt: skip
_SHORT_DROPPED = "AaCEekMnqSTtvXxYy"
_WITH_VALUE = "BbcDEeFIiJLlmOoPpQRSWw"  # ssh(1)

_OPTION = re.compile(r"\s*([A-Za-z0-9]+)(?:\s*=\s*|\s+)(\S.*)", re.DOTALL)


class Argument(NamedTuple):
    """An option that counts: its keyword in lower case (or -F), its value, and how to write it for ssh.

    `variable` and `place` say where it stands.
    """

    keyword: str
    value: str
    words: tuple[str, ...]
    variable: str
    place: Place

    @property
    def key(self) -> str:
        """The key of an inventory that it stands for, or its keyword."""
        return _KEYS.get(self.keyword, self.keyword)

    def filled_in(self, before: str, after: str) -> "Argument":
        """With `after` for `before`."""
        words = tuple(word.replace(before, after) for word in self.words)
        return self._replace(value=self.value.replace(before, after), words=words)

    @property
    def shown(self) -> str:
        """What it is called in an error."""
        return f"{self.keyword} in {self.variable}"


@lru_cache(1000)
def arguments(text: str, variable: str, place: Place) -> tuple[Argument, ...] | UsageError:
    """The options that count among the arguments in a variable, or the error if one of them cannot be honoured.

    They are the same for thousands of hosts, so it keeps them.
    """
    try:
        return tuple(_read(text, variable, place))
    except UsageError as error:
        return error


def _read(text: str, variable: str, place: Place) -> Iterator[Argument]:
    if len(text) > LONGEST:
        raise place.error(f"{variable} is longer than {LONGEST} characters")
    try:
        words = [word.strip() for word in shlex.split(text)]
    except ValueError as error:
        raise place.error(f"{variable} cannot be split into words: {str(error).lower()}") from None
    for letter, value in _options(iter(filter(None, words)), variable, place):
        shown, argument = f"-{letter}", Argument("", value, (f"-{letter}", value), variable, place)
        if letter == "o":
            option = _OPTION.fullmatch(value)
            if not option:
                raise place.error(f"-o in {variable} lacks an option and its value")
            shown = f"-o {option[1]}"
            argument = argument._replace(keyword=option[1].lower(), value=_unquoted(option[2]))
        elif letter in _SHORT:
            argument = argument._replace(keyword=_SHORT[letter])
        if argument.keyword in _HONOURED and (argument.keyword, argument.value) != ("userknownhostsfile", "/dev/null"):
            yield argument._replace(words=tuple(filter(None, argument.words)))
        elif argument.keyword not in {*_DROPPED, "userknownhostsfile"} and letter not in _SHORT_DROPPED:
            raise place.error(
                f"{shown} in {variable} counts in Ansible, and nbfab cannot honour it",
                "put what it is for into ssh_config, and take it out there",
            )


def _options(words: Iterator[str], variable: str, place: Place) -> Iterator[tuple[str, str]]:
    """The options in a command line of ssh, each a letter and its value, as getopt(3) finds them."""
    for word in words:
        if not word.startswith("-") or word in ("-", "--"):
            # Not shown: it may be a password.
            raise place.error(f"{variable} has a word that is not an option of ssh, which would be taken for the host")
        letters = word[1:]
        while letters:
            letter, letters = letters[0], letters[1:]
            if letter not in _WITH_VALUE:
                yield letter, ""
                continue
            value = letters or next(words, "")
            if not value:
                raise place.error(f"-{letter} in {variable} lacks its value")
            yield letter, value
            break


def _unquoted(value: str) -> str:
    value = value.strip()
    return value[1:-1] if len(value) > 1 and value[0] == value[-1] == '"' else value
