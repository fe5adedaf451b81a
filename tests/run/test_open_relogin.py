"""Open, where to log in takes what a person types: it is typed once, and seen by no one else."""

import contextlib
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from machine import Machine
from opened import opened
from sshd import wait_until
from terminal import Terminal

SECRET = "open sesame 4711"


def with_passphrase(machine: Machine, phrase: str, old: str = "") -> None:
    assert machine.sshd
    command = ["ssh-keygen", "-q", "-p", "-P", old, "-N", phrase, "-f", str(machine.sshd.identity)]
    subprocess.run(command, check=True, capture_output=True)


@pytest.fixture
def there(there: Machine) -> Machine:
    """A host whose server runs."""
    there.program = "nbfab"
    there.ok("setup")
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
    with_passphrase(there, SECRET)
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


def test_a_new_passphrase_is_asked_for_at_the_terminal(there: Machine) -> None:
    assert there.sshd
    with_passphrase(there, SECRET)
    with Terminal(there) as terminal:
        terminal.task("open", "--no-browser")
        terminal.shows("Enter passphrase for key")
        terminal.type(SECRET)
        terminal.shows("(Control-C closes")
        with_passphrase(there, "another 4711", SECRET)
        there.sshd.cut()
        terminal.shows("box: Enter passphrase for key")
        terminal.type("another 4711")
        terminal.shows("connected again")
        assert "another 4711" not in terminal.screen
        there.sshd.cut()
        wait_until(lambda: terminal.screen.count("connected again") == 2, "the link")
        assert terminal.screen.count("box: Enter passphrase") == 1
        terminal.press("C-c")
        terminal.shows("status=0")
        terminal.type("echo what is typed is shown")
        assert "echo what is typed" in terminal.shows("what is typed is shown\n")


def test_without_a_terminal_the_page_says_what_to_type_and_waits(there: Machine) -> None:
    assert there.sshd
    with opened(there, "--no-browser") as page:
        assert page.port
        with_passphrase(there, SECRET)
        there.sshd.cut()
        page.prints("takes a person")
        assert f"it asks \"Enter passphrase for key '{there.sshd.identity}':\"" in page.said
        assert "type here: nbfab" in page.said
        before = there.sshd.connections
        assert page.said.count("takes a person") == 1
        assert before == there.sshd.connections
        assert page.close() == 0


def test_without_a_terminal_a_first_login_that_takes_a_person_has_an_exit_status_of_its_own(there: Machine) -> None:
    with_passphrase(there, SECRET)
    there.fails("open", "--no-browser", status=4)
    there.fails("status", status=1)


def root_s_password(folder: Path) -> Path:
    """A shadow file in which root has the password."""
    made = subprocess.run(
        ["openssl", "passwd", "-6", "-stdin"], input=SECRET, capture_output=True, text=True, check=True
    )
    file = folder / "shadow"
    file.write_text(f"root:{made.stdout.strip()}:19000:0:99999:7:::\n")
    file.chmod(0o600)
    return file


def test_a_password_and_a_jump_host_are_typed_once(host: Callable[..., Machine], tmp_path: Path) -> None:
    there = host(replace={"/etc/shadow": str(root_s_password(tmp_path))})
    jump = host()
    assert there.sshd
    assert jump.sshd
    there.program = "nbfab"
    there.ok("setup")
    with_passphrase(jump, "jump 4711")
    (there.sshd.folder / "authorized_keys").write_text("")
    there.sshd.write_config(
        f"Host jump\n  HostName 127.0.0.1\n  Port {jump.sshd.port}\n  IdentityFile {jump.sshd.identity}\n"
        "Host box\n  ProxyJump jump\n"
    )
    there.sshd.trust(*there.sshd.host_keys)
    with open(there.sshd.known_hosts, "a") as file:
        file.write(jump.sshd.known_line(jump.sshd.host_keys[0]))
    with Terminal(there) as terminal:
        terminal.task("open", "--no-browser")
        terminal.shows("Enter passphrase for key")
        terminal.type("jump 4711")
        terminal.shows("@127.0.0.1's password:")
        terminal.type(SECRET)
        terminal.shows("(Control-C closes")
        for times, cut in enumerate((there.sshd, jump.sshd), 1):
            cut.cut()
            wait_until(lambda times=times: terminal.screen.count("connected again") == times, "the link")  # type: ignore[misc]
        assert terminal.screen.count("Enter passphrase") == 1
        assert terminal.screen.count("password:") == 1
        terminal.press("C-c")
        terminal.shows("status=0")
    assert there.sshd.log.count("Failed password") == 0
