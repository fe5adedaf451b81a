"""Where the server's tmux is looked for, in the shells that hosts have."""

import os
import socket
from pathlib import Path

import pytest
from shells import each_shell, records, run, stub

from nbfab.program import call, functions

TMUX = functions("look/json", "look/tmux")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The profile's folder, on a host whose tmux has the session nbserver on sockets for which there is a file."""
    (tmp_path / "bin").mkdir()
    # list-panes prints what is in a file that is named as the socket is, or as -L.
    stub(tmp_path / "bin", "tmux", f'case $1 in -S) cat "$2.panes" ;; *) cat {tmp_path}/old.panes ;; esac 2>/dev/null')
    (tmp_path / "profile").mkdir()
    return tmp_path / "profile"


def listen(path: Path, *panes: int) -> None:
    """A socket, and the panes of the tmux behind it."""
    with socket.socket(socket.AF_UNIX) as bound:
        here = os.getcwd()
        os.chdir(path.parent)  # the path of a socket has to be short
        bound.bind(path.name)
        os.chdir(here)
    path.with_name(f"{path.name}.panes").write_text("".join(f"nbserver={pid}\n" for pid in panes) + "other=99\n")


def found(shell: tuple[str, ...], folder: Path, runner: str = "") -> tuple[str, str]:
    """The panes and the socket that are found, for a server that was started in that process."""
    program = f"PATH={folder.parent}/bin:$PATH\n{TMUX}folder={folder} profile=nbserver\n"
    program += call("look_tmux", runner) + call("print_facts")
    facts = {name: value for record in records(run(shell, program)) for name, value in record.items()}
    return facts["server.session_pids"].strip(), facts["server.socket"]


@each_shell
def test_a_profile_has_a_tmux_of_its_own(shell: tuple[str, ...], folder: Path) -> None:
    assert found(shell, folder) == ("", f"{folder}/tmux")
    listen(folder / "tmux", 7, 8)
    assert found(shell, folder) == ("7 8", f"{folder}/tmux")


@each_shell
@pytest.mark.parametrize("mode", [0o700, 0o755, 0o777])
def test_a_socket_elsewhere_counts_if_no_one_else_could_have_made_it(
    shell: tuple[str, ...], folder: Path, mode: int
) -> None:
    elsewhere = folder.parent / "elsewhere"
    elsewhere.mkdir()
    elsewhere.chmod(mode)
    listen(elsewhere / "tmux", 7)
    (folder / "socket").write_text(f"{elsewhere}/tmux\n")
    assert found(shell, folder) == (("7", f"{elsewhere}/tmux") if mode == 0o700 else ("", ""))
    (folder.parent / "link").symlink_to(elsewhere)
    (folder / "socket").write_text(f"{folder.parent}/link/tmux\n")
    assert found(shell, folder) == ("", "")


@each_shell
def test_the_tmux_of_an_earlier_release_counts_if_the_server_runs_in_it(shell: tuple[str, ...], folder: Path) -> None:
    (folder.parent / "old.panes").write_text("nbserver=7\nnbserver=8\n")
    assert found(shell, folder) == ("", f"{folder}/tmux")
    assert found(shell, folder, "9") == ("", f"{folder}/tmux")
    assert found(shell, folder, "8") == ("7 8", "")
