"""The sh that looks for the members of a cluster, and has them try each other, in the shells that hosts have."""

import json
import os
import socket
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from processes import start_of
from shells import NASTY, each_shell, records, run, stub

from nbfab.look.cluster import ClusterFacts, Running, Seen
from nbfab.look.facts import parse_cluster
from nbfab.plan.kernelspec import kernelspec, text
from nbfab.program import call, functions

FILES = ("look/json", "look/look", "look/process", "look/tmux", "look/cluster", "look/pairs")
HERE = str(os.getpid())
SEEN = {"versions": {"python": "3.11.2"}, "address": "192.0.2.7", "taken": [10000]}
PLACES = ("data", 'it\'s a "b"', "$HOME `id` $(id)", "line\nline", "näme 日本")
each_place = pytest.mark.parametrize("place", PLACES)


class Box:
    """A host whose profile `lab` is in `folder`, with stand-ins for two Pythons, and for tmux."""

    def __init__(self, folder: Path, place: str) -> None:
        self.data, self.bin = folder / place, folder / "bin"
        self.folder = self.data / "nbfab/lab"
        (self.folder / "cluster").mkdir(parents=True)
        self.bin.mkdir()
        self.python, self.server = self.data / "python", self.data / "server python"
        self.says(json.dumps(SEEN))
        stub(self.data, "server python", "exit 1")
        stub(self.bin, "tmux", "exit 1")

    def says(self, text: str, status: int = 0, more: str = "") -> None:
        """Has the Python print that."""
        (self.data / "answer").write_text(text)
        stub(self.data, "python", f'{more}\ncat "${{0%/*}}/answer"; exit {status}')

    def note(self, role: str, *words: str) -> None:
        """Notes the start of a member."""
        (self.folder / f"cluster/{role}.started").write_text(" ".join(words) + "\n")

    def run(self, shell: tuple[str, ...], program: str) -> list[dict[str, Any]]:
        env = {"XDG_DATA_HOME": str(self.data), "PATH": f"{self.bin}:{os.environ['PATH']}"}
        return records(run(shell, functions(*FILES) + call("find_profile", profile="lab") + program, env=env))

    def looks(self, shell: tuple[str, ...], *, python: bool = False, server: bool = False) -> ClusterFacts:
        """The facts of what runs, and with `python` of what that one has."""
        asked = str(self.python) if python else ""
        named = {
            "cluster_server": str(self.server) if server else asked,
            "cluster_probe": "the probe" if python else "",
        }
        return parse_cluster(self.run(shell, call("look_cluster", cluster_python=asked, cluster_kernel="", **named)))

    def finds(self, shell: tuple[str, ...], kernel: str, interpreter: str) -> ClusterFacts:
        """The facts of what the Python has that is in the text of a kernel's specification."""
        (self.folder / "kernel.json").write_text(kernel)
        named = {"cluster_python": "", "cluster_server": "", "cluster_kernel": "kernel.json"}
        looks = call("look_cluster", interpreter=interpreter, cluster_probe="the probe", **named)
        return parse_cluster(self.run(shell, looks))

    def asked(self, facts: ClusterFacts) -> ClusterFacts:
        """The facts, with the Pythons that were asked for them."""
        return replace(facts, python=str(self.python), server=str(self.server))


@each_shell
@each_place
def test_a_member_that_runs_is_seen_with_what_it_was_started_with(
    shell: tuple[str, ...], place: str, tmp_path: Path
) -> None:
    box = Box(tmp_path, place)
    assert box.looks(shell) == ClusterFacts()
    box.note("worker", HERE, start_of(HERE), "abc", "1800000000")
    assert box.looks(shell).runs == (Running("worker", "abc", 1_800_000_000),)
    box.note("scheduler", HERE, start_of(HERE), "def", "1800000001")
    assert [each.role for each in box.looks(shell).runs] == ["scheduler", "worker"]


@each_shell
@pytest.mark.parametrize(
    "words",
    [
        (),
        (HERE,),
        (HERE, start_of(HERE)),
        (HERE, start_of(HERE), "abc"),
        (HERE, "1", "abc", "1800000000"),
        ("", start_of(HERE), "abc", "1800000000"),
        ("999999999", "7", "abc", "1800000000"),
        ("$(id)", "`id`", "abc", "1800000000"),
        ("*", "*", "*", "*"),
    ],
)
def test_a_note_of_a_process_that_is_another_one_now_is_none_of_a_member_that_runs(
    shell: tuple[str, ...], words: tuple[str, ...], tmp_path: Path
) -> None:
    box = Box(tmp_path, "data")
    box.note("worker", *words)
    assert box.looks(shell).runs == ()


@each_shell
def test_a_member_that_has_outlived_what_starts_it_anew_is_seen(shell: tuple[str, ...], tmp_path: Path) -> None:
    box = Box(tmp_path, "data")
    stub(box.bin, "tmux", 'case $* in *"has-session -t =cluster/worker") exit 0 ;; *) exit 1 ;; esac')
    with socket.socket(socket.AF_UNIX) as bound:
        here = os.getcwd()
        os.chdir(box.folder)  # the path of a socket has to be short
        bound.bind("tmux")
        os.chdir(here)
    assert box.looks(shell).runs == ()
    for role in ("scheduler", "worker"):
        box.note(role, "999999999", "7", "abc", "1800000000")
    assert box.looks(shell).runs == (Running("worker", "-", 0),)


@each_shell
@each_place
def test_what_the_python_of_the_notebooks_has_is_told(shell: tuple[str, ...], place: str, tmp_path: Path) -> None:
    box = Box(tmp_path, place)
    assert box.looks(shell).seen == Seen()
    facts = box.looks(shell, python=True, server=True)
    assert facts == box.asked(ClusterFacts(seen=Seen({"python": "3.11.2"}, "192.0.2.7", frozenset({10000}))))


def specification(python: str) -> str:
    """As nbfab writes it."""
    return text(kernelspec(python, "lab", 'Python 3 "lab"', debugger=True))


@each_shell
@pytest.mark.parametrize("place", ["data", "it's $HOME `id` $(id)", "a, b"])
def test_the_python_of_the_kernel_is_asked_that_the_profile_has(
    shell: tuple[str, ...], place: str, tmp_path: Path
) -> None:
    box = Box(tmp_path, place)
    facts = box.finds(shell, specification(str(box.python)), str(box.server))
    assert facts == box.asked(ClusterFacts(seen=Seen({"python": "3.11.2"}, "192.0.2.7", frozenset({10000}))))
    assert box.finds(shell, specification(str(box.python)), "").server == str(box.python)


@each_shell
@pytest.mark.parametrize(
    "kernel",
    [
        "",
        "{}",
        "[",
        '{"argv": []}',
        '{"argv": ["python", "-m"]}',
        "\0",
        specification("/nowhere"),
        specification('/"\\\n'),
    ],
)
def test_without_a_python_in_a_specification_none_is_asked(shell: tuple[str, ...], kernel: str, tmp_path: Path) -> None:
    box = Box(tmp_path, "data")
    assert box.finds(shell, kernel, str(box.server)) == ClusterFacts()
    (box.folder / "kernel.json").unlink()
    assert box.looks(shell) == ClusterFacts()


@each_shell
def test_one_python_that_serves_and_has_the_proxy_is_asked_once(shell: tuple[str, ...], tmp_path: Path) -> None:
    box = Box(tmp_path, "data")
    box.says(json.dumps({**SEEN, "proxy": True}), more=f"echo >>{tmp_path}/asked")
    assert box.looks(shell, python=True).proxy
    assert (tmp_path / "asked").read_text() == "\n"
    box.says(json.dumps({**SEEN, "proxy": False}))
    assert not box.looks(shell, python=True).proxy


@each_shell
def test_the_python_gets_the_program_and_starts_where_it_can_import_nothing_of_the_users(
    shell: tuple[str, ...], tmp_path: Path
) -> None:
    box = Box(tmp_path, "data")
    box.says(json.dumps(SEEN), more=f'printf "%s\\n" "$#" "$@" "$PWD" >{tmp_path}/words')
    box.looks(shell, python=True, server=True)
    assert (tmp_path / "words").read_text().splitlines() == ["2", "-Bc", "the probe", "/"]


@each_shell
def test_the_server_shows_a_dashboard_if_it_has_the_proxy(shell: tuple[str, ...], tmp_path: Path) -> None:
    box = Box(tmp_path, "data")
    assert not box.looks(shell, python=True, server=True).proxy
    stub(box.data, "server python", 'case $* in "-BIc "*find_spec*jupyter_server_proxy*) exit 0 ;; *) exit 1 ;; esac')
    assert box.looks(shell, python=True, server=True).proxy


@each_shell
@pytest.mark.parametrize("last", ["it's broken", 'No module named "json"', "a\\b\\\\c", "%s%d", "-n"])
def test_a_python_that_fails_is_told_by_its_last_words(shell: tuple[str, ...], last: str, tmp_path: Path) -> None:
    box = Box(tmp_path, "data")
    box.says(f"Traceback:\n  in line 1\n{last}\n", status=1)
    facts = box.looks(shell, python=True, server=True)
    assert facts == box.asked(ClusterFacts(fails=last))


@each_shell
def test_a_python_that_is_not_there_is_told(shell: tuple[str, ...], tmp_path: Path) -> None:
    box = Box(tmp_path, "data")
    box.python.unlink()
    assert box.looks(shell, python=True, server=True).fails


@each_shell
def test_a_warning_of_python_does_not_hide_what_it_has(shell: tuple[str, ...], tmp_path: Path) -> None:
    box = Box(tmp_path, "data")
    box.says(json.dumps(SEEN), more="echo 'sitecustomize: a warning' >&2")
    env = {"XDG_DATA_HOME": str(box.data)}
    named = {"cluster_python": str(box.python), "cluster_server": str(box.server), "cluster_kernel": ""}
    looks = call("look_cluster", cluster_probe="the probe", **named)
    printed = run(shell, functions(*FILES) + call("find_profile", profile="lab") + looks, env=env)
    assert {"cluster.seen": SEEN} in [json.loads(line) for line in printed.splitlines() if line.startswith("{")]


def tries(box: Box, shell: tuple[str, ...], *words: str) -> list[dict[str, Any]]:
    return box.run(shell, call("try_pairs", *words, cluster_python=str(box.python), pairs_probe="the probe"))


@each_shell
@each_place
def test_what_one_member_says_of_the_others_is_printed_as_it_is(
    shell: tuple[str, ...], place: str, tmp_path: Path
) -> None:
    box = Box(tmp_path, place)
    answer = {"closed": [["gpu2", "192.0.2.7", 10001, 'it\'s "closed"\\']], "workers": []}
    box.says(json.dumps(answer))
    assert tries(box, shell, "5", "[]", "[]", "10003") == [answer]


@each_shell
def test_the_words_of_a_trial_reach_the_python_as_they_are(shell: tuple[str, ...], tmp_path: Path) -> None:
    box = Box(tmp_path, "data")
    box.says("{}", more=f'printf "%s\\0" "$@" "$PWD" >{tmp_path}/words')
    tries(box, shell, *NASTY)
    words = (tmp_path / "words").read_bytes().decode().split("\0")[:-1]
    assert words == ["-Bc", "the probe", str(box.folder), *NASTY, "/"]


@each_shell
@pytest.mark.parametrize("last", ['it\'s "broken"', "a\\b", "%s%d", "tab\there"])
def test_a_trial_that_fails_says_why(shell: tuple[str, ...], last: str, tmp_path: Path) -> None:
    box = Box(tmp_path, "data")
    box.says(f"Traceback:\n{last}\n", status=1)
    assert tries(box, shell, "5", "[]", "", "") == [{"broke": last}]
