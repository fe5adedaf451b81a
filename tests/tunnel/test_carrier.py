"""What a carrier has its `ssh` do, and what it does not let a host have it do."""

import asyncio
import os
import sys
from pathlib import Path

import pytest

from nbfab.tunnel.carrier import Carrier, Failed

# Stands for `ssh`: notes its arguments, and is logged in at once.
FAKE = """#!{python}
import os, sys, time
open({log!r}, "a").write(repr(sys.argv[1:]) + "\\n")
path = next((word for word in sys.argv if word.startswith("ControlPath=")), "").partition("=")[2]
if "-O" not in sys.argv and "-N" in sys.argv:
    open(path, "w")
    time.sleep(60)
"""


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    folder = tmp_path / "bin"
    folder.mkdir()
    ssh = folder / "ssh"
    ssh.write_text(FAKE.format(python=sys.executable, log=str(tmp_path / "log")))
    ssh.chmod(0o755)
    return folder


def start(programs: Path, target: str) -> list[str]:
    """Starts a carrier; the arguments of each `ssh` that it has run."""

    async def story() -> None:
        env = {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}", "SECRET": "hunter2"}
        carrier = Carrier(("ssh", "--", "box"), target, str(programs.parent / "one"), env)
        try:
            await asyncio.wait_for(carrier.start(10), 30)
        finally:
            await carrier.end()

    os.environ["PATH"], before = f"{programs}:{os.environ['PATH']}", os.environ["PATH"]
    try:
        asyncio.run(story())
    finally:
        os.environ["PATH"] = before
    return (programs.parent / "log").read_text().splitlines()


def test_no_shell_is_started_there_by_an_old_ssh_either(programs: Path) -> None:
    assert start(programs, "127.0.0.1:8888")[0].startswith("['-N', '-T', ")


def test_a_host_that_names_its_socket_learns_nothing_of_our_environment(programs: Path) -> None:
    with pytest.raises(Failed, match="does not forward"):
        start(programs, "/tmp/${SECRET}")
    assert "SECRET" not in (programs.parent / "log").read_text()


def test_a_host_that_names_no_path_at_all_does_not_end_open(programs: Path) -> None:
    with pytest.raises(Failed, match="does not forward"):
        start(programs, "/tmp/\0")


def test_a_percent_sign_in_a_path_there_is_meant_as_such(programs: Path) -> None:
    assert "one/s:/srv/100%%/relay-1'" in start(programs, "/srv/100%/relay-1")[1]
