"""Where the server's tmux has its socket, on hosts whose /tmp or home folder is no place for it."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from machine import PASSWORD, Machine
from notebook_client import logs_in


def sessions(machine: Machine) -> str:
    """What the command prints that shows the session, if it only lists it."""
    attach = machine.json("status")["state"]["attach"]
    assert attach in machine.ok("status")
    command = attach.replace("attach -t", "list-panes -F '#{session_name}' -t")
    return subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True).stdout


def test_a_folder_in_tmp_that_is_another_users_or_open_to_all_is_of_no_concern(there: Machine) -> None:
    theirs = there.tmux / f"tmux-{os.geteuid()}"
    theirs.mkdir()
    theirs.chmod(0o777)
    if os.geteuid() == 0:
        os.chown(theirs, 4242, 4242)
    there.ok("setup")
    assert sessions(there) == "nbserver\n"
    assert not list(theirs.iterdir())
    assert "nothing changed" in there.ok("setup")


def test_a_home_folder_with_a_long_path(long_home: Machine) -> None:
    long_home.ok("setup")
    folder = long_home.socket.parent
    assert folder.parent == Path("/var/tmp")
    assert folder.stat().st_mode & 0o777 == 0o700
    assert sessions(long_home) == "nbserver\n"
    assert "nothing changed" in long_home.ok("setup")
    long_home.ok("stop")
    assert "not running" in long_home.fails("status")
    # What another user could have made there is not used.
    folder.mkdir(exist_ok=True)
    folder.chmod(0o777)
    (long_home.folder / "socket").write_text(f"{folder}/tmux\n")
    long_home.ok("setup")
    assert long_home.socket.parent != folder
    folder.rmdir()


def test_a_home_folder_that_can_have_no_socket(host: Callable[..., Machine], tmp_path: Path) -> None:
    real = tmp_path / "tmux"
    shutil.copy(str(shutil.which("tmux")), real)
    refuses = tmp_path / "refuses"
    why = "error creating $2 (Operation not supported)"
    refuses.write_text(f'#!/bin/sh\ncase $2:$* in */nbserver/tmux:*new-session*) echo "{why}" >&2; exit 1 ;; esac\n')
    refuses.write_text(refuses.read_text() + f'exec {real} "$@"\n')
    refuses.chmod(0o755)
    machine = host(replace={"/usr/bin/tmux": str(refuses)})
    machine.ok("setup")
    assert machine.socket.parent.parent == Path("/var/tmp")
    assert sessions(machine) == "nbserver\n"
    assert logs_in(machine.port, machine.folder, PASSWORD)
