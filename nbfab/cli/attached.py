"""Hands the terminal to the server's tmux session: this program becomes `ssh`, or `tmux` itself on this machine."""

import os
import shlex
import sys
from collections.abc import Sequence

from nbfab.ssh.process import environment

# tmux ends at once with a TERM that the machine it runs on does not know (terminfo(5)), such as xterm-ghostty.
KNOWN = 'infocmp "$TERM" >/dev/null 2>&1 || TERM=xterm-256color; export TERM; exec "$@"'
# By the user's own hand, so with a terminal and an escape character; the first value of each counts.
OWN = {
    "IgnoreUnknown": "KnownHostsCommand,SessionType,ForkAfterAuthentication,StdinNull",
    "SessionType": "default",
    "EscapeChar": "~",
}


def command(ssh: Sequence[str], attaches: Sequence[str]) -> list[str]:
    """The command line that attaches, over the `ssh` of a host, or here if that is empty.

    It goes through the login shell there, whichever that is: it has no more than words in single quotes.
    """
    words = ["/bin/sh", "-c", KNOWN, "sh", *attaches]
    if not ssh:
        return words
    options = [word for key, value in OWN.items() for word in ("-o", f"{key}={value}")]
    return [ssh[0], "-tt", *options, *ssh[1:], f"exec {shlex.join(words)}"]


def go_on(ssh: Sequence[str], attaches: Sequence[str]) -> None:
    """Becomes it; does not return."""
    sys.stdout.flush()
    sys.stderr.flush()
    words = command(ssh, attaches)
    kept = {name: value for name, value in os.environ.items() if name not in ("TMUX", "TMUX_PANE")}
    os.execvpe(words[0], words, environment({"TERM": os.environ.get("TERM", "")}) if ssh else kept)  # noqa: S606
