"""Start and restart: the server as it was last set up, and nothing else."""

import os
import signal
from contextlib import suppress
from pathlib import Path

from machine import PASSWORD, ROOT, Machine
from notebook_client import Notebook, logs_in
from processes import lives
from sshd import free_port


def test_a_server_is_started_as_it_was_set_up_and_nothing_else_changes(here: Machine) -> None:
    here.ok("setup")
    before = here.files()
    assert "it runs already" in here.ok("start")
    here.ok("stop")
    # What would be another server, if it were set up now.
    other = {"NBFAB_PORT": str(free_port()), "NBFAB_APP": "lab", "NBFAB_NAME": "lab.example.org", "NBFAB_DAYS": "9"}
    told = here.json("start", password="another horse battery", **other)
    assert told["verdict"] == "changed"
    assert [change["kind"] for change in told["changes"]] == ["start server"]
    assert told["url"] == f"https://localhost:{here.port}/"
    assert here.files() == before
    assert logs_in(here.port, here.folder, PASSWORD)
    assert "nothing would change" in here.ok("plan")


def test_a_restart_spares_live_kernels_unless_they_may_end(here: Machine) -> None:
    here.ok("setup")
    before, server = here.files(), here.server
    kernel = Notebook(here.port, here.folder, PASSWORD).post("/api/kernels", {"name": "nbserver"})["id"]
    said = here.fails("restart")
    assert f"that would end kernel {kernel[:8]}" in said
    assert f"inv -r {ROOT} restart --force" in said
    assert here.server == server
    told = here.json("restart", "--force")
    assert [change["kind"] for change in told["changes"]] == ["stop server", "start server"]
    assert not lives(server)
    assert here.server not in (0, server)
    assert here.files() == before
    assert Notebook(here.port, here.folder, PASSWORD).get("/api/kernels") == []
    here.ok("stop")
    assert [change["kind"] for change in here.json("restart")["changes"]] == ["start server"]


def test_a_host_that_was_never_set_up_is_left_as_it_is(here: Machine) -> None:
    for task in ("start", "restart"):
        said = here.fails(task)
        assert "it has not been set up" in said
        assert f"fix          inv -r {ROOT} setup" in said
    assert not here.folder.exists()


def test_files_that_are_not_of_one_setup_are_set_up_first(here: Machine) -> None:
    here.ok("setup")
    here.ok("stop")
    port = free_port()
    here.ok("config", "--port", str(port))
    said = here.fails("start")
    assert "its files have changed since it was last set up" in said
    assert f"fix          inv -r {ROOT} setup" in said
    assert not here.server
    del here.env["NBFAB_PORT"]
    here.ok("setup")
    here.ok("restart")
    assert logs_in(port, here.folder, PASSWORD)


def test_nothing_ends_if_it_could_not_be_started_again(here: Machine) -> None:
    here.ok("setup")
    server = here.server
    (here.folder / "nbserver.pem").rename(here.work / "kept.pem")
    assert "nbserver.pem is missing" in here.fails("restart", "--force")
    assert here.server == server
    (here.work / "kept.pem").rename(here.folder / "nbserver.pem")
    here.ok("restart")


def test_a_start_on_a_host_costs_one_connection_and_two_execs(there: Machine) -> None:
    assert there.sshd
    there.ok("setup")
    there.ok("stop")
    connections, commands = there.sshd.connections, len(there.sshd.commands)
    assert "start the server in tmux" in there.ok("start")
    assert (there.sshd.connections - connections, len(there.sshd.commands) - commands) == (1, 2)
    assert logs_in(there.port, there.folder, PASSWORD)
    assert "it runs already" in there.ok("start")
    assert (there.sshd.connections - connections, len(there.sshd.commands) - commands) == (2, 3)
    assert "start it again in tmux" in there.ok("restart")
    assert logs_in(there.port, there.folder, PASSWORD)


def test_a_start_a_moment_after_a_crash_leaves_one_server(here: Machine) -> None:
    here.ok("setup")
    os.kill(here.server, signal.SIGKILL)
    here.ok("start")
    assert not (here.folder / "socket").exists()  # of a second tmux
    assert servers(here) == [here.server]
    here.ok("stop")
    assert servers(here) == []


def servers(machine: Machine) -> list[int]:
    """The processes that have the profile's configuration."""
    mark = f"--config={machine.folder}/".encode()
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            if mark in entry.read_bytes():
                found.append(int(entry.parent.name))
    return found
