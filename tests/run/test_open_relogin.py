"""Open, where to log in takes what a person types: it is typed once, and seen by no one else."""

import contextlib
import subprocess
from pathlib import Path

import pytest
from machine import Machine
from sshd import wait_until
from terminal import Terminal

SECRET = "open sesame 4711"


@pytest.fixture
def there(there: Machine) -> Machine:
    """A host whose server runs, and a key with a passphrase that lets in there."""
    there.program = "nbfab"
    there.ok("setup")
    assert there.sshd
    command = ["ssh-keygen", "-q", "-p", "-N", SECRET, "-f", str(there.sshd.identity)]
    subprocess.run(command, check=True, capture_output=True)
    return there


def seen_by_others(secret: str) -> list[str]:
    """Where a secret is in the argv or the environment of a process."""
    found = []
    for name in ("cmdline", "environ"):
        for file in Path("/proc").glob(f"[0-9]*/{name}"):
            with contextlib.suppress(OSError):
                if secret.encode() in file.read_bytes():
                    found.append(str(file))
    return found


@pytest.mark.parametrize("transport", ["paramiko", "openssh"])
def test_a_passphrase_is_typed_once(there: Machine, transport: str) -> None:
    assert there.sshd
    with Terminal(there) as terminal:
        terminal.task("open", "--no-browser", f"--ssh={transport}")
        terminal.shows("Enter passphrase for key")
        terminal.type(SECRET)
        terminal.shows("(Control-C closes")
        for times in (1, 2):
            there.sshd.cut()
            wait_until(lambda times=times: terminal.screen.count("connected again") == times, "the link")  # type: ignore[misc]
            assert not seen_by_others(SECRET)
        assert terminal.screen.count("Enter passphrase") == 1
        assert SECRET not in terminal.screen
        terminal.press("C-c")
        terminal.shows("status=0")
