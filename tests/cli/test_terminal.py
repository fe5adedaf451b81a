"""What a person at a terminal is asked, and what they see of it."""

from machine import PASSWORD, ROOT, Machine
from notebook_client import Notebook, logs_in
from terminal import Terminal


def test_a_password_is_typed_twice_unseen_and_live_kernels_are_asked_for(here: Machine) -> None:
    with Terminal(here) as terminal:
        terminal.task("serve")
        terminal.shows("Password for the notebook (at least 12 characters; empty: one is generated):")
        terminal.type("short")
        # What is typed before it asks again is thrown away.
        terminal.shows("a password must have at least 12 characters\nPassword for the notebook")
        terminal.type(PASSWORD)
        terminal.shows("Type it again:")
        terminal.type(PASSWORD)
        screen = terminal.shows("status=0")
        assert PASSWORD not in screen
        assert "Password: " not in screen
        assert logs_in(here.port, here.folder, PASSWORD)
        kernel = Notebook(here.port, here.folder, PASSWORD).post("/api/kernels", {"name": "nbserver"})["id"]
        for task in ("stop", "restart"):
            terminal.type("clear")
            terminal.task(task)
            terminal.shows(f"end kernel {kernel[:8]}")
            terminal.type("n")
            terminal.shows("status=1")
        assert kernel in [running["id"] for running in Notebook(here.port, here.folder, PASSWORD).get("/api/kernels")]
        terminal.type("clear")
        terminal.task("stop")
        terminal.shows(f"end kernel {kernel[:8]}")
        terminal.type("y")
        terminal.shows("status=0")
        assert "has ended" in terminal.screen


def test_a_host_key_that_is_not_known_is_shown_and_asked_about(there: Machine) -> None:
    assert there.sshd
    there.sshd.known_hosts.write_text("")
    there.work = ROOT  # for `fab`, which runs in the clone
    with Terminal(there) as terminal:
        terminal.task("status")
        terminal.shows("Is this the host's key? [y/N]")
        assert "box: its host key is not known: ssh-ed25519 SHA256:" in terminal.screen
        assert "ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub" in terminal.screen
        terminal.type("")
        terminal.shows("status=1")
        assert there.sshd.known_hosts.read_text() == ""
        terminal.type("clear")
        terminal.task("status")
        terminal.shows("Is this the host's key? [y/N]")
        terminal.type("y")
        terminal.shows("not running")
        assert there.sshd.known_hosts.read_text() == there.sshd.known_line(there.sshd.host_keys[0])


def test_an_empty_answer_makes_a_password(here: Machine) -> None:
    with Terminal(here) as terminal:
        terminal.task("serve")
        terminal.shows("Password for the notebook")
        terminal.type("")
        screen = terminal.shows("status=0")
        made = screen.split("Password: ")[1].split()[0]
        assert logs_in(here.port, here.folder, made)
        terminal.type("clear")
        terminal.task("password")
        terminal.shows("New password for the notebook (empty: keep the one it has):")
        terminal.type("")
        assert "nothing changed" in terminal.shows("status=0")
        assert logs_in(here.port, here.folder, made)
