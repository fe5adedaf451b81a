"""The prompts of `ssh`: their words, and how they come to a program of ours (SSH_ASKPASS in ssh(1)).

What is answered goes through a socket in a folder of our own: it is in no argument, environment or file.
"""

import os
import re
import shlex
import sys
from collections.abc import Mapping

ASKS = (8, 4)  # the first OpenSSH that uses SSH_ASKPASS on a terminal, too
MARKS = (8, 5)  # the first that begins the prompts of a server with whose they are
LONGEST = 100_000  # bytes of a prompt
# What ssh runs for a prompt, in Python's isolated mode: it prints the answer, or fails if there is none.
_HELPER = """
import os, socket, sys
link = socket.socket(socket.AF_UNIX)
link.connect(sys.argv[1])
link.sendall("\\0".join([os.environ.get("SSH_ASKPASS_PROMPT", ""), *sys.argv[2:]]).encode(errors="surrogateescape"))
link.shutdown(socket.SHUT_WR)
answer = b"".join(iter(lambda: link.recv(4096), b""))
if not answer:
    sys.exit(1)
sys.stdout.buffer.write(answer)
"""
_FOR_KEY = "Enter passphrase for key '"
_OF_SERVER = re.compile(r"\([^()\s]*@[^()\s]*\) ")
_LASTING = re.compile(r"passw|kennwort|mot de passe|wachtwoord|senha|contrase", re.IGNORECASE)
_ONCE = re.compile(r"one.?time|\b(otp|code|token|pin|passcode|factor|verification|new|current)\b", re.IGNORECASE)


def write_helper(path: str, socket: str) -> None:
    """Writes the program that asks at a socket of ours. Raises OSError."""
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o700), "w", encoding="utf-8") as file:
        file.write(f'#!/bin/sh\nexec {shlex.join([sys.executable, "-I", "-S", "-c", _HELPER, socket])} "$@"\n')


def environment(helper: str) -> Mapping[str, str]:
    """What makes `ssh` run that program. Without a display, OpenSSH would not ask at all."""
    return {"SSH_ASKPASS": helper, "SSH_ASKPASS_REQUIRE": "force", "DISPLAY": os.environ.get("DISPLAY") or ":"}


def for_key(path: str) -> str:
    """The prompt for a key's passphrase."""
    return f"{_FOR_KEY}{path[:100]}': "


def for_password(user: str, host: str) -> str:
    """The prompt for a password."""
    return f"{user[:30]}@{host[:128]}'s password: "


def of_server(user: str, host: str, prompt: str) -> str:
    """A prompt of a server's, marked as such."""
    return f"({user}@{host}) {prompt}"


def is_for_key(prompt: str) -> bool:
    """Whether it is ssh itself that asks for a key's passphrase: no server gets the answer."""
    return prompt.startswith(_FOR_KEY)


def lasts(prompt: str) -> bool:
    """Whether the answer may be the same the next time: a passphrase or a password, not a code."""
    if is_for_key(prompt):
        return True
    words = _OF_SERVER.sub("", prompt, count=1)
    return bool(_LASTING.search(words)) and not _ONCE.search(words)
