"""Open: from nothing to a page here, and what stays of it whatever happens to the connection."""

import re
import subprocess

import pytest
from machine import PASSWORD, Machine
from notebook_client import Notebook
from opened import opened


@pytest.fixture
def there(there: Machine) -> Machine:
    there.program = "nbfab"
    return there


def test_from_nothing_to_the_page(there: Machine) -> None:
    assert "no one has confirmed" in there.fails("open")
    with opened(there, "--yes", "--no-browser") as page:
        assert Notebook(page.port, there.folder, PASSWORD).get("/api")["version"]
        assert there.sshd
        there.sshd.cut()
        page.prints("connected again")
        assert Notebook(page.port, there.folder, PASSWORD).get("/api")["version"]
        assert page.close() == 0
    assert there.json("status")["state"]["running"]
    with opened(there, "--no-browser") as page:
        assert page.port


def test_it_starts_a_server_that_was_stopped(there: Machine) -> None:
    there.ok("setup")
    there.ok("stop")
    with opened(there, "--no-browser") as page:
        assert Notebook(page.port, there.folder, PASSWORD).get("/api")["version"]


def test_a_new_host_takes_one_question(there: Machine) -> None:
    with opened(there, "--yes", "--no-browser", NBFAB_PASSWORD="") as page:
        port = page.port
        (password,) = re.findall(r"Password: (\S+)", page.said)
        assert Notebook(port, there.folder, password).get("/api")["version"]


def test_who_forgets_the_s_is_sent_to_https(there: Machine) -> None:
    with opened(there, "--yes", "--no-browser") as page:
        words = ["curl", "--silent", "--noproxy", "*", "--max-time", "30", "--head"]
        done = subprocess.run(
            [*words, f"http://localhost:{page.port}/tree"], capture_output=True, text=True, check=True
        )
        assert done.stdout.startswith("HTTP/1.1 307 ")
        assert f"\nLocation: https://localhost:{page.port}/tree\n" in done.stdout.replace("\r", "")
