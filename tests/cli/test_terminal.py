"""What a person at a terminal is asked, and what they see of it."""

from machine import PASSWORD, Machine
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
        terminal.type("clear")
        terminal.task("stop")
        terminal.shows("[y/N]")
        terminal.type("n")
        terminal.shows("status=1")
        assert kernel in [running["id"] for running in Notebook(here.port, here.folder, PASSWORD).get("/api/kernels")]
        terminal.type("clear")
        terminal.task("stop")
        terminal.shows(f"end kernel {kernel[:8]}")
        terminal.type("y")
        terminal.shows("status=0")
        assert "has ended" in terminal.screen


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
        terminal.shows("New password (at least 12 characters; empty: keep the one it has):")
        terminal.type("")
        assert "nothing changed" in terminal.shows("status=0")
        assert logs_in(here.port, here.folder, made)
