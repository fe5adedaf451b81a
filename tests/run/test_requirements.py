"""Packages for the notebooks, beside the server's environment: made, changed, brought up to date, gone back from."""

import http.server
import json
import os
import re
import shlex
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest
from machine import BIN, PASSWORD, Machine
from namespace import without
from notebook_client import Notebook
from own_index import wheel
from sshd_fleet import Fleet

from nbfab.errors import UsageError
from nbfab.run.requirements import Files, with_file
from nbfab.settings import Settings
from nbfab.wanted import Wanted


def file(machine: Machine, *lines: str) -> str:
    """Writes a requirements file; its path as it is typed."""
    path = machine.work / "thesis.txt"
    path.write_text("".join(f"{line}\n" for line in lines))
    return str(path)


def envs(machine: Machine) -> list[str]:
    """The environments that the profile has."""
    return sorted(made.parent.name for made in machine.folder.glob("envs/*/made"))


def notebook(machine: Machine) -> Notebook:
    """The server, logged in to."""
    return Notebook(machine.port, machine.folder, PASSWORD)


def kernel(machine: Machine) -> str:
    """A new kernel of the profile's."""
    return str(notebook(machine).post("/api/kernels", {"name": "nbserver"})["id"])


def version(machine: Machine, kernel: str, module: str = "six") -> str:
    """The version of a module in a kernel."""
    return notebook(machine).evaluates(kernel, f"__import__('importlib.metadata').metadata.version('{module}')")


def changes(machine: Machine, *args: str) -> list[str]:
    """What a task changes."""
    outcome = machine.json(*args)
    assert outcome["error"] is None, outcome
    return [change["summary"] for change in outcome["changes"]]


def test_from_a_file_to_another_and_back(there: Machine) -> None:
    named = file(there, "six==1.16.0")
    first, *_ = changes(there, "setup", "--requirements", named)[1:]
    assert first.startswith("make an environment with thesis.txt (")
    old, server = kernel(there), there.server
    assert version(there, old) == "'1.16.0'"
    where = notebook(there).evaluates(old, "__import__('subprocess').getoutput('command -v pip')")
    assert "/envs/" in where  # a cell's !pip is that of the notebooks
    assert changes(there, "setup") == changes(there, "setup", "--requirements", named) == []
    assert there.run("setup").stderr.count("\n") == 1  # which looks, and asks no one what it would come to

    named = file(there, "six==1.17.0", "iniconfig")
    said = there.ok("plan", "--requirements", named)
    assert "+ iniconfig " in said
    assert "~ six 1.16.0 -> 1.17.0" in said
    assert len(envs(there)) == 1
    done = changes(there, "setup", "--requirements", named)
    assert "1 added, 1 changed)" in done[0]
    new = kernel(there)
    assert (version(there, old), version(there, new)) == ("'1.16.0'", "'1.17.0'")
    assert there.server == server

    # Back, while both live.
    said = there.ok("update", "--rollback", "--plan")
    assert "~ six 1.17.0 -> 1.16.0" in said
    assert "- iniconfig " in said
    assert "/envs/" not in said
    assert any("rewrite the kernel" in each for each in changes(there, "update", "--rollback"))
    assert version(there, kernel(there)) == "'1.16.0'"
    assert changes(there, "setup") == []
    assert len(envs(there)) == 2
    changes(there, "update", "--rollback")
    assert version(there, kernel(there)) == "'1.17.0'"

    # A third: the oldest goes, once no kernel has it.
    named = file(there, "six==1.15.0")
    assert not any("nothing uses" in each for each in changes(there, "setup", "--requirements", named))
    assert len(envs(there)) == 3
    for each in notebook(there).get("/api/kernels"):
        notebook(there).delete(f"/api/kernels/{each['id']}")
    had = set(envs(there))
    (removed,) = changes(there, "setup")
    (gone,) = had - set(envs(there))
    assert removed == f"remove an environment that nothing uses any more (envs/{gone})"
    assert there.server == server
    assert "requirements  thesis.txt (from --requirements)" in there.ok("status")

    # Without: the server's own.
    changes(there, "setup", "--reset", "requirements")
    assert changes(there, "setup") == []
    there.ok("stop", "--force")
    there.ok("remove", "--yes")
    assert not there.folder.exists()


def in_env(machine: Machine, *args: str) -> None:
    """Runs a module of the environment that the notebooks have."""
    spec = (machine.folder / "share/jupyter/kernels/nbserver/kernel.json").read_text()
    command = [json.loads(spec)["argv"][0], "-m", *args]
    subprocess.run(command, check=True, capture_output=True, timeout=120)


def test_what_was_installed_by_hand_comes_along_unless_it_is_not_to(there: Machine) -> None:
    changes(there, "setup", "--requirements", file(there, "six==1.16.0"))
    in_env(there, "pip", "install", "-q", "iniconfig==2.0.0")
    said = there.ok("plan", "--requirements", file(there, "six"))
    assert "installed by hand beside thesis.txt: iniconfig 2.0.0; the next environment gets that, too" in said
    assert "- iniconfig" not in said
    changes(there, "setup", "--requirements", file(there, "six"))
    assert version(there, kernel(there), "iniconfig") == "'2.0.0'"
    assert changes(there, "update") == []
    # What does not fit with what is asked for is left out, and named; what fits comes along all the same.
    in_env(there, "pip", "install", "-q", "tomli==2.0.1")
    said = there.ok("plan", "--requirements", file(there, "iniconfig>=2.1"))
    assert "~ iniconfig 2.0.0 -> 2." in said
    assert "installed by hand, and does not fit any more: iniconfig==2.0.0\n" in said
    assert "- tomli" not in said
    assert "- iniconfig 2.0.0" in there.ok("update", "--plan", "--exact")
    assert any("2 removed" in change for change in changes(there, "update", "--exact"))
    assert changes(there, "update", "--exact") == []


def test_an_update_stays_within_what_is_asked_for(there: Machine) -> None:
    changes(there, "setup", "--requirements", file(there, "six<1.17"))
    assert version(there, kernel(there)) == "'1.16.0'"
    in_env(there, "pip", "install", "-q", "--no-deps", "six==1.15.0")
    assert changes(there, "update", "--exact", "--plan") == changes(there, "update", "--exact", "--plan") != []
    changes(there, "update", "--exact")
    assert version(there, kernel(there)) == "'1.16.0'"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("six==0.0.0.1", "the requirements do not come together: .*six==0.0.0.1"),
        ("six==1.17.0 --hash=sha256:" + "0" * 64, "failed: .*(?i:hash)"),
    ],
)
def test_what_cannot_be_made_leaves_everything_as_it_was(there: Machine, line: str, reason: str) -> None:
    changes(there, "setup", "--requirements", file(there, "six==1.16.0"))
    before, had, server = there.files(), envs(there), there.server
    said = there.fails("setup", "--requirements", file(there, line))
    assert re.search(reason, said.replace("\n", " ")), said
    assert (there.files(), envs(there), there.server) == (before, had, server)
    assert os.listdir(there.folder / "envs") == had
    assert version(there, kernel(there)) == "'1.16.0'"
    assert changes(there, "setup") == []


def test_by_uv_where_the_host_has_it_and_on_this_machine(here: Machine) -> None:
    here.env["SSL_CERT_FILE"] = "/etc/ssl/certs/ca-certificates.crt"  # or uv knows no others than its own
    assert changes(here, "setup", "--with", "six==1.16.0", "--requirements", file(here, "iniconfig"))
    live = kernel(here)
    in_env(here, "pip", "--version")  # for the %pip of cells
    assert version(here, live) == "'1.16.0'"
    assert any("~ six 1.16.0" in line for line in here.ok("plan", "--with", "six==1.17.0").splitlines())
    changes(here, "install", "--with", "six==1.17.0")
    assert (version(here, live), version(here, kernel(here))) == ("'1.16.0'", "'1.17.0'")
    assert changes(here, "setup") == []
    assert "the requirements do not come together" in here.fails("setup", "--with", "nbfab-has-no-such-package")
    here.ok("stop", "--force")
    here.ok("remove", "--yes")
    assert [path for path in here.home.rglob("*") if "uv" in path.name] == []  # where it looks for credentials


GIT = ("git", "-c", "user.name=ann", "-c", "user.email=ann@example.org")
PROJECT = '[project]\nname = "course"\nversion = "1.0"\n\n[build-system]\nrequires = []\nbackend-path = ["."]\n'


def repository(machine: Machine) -> Callable[[], str]:
    """A repository with a package `course`, which the host's Git finds in the place of https://git.example/course.

    What is returned commits something new, and gives the commit.
    """
    place = machine.work / "course"
    place.mkdir()
    (place / "pyproject.toml").write_text(f'{PROJECT}build-backend = "backend"\n')
    name, text = wheel("course", ())
    (place / "backend.py").write_text(
        f"def build_wheel(folder, *more):\n    open(folder + '/{name}', 'wb').write({text!r})\n    return {name!r}\n"
    )
    subprocess.run([*GIT, "init", "-q", "-b", "main", place], check=True)
    (machine.home / ".gitconfig").write_text(
        f'[url "file://{place}"]\n    insteadOf = https://git.example/course\n[protocol "file"]\n    allow = always\n'
    )

    def commit() -> str:
        for command in (("add", "."), ("commit", "-q", "--allow-empty", "-m", "x"), ("rev-parse", "HEAD")):
            done = subprocess.run([*GIT, *command], cwd=place, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    return commit


@pytest.mark.parametrize("tool", ["pip", "uv"])
def test_an_update_of_what_has_no_version_to_compare(tool: str, here: Machine, there: Machine) -> None:
    machine = there if tool == "pip" else here
    machine.env["SSL_CERT_FILE"] = "/etc/ssl/certs/ca-certificates.crt"
    if tool == "pip":
        assert "uv" not in os.listdir("/usr/bin")
    commit = repository(machine)
    commits = [commit()]
    served = machine.work / "served"
    served.mkdir()
    name, text = wheel("odd", ())
    (served / name).write_bytes(text)
    with serving(served) as url:
        named = file(machine, f"odd @ {url}/{name}", "course @ git+https://git.example/course")
        assert any("make an environment" in each for each in changes(machine, "setup", "--requirements", named))
        assert changes(machine, "update") == changes(machine, "setup", "--requirements", named) == []
        commits.append(commit())
        said = machine.ok("update", "--plan")
        assert f"~ course 9.9 {commits[0][:12]} -> 9.9 {commits[1][:12]}" in said
        assert len(changes(machine, "update")) == 3
        assert changes(machine, "update") == []


@pytest.mark.parametrize("tool", ["pip", "uv"])
def test_an_update_of_what_has_hashes(tool: str, here: Machine, there: Machine) -> None:
    machine = there if tool == "pip" else here
    machine.env["SSL_CERT_FILE"] = "/etc/ssl/certs/ca-certificates.crt"
    # Some of what widgets need is a part of the server, too.
    named = file(machine, hashed("six==1.17.0", "ipywidgets"))
    changes(machine, "setup", "--requirements", named, "--with", "iniconfig")
    live = kernel(machine)
    assert version(machine, live) == "'1.17.0'"
    assert version(machine, live, "jupyterlab-widgets")
    assert version(machine, live, "iniconfig")
    assert changes(machine, "update") == changes(machine, "setup") == []


def hashed(*lines: str) -> str:
    """A requirements file with hashes of all that those lines come to."""
    done = subprocess.run(
        [sys.executable, "-m", "uv", "pip", "compile", "-q", "--generate-hashes", "--no-header", "-"],
        input="\n".join(lines),
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """Serves a folder by HTTP on loopback; its URL."""
    handler = partial(Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Which logs nothing."""

    def log_message(self, *_: object) -> None:
        """Nothing."""


def test_there_is_nothing_to_go_back_to(there: Machine) -> None:
    changes(there, "setup", "--requirements", file(there, "six"))
    assert "have had no other packages before" in there.fails("update", "--rollback", status=1)
    assert "--exact has no meaning" in there.fails("update", "--rollback", "--exact", status=2)


def test_a_host_that_lacks_what_makes_an_environment(host: Callable[..., Machine]) -> None:
    machine = host(replace=without("uv"))
    changes(machine, "setup")
    (machine.home / ".config/pip").mkdir(parents=True)
    (machine.home / ".config/pip/pip.conf").write_text(
        "[global]\nindex-url = http://127.0.0.1:1/simple\nextra-index-url =\nfind-links =\nretries = 1\n"
    )
    outcome = machine.json("setup", "--with", "six")
    assert "the host cannot reach an index of packages: " in outcome["error"]
    *_, words, command, _, _ = [part.get("words") or part["command"] for part in outcome["fix"]]
    assert words == "name an index that it reaches in the place of URL"
    assert ".venv/bin/python" not in command.removeprefix(sys.executable)
    assert command.endswith("-m pip config set global.index-url URL")
    # On the host, the environment that the tests run in, which may have no pip, is not on PATH.
    path = ":".join(folder for folder in os.environ["PATH"].split(":") if folder != str(BIN))
    subprocess.run([*shlex.split(command)[:3], "--version"], check=True, capture_output=True, env={"PATH": path})
    assert changes(machine, "setup") == []


def test_a_class_gets_one_environment(three: Fleet) -> None:
    (three.folder / "class.txt").write_text("six==1.16.0\n")
    inventory = three.inventory.read_text()
    three.inventory.write_text(inventory.replace("defaults: {", "defaults: {requirements: class.txt, "))
    hosts = three.json("setup", "--yes")
    assert {outcome["verdict"] for outcome in hosts.values()} == {"changed"}, hosts
    names = {made.parent.name for name in hosts for made in three.profile(name).glob("envs/*/made")}
    assert len(names) == 1
    again = three.json("setup", "--yes")
    assert {outcome["verdict"] for outcome in again.values()} == {"unchanged"}, again


def test_a_file_that_is_gone_keeps_no_other_task_from_its_work(three: Fleet) -> None:
    inventory = three.inventory.read_text()
    three.inventory.write_text(inventory.replace("defaults: {", "defaults: {requirements: class.txt, "))
    (three.folder / "class.txt").write_text("six==1.16.0\n")
    three.json("setup", "--yes")
    (three.folder / "class.txt").unlink()
    for task in ("plan", "update"):
        for outcome in three.json(task).values():
            assert f"there is no {three.folder}/class.txt" in outcome["error"], (task, outcome)
    found = three.json("status")
    assert {outcome["verdict"] for outcome in found.values()} == {"running"}, found
    assert {outcome["state"]["settings"]["requirements"]["value"][:10] for outcome in found.values()} == {"class.txt:"}
    assert not any(outcome["error"] for outcome in three.json("kernels").values())
    assert not any(outcome["error"] for outcome in three.json("password").values())
    found = three.json("doctor")
    wrong = [words["words"] for words in next(iter(found.values()))["findings"] if words["state"] == "failed"]
    assert [words for words in wrong if "class.txt" in words] == [f"there is no {three.folder}/class.txt"]
    for task, flags in {"stop": (), "start": (), "update": ("--rollback",), "remove": ("--yes", "--force")}.items():
        for outcome in three.json(task, *flags).values():
            assert "class.txt" not in (outcome["error"] or ""), (task, outcome)
    assert not any(three.profile(name).exists() for name in three.hosts)


def test_a_file_that_is_refused_is_no_concern_of_other_tasks(here: Machine) -> None:
    named = file(here, "-e .")
    assert "thesis.txt:1: " in here.fails("setup", "--requirements", named, status=2)
    assert "thesis.txt" not in here.json("status", "--requirements", named)["error"]
    here.ok("setup")
    found = here.json("status", "--requirements", named)
    assert (found["error"], found["state"]["settings"]["requirements"]) == (None, {"value": "", "source": "default"})
    here.ok("stop", "--requirements", named)


def test_the_record_of_what_was_asked_for_is_gone(here: Machine) -> None:
    here.env["SSL_CERT_FILE"] = "/etc/ssl/certs/ca-certificates.crt"
    changes(here, "setup", "--requirements", file(here, "six==1.16.0"))
    (here.folder / "requirements.json").unlink()
    gone = "the profile is to have the packages of thesis.txt, but its record of them, requirements.json, is gone"
    assert gone in here.fails("plan")
    assert gone in here.fails("doctor")
    here.ok("status")
    here.ok("kernels")
    assert gone in here.ok("rotate", password="correct-horse-2")  # which changes something, so it says how the host is
    here.ok("stop")
    here.ok("start")
    here.ok("stop")
    assert changes(here, "setup", "--requirements", file(here, "six==1.16.0"))
    here.ok("remove", "--yes", "--force")
    assert not here.folder.exists()


def test_a_project_for_another_python_is_refused_before_anything_is_done(here: Machine) -> None:
    project = here.work / "pyproject.toml"
    project.write_text('[project]\ndependencies = ["six"]\nrequires-python = ">=3.99"\n')
    version = "{}.{}.{}".format(*sys.version_info[:3])
    why = f"pyproject.toml is for Python >=3.99, and the notebooks would get {version} ({sys.executable})"
    for task in ("plan", "setup"):
        assert why in here.json(task, "--requirements", "pyproject.toml")["error"]
        assert not here.folder.exists()
    here.ok("setup")
    # A look of an earlier release has not noted which Python it is.
    record = here.folder / "environment"
    record.write_text(record.read_text().replace(f'"version": "{version}", ', ""))
    assert f'"{version}"' not in record.read_text()
    before = here.files()
    here.env["SSL_CERT_FILE"] = "/etc/ssl/certs/ca-certificates.crt"
    short = why.replace(version, "{}.{}".format(*sys.version_info[:2]))
    assert short in here.json("setup", "--requirements", "pyproject.toml")["error"]
    assert here.files() == before
    project.write_text(project.read_text().replace("3.99", "3.9"))
    assert changes(here, "setup", "--requirements", "pyproject.toml")
    assert changes(here, "setup") == []
    # Without the file, the profile goes by what it was for.
    project.unlink()
    assert changes(here, "update") == []


def test_each_file_is_read_once_for_all_hosts(tmp_path: Path) -> None:
    files, path = Files(), tmp_path / "class.txt"
    path.write_text("six\n")
    wanted = Wanted(Settings(requirements=str(path)))
    first = with_file(wanted, files)
    path.write_text("numpy\n")
    again = with_file(wanted, files)
    assert again == first
    assert again.requirements is first.requirements
    for _ in range(2):
        with pytest.raises(UsageError, match=f"^there is no {tmp_path}/none.txt$"):
            files.read(f"{tmp_path}/none.txt")
        (tmp_path / "none.txt").touch()
