"""The step `server`."""

import subprocess
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from plan_cases import CLASSIC, KEEP, MODERN, NEW, OWN_PORT, WANTED, after, file, holding, running, seen, wanting
from shells import each_shell

from nbfab.errors import HostError
from nbfab.look.environments import Environment
from nbfab.look.facts import Facts
from nbfab.look.server import Answer, Started
from nbfab.plan import server
from nbfab.plan.steps import STEPS, plan
from nbfab.wanted import Wanted

OTHER = Started("10", "11", "12345", "other", 0)
DOWN = {"alive": False, "answer": None, "session_pids": ()}
BOTH = MODERN._replace(packages={**MODERN.packages, "jupyterlab": "4.2"})
FREE = {"pid": 0, "program": "", "user": ""}


def without(facts: Facts, path: str) -> Facts:
    """A host that lacks a file."""
    return seen(facts, files={"entries": tuple(entry for entry in facts.files.entries if entry.path != path)})


@pytest.mark.parametrize(
    ("facts", "kinds", "reason"),
    [
        ({}, [], ""),
        ({"server": DOWN, "port": FREE}, ["start server"], ""),
        ({"server": {"started": OTHER}}, ["stop server", "start server"], "it was started with other settings"),
        (
            {"server": {"answer": Answer(False, "it hangs")}},
            ["stop server", "start server"],
            "it does not answer (it hangs)",
        ),
        (
            {"server": {"answer": None}},
            ["stop server", "start server"],
            "it does not answer (there is no Python to ask it with)",
        ),
    ],
)
def test_the_server_is_started_if_it_is_not_what_is_wanted(
    facts: Mapping[str, Any], kinds: list[str], reason: str
) -> None:
    changes = list(server.plan(KEEP, seen(running(), **facts)))
    assert [change.kind for change in changes] == kinds
    if "stop server" in kinds:
        assert changes[0].summary == f"stop the server: {reason}"
        assert changes[0].args == {"pid": "11", "start": "12345"}
        assert changes[1].summary == "start it again in tmux on port 9999"
    assert all(change.needs_restart for change in changes)


@pytest.mark.parametrize("entry", [file("run.sh", "other"), None])
def test_the_program_that_tmux_runs_is_written_if_it_differs(entry: Any) -> None:
    right = running()
    wrong = entry or file("run.sh", right.files.text("run.sh"), mode="-rwxr-xr-x")
    (change,) = server.plan(KEEP, holding(right, wrong))
    assert change.summary == "write the program that tmux runs"
    assert after(right, [change]).files.entry("run.sh") == right.files.entry("run.sh")


def test_in_the_foreground_nothing_is_started() -> None:
    facts = after(NEW, plan(WANTED, NEW, STEPS))
    assert list(server.plan(replace(KEEP, foreground=True), facts)) == []
    no_tmux = seen(facts, host={"tmux": False})
    assert list(server.plan(replace(KEEP, foreground=True), no_tmux)) == []


def test_what_the_start_is_given() -> None:
    (change,) = server.plan(
        replace(wanting(profile="GPU2"), seconds=7), after(NEW, plan(wanting(profile="GPU2"), NEW, STEPS))
    )
    assert change.summary == "start the server in tmux on port 9999"
    assert change.args == {
        "profile": "GPU2",
        "python": "/env/bin/python",
        "seconds": "7",
        "port": "9999",
        "certificate": "nbserver.pem",
    }


@pytest.mark.parametrize(
    ("facts", "reason", "fix"),
    [
        (
            {"server": DOWN, "port": FREE, "host": {"tmux": False}},
            "there is no tmux",
            "on the host: sudo apt-get install tmux",
        ),
        (
            {"server": DOWN | {"session_pids": ("77",)}, "port": FREE},
            "the tmux session nbserver exists, and is not the server's",
            "see what runs in it\non the host: tmux -L nbfab attach -t nbserver",
        ),
        (
            {"server": DOWN, "port": {"pid": 9, "program": "nc", "user": "eve"}},
            "port 9999 is taken by process 9 (nc) of user eve",
            "end that, or choose another port\nnbfab --port=10000",
        ),
        (
            {"server": DOWN, "port": {"pid": 0, "program": "", "user": "eve"}},
            "port 9999 is taken by a process of eve",
            "end that, or choose another port\nnbfab --port=10000",
        ),
        (
            {"server": {"started": OTHER}, "port": {"pid": 1, "program": "nc", "user": "eve"}},
            "port 9999 is taken by process 1 (nc) of user eve",
            "end that, or choose another port\nnbfab --port=10000",
        ),
        (
            {"server": {"answer": None, "session_pids": ()}},
            "process 11 looks like its server, but that cannot be proven",
            "on the host: ps -fp 11\non the host: tmux -L nbfab attach -t nbserver",
        ),
    ],
)
def test_why_a_server_cannot_be_started(facts: Mapping[str, Any], reason: str, fix: str) -> None:
    with pytest.raises(HostError) as error:
        list(server.plan(KEEP, seen(running(), **facts)))
    assert (str(error.value), error.value.hint) == (reason, fix)


SET_UP = seen(running(), server=DOWN | {"started": None}, port=FREE)


@pytest.mark.parametrize("environment", [MODERN, CLASSIC], ids=["notebook 7", "notebook 6"])
@pytest.mark.parametrize("wanted", [KEEP, wanting(port=8888, app="lab"), wanting(directory="/data")])
def test_a_server_is_started_as_it_was_set_up_whatever_is_wanted_now(environment: Environment, wanted: Wanted) -> None:
    new = seen(NEW, environments={"found": (environment,)})
    facts = seen(running(WANTED, new), server=DOWN | {"started": None}, port=FREE, environments={"found": (BOTH,)})
    assert server.why_not_set_up(facts) == ""
    change = server.start(wanted, facts)
    assert change.summary == "start the server in tmux on port 9999"
    assert (change.args["python"], change.args["port"]) == (environment.python, "9999")


def test_a_server_that_runs_is_started_again() -> None:
    assert server.start(KEEP, running()).summary == "start it again in tmux on port 9999"


CHANGED = "its files have changed since it was last set up"


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        (SET_UP, ""),
        (NEW, "it has not been set up"),
        (without(SET_UP, "run.sh"), "it has not been set up"),
        (without(SET_UP, "nbserver.pem"), "it is not set up any more: nbserver.pem is missing"),
        (
            without(SET_UP, "jupyter_server_config.py"),
            "it is not set up any more: jupyter_server_config.py is missing",
        ),
        (holding(SET_UP, file("run.sh", "exec something else")), CHANGED),
        (holding(SET_UP, file("run.sh", SET_UP.files.text("run.sh").replace("9999", "9998"))), CHANGED),
        (holding(SET_UP, file("jupyter_server_config.py", "c.ServerApp.port = 9998\n")), CHANGED),
        (holding(SET_UP, file("jupyter_server_config.json", "{}")), ""),  # a server takes up a password as it runs
    ],
)
def test_whether_a_server_is_set_up(facts: Facts, why: str) -> None:
    assert server.why_not_set_up(facts) == why


@pytest.mark.parametrize(
    ("facts", "reason", "fix"),
    [
        ({"host": {"tmux": False}}, "there is no tmux", "on the host: sudo apt-get install tmux"),
        (
            {"port": {"pid": 9, "program": "nc", "user": "eve"}},
            "port 9999 is taken by process 9 (nc) of user eve",
            "end that, or choose another port\nnbfab setup --port=10000",
        ),
        (
            {"server": {"session_pids": ("10", "77")}, "port": OWN_PORT},
            "its tmux session has more windows, and would stay, in the way of the next one",
            "close them\non the host: tmux -L nbfab attach -t nbserver",
        ),
    ],
)
def test_why_a_server_that_is_set_up_cannot_be_started(facts: Mapping[str, Any], reason: str, fix: str) -> None:
    with pytest.raises(HostError) as error:
        server.start(KEEP, seen(running() if "server" in facts else SET_UP, **facts))
    assert (str(error.value), error.value.hint) == (reason, fix)


@pytest.mark.parametrize(
    ("wanted", "facts"),
    [
        (wanting(port=8888), {}),
        (wanting(ip="::1"), {}),
        (wanting(app="lab"), {"environments": {"found": (BOTH,)}}),
        (wanting(profile="other"), {}),
        (replace(WANTED, password=None), {"files": {"directory": "/data"}}),
        (WANTED, {"host": {"uid": "0"}}),
        (WANTED, {"environments": {"found": (MODERN._replace(python="/new/python"),)}}),
    ],
)
def test_whatever_the_server_reads_when_it_starts_is_in_the_digest(wanted: Any, facts: Mapping[str, Any]) -> None:
    _, digest = server.launcher(WANTED, running())
    _, other = server.launcher(wanted, seen(running(), **facts))
    assert digest != other
    assert digest == server.launcher(KEEP, running())[1]


def test_the_digest_leaves_out_what_the_server_does_not_read() -> None:
    _, digest = server.launcher(WANTED, running())
    for wanted in (wanting(days=9), wanting(names=["lab"]), replace(WANTED, restart=True, seconds=1)):
        assert server.launcher(wanted, running())[1] == digest


@each_shell
def test_the_program_that_tmux_runs_is_sh(shell: tuple[str, ...]) -> None:
    script, digest = server.launcher(wanting(directory="/data/it's"), seen(files={"folder": "/home/o'neill/x"}))
    subprocess.run([*shell, "-n"], input=script.encode(), check=True, timeout=60)
    assert f"digest={digest}\n" in script
    assert (
        "needed='jupyter_server_config.py jupyter_server_config.json nbserver.pem nbfab_server/__init__.py'\n" in script
    )


@pytest.mark.parametrize(
    ("facts", "notes"),
    [
        ({}, []),
        ({"host": {"uid": "0"}}, ["the server runs as root (--allow-root): anyone with the password is root there"]),
        (
            {"host": {"uid": "0"}, "server": DOWN},
            ["once started, the server runs as root (--allow-root): anyone with the password is root there"],
        ),
        (
            {"server": {"session_pids": ()}},
            ["the server does not run in nbfab's tmux session: it ends with the terminal it was started in"],
        ),
        ({"server": DOWN}, []),
    ],
)
def test_the_notes_on_a_server(facts: Mapping[str, Any], notes: list[str]) -> None:
    at = seen(running(), **facts)
    assert [*server.standing(WANTED, at), *server.notes(WANTED, at)] == notes
