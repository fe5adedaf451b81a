"""Open, for editors: what they ask for, and whether it works."""

import os
import re
import subprocess
from pathlib import Path

import pytest
from machine import Machine
from opened import opened
from playwright._impl._driver import compute_driver_executable
from terminal import Terminal

# As VS Code asks; it runs in Node.
ASKS = """
const [url, token] = process.argv.slice(1);
const headers = token ? {Authorization: `token ${token}`} : {};
const tell = what => { console.log(what); process.exit(); };
require('https').get(url, {headers}, answer => tell(answer.statusCode)).on('error', error => tell(error.code));
"""


@pytest.fixture
def there(there: Machine) -> Machine:
    there.program = "nbfab"
    there.ok("setup")
    return there


def _asks(url: str, token: str = "", certificate: str = "") -> str:
    node = str(compute_driver_executable()[0])
    env = {"PATH": os.environ["PATH"], **({"NODE_EXTRA_CA_CERTS": certificate} if certificate else {})}
    done = subprocess.run([node, "-e", ASKS, url, token], env=env, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_what_is_printed_works(there: Machine) -> None:
    with Terminal(there) as terminal:
        terminal.task("open", "--no-browser", "--editor")
        screen = terminal.shows("known: Google Colab")
        (origin, token), *_ = re.findall(r"URL: (https://localhost:[0-9]+)/\?token=(\w+)", screen)
        (certificate,) = re.findall(r"NODE_EXTRA_CA_CERTS=(\S+) code", screen)
        assert "PRIVATE" not in Path(certificate).read_text()
        assert _asks(f"{origin}/api/kernels", token, certificate) == "200"
        assert _asks(f"{origin}/api/kernels?token={token}", "", certificate) == "200"
        assert _asks(f"{origin}/api/kernels", "", certificate) == "403"
        assert "CERT" in _asks(f"{origin}/api/kernels", token)
        terminal.press("C-c")
        terminal.shows("status=0")
    assert token not in (there.folder / "server.log").read_text()


def test_no_secret_in_a_file(there: Machine) -> None:
    with opened(there, "--no-browser", "--editor") as run:
        assert run.port
        run.prints("for an editor: run this on a terminal")
        assert "token=" not in run.said
