"""Removal: afterwards a home folder is byte for byte what it was, and what is the user's own is there."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from disk import fill
from home import Snapshot, snapshot, times
from jupyter_client.blocking.client import BlockingKernelClient
from machine import BIN, PASSWORD, ROOT, Machine
from namespace import without
from notebook_client import Notebook
from processes import children, lives
from pythons import NOTEBOOKS, need
from recorded import place
from sshd import wait_until
from terminal import Terminal

from nbfab.host import Here
from nbfab.plan import left, removal
from nbfab.run.converge import Course, make
from nbfab.run.job import Job
from nbfab.run.remove import remove
from nbfab.run.see import see
from nbfab.settings import Settings
from nbfab.wanted import Wanted

OWN = {
    ".jupyter/jupyter_server_config.py": "c.ServerApp.port = 1\n",
    ".jupyter/lab/user-settings/mine.json": "{}",
    ".ipython/profile_default/startup/mine.py": "mine = 7\n",
    ".ipython/profile_default/history.sqlite": "not a database",
    ".local/share/jupyter/kernels/mine/kernel.json": '{"argv": ["true"], "display_name": "Mine", "language": "python"}',
    ".local/share/jupyter/notebook_secret": "secret",
    ".local/share/jupyter/nbsignatures.db": "",
    ".config/matplotlib/matplotlibrc": "lines.linewidth: 7\n",
    ".cache/matplotlib/fontlist-v310.json": "{}",
    ".cache/pip/mine": "x",
    ".npm/_logs/2020-11-26T03_48_05_586Z-debug-0.log": 'argv "prefix" "--global"',
    "notes/plot.ipynb": '{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}',
}
PLOT = "import matplotlib.pyplot as p; p.plot([1, 2]); p.show()"


def plant(home: Path, files: dict[str, str]) -> None:
    """Writes files, each with its folders."""
    for path, text in files.items():
        (home / path).parent.mkdir(parents=True, exist_ok=True)
        (home / path).write_text(text)


def evaluates(machine: Machine, kernel: str, code: str, expression: str = "None") -> str:
    """What a kernel makes of an expression, once it has run the code."""
    client = BlockingKernelClient()
    client.load_connection_file(str(machine.folder / f"runtime/kernel-{kernel}.json"))
    client.start_channels()
    try:
        wait_until(lambda: is_ready(client), "the kernel to answer")
        reply = client.execute(code, user_expressions={"it": expression}, reply=True, timeout=60)
    finally:
        client.stop_channels()
    assert reply["content"]["status"] == "ok", reply["content"]
    return str(reply["content"]["user_expressions"]["it"]["data"]["text/plain"])


def is_ready(client: BlockingKernelClient) -> bool:
    """Whether a kernel answers; its heart does not beat yet while it makes its list of fonts."""
    try:
        client.wait_for_ready(timeout=60)
    except RuntimeError:
        return False
    return True


def completes(machine: Machine, kernel: str) -> None:
    """Has a kernel complete names, as the Tab key does: it keeps what it finds out for that."""
    client = BlockingKernelClient()
    client.load_connection_file(str(machine.folder / f"runtime/kernel-{kernel}.json"))
    client.start_channels()
    try:
        for code in ("import json; json.de", "import json; json.decoder.JSOND"):
            assert client.complete(code, len(code), reply=True, timeout=60)["content"]["matches"]
    finally:
        client.stop_channels()


def work(
    machine: Machine, pages: Sequence[str] = ("/tree", "/lab"), cell: str = PLOT, *, imports: bool = True
) -> Notebook:
    """Does what people do: opens the pages and a terminal, runs a cell in each of two kernels and completes names; if
    nothing may be imported meanwhile, in nbfab's kernel alone, and without completing any.
    """
    notebook = Notebook(machine.port, machine.folder, PASSWORD)
    for page in pages:
        notebook.opener.open(notebook.base + page, timeout=60).read()
    notebook.post("/api/terminals", {})
    for name in ("nbserver", "python3") if imports else ("nbserver",):
        kernel = notebook.post("/api/kernels", {"name": name})["id"]
        file = machine.folder / f"runtime/kernel-{kernel}.json"
        wait_until(file.exists, "the kernel to start")
        evaluates(machine, kernel, cell)
        if imports:
            completes(machine, kernel)
        notebook.delete(f"/api/kernels/{kernel}")
    notebook.delete("/api/terminals/1")
    return notebook


def kernels_of(machine: Machine) -> list[int]:
    """The processes of a server's kernels."""
    return [pid for pid in children(machine.server) if b"ipykernel" in Path(f"/proc/{pid}/cmdline").read_bytes()]


def outside(found: Snapshot) -> Snapshot:
    """What is not in nbfab's own folders, nor one on the way to them; on this machine, one is for what `list` shows."""
    own = (".local/share/nbfab", ".local/state/nbfab")
    way = {".local", ".local/share", ".local/state", *own}
    inside = tuple(f"{path}/" for path in own)
    return {path: about for path, about in found.items() if path not in way and not path.startswith(inside)}


@pytest.mark.parametrize("own", [{}, OWN], ids=["bare", "own Jupyter"])
@pytest.mark.parametrize("python", NOTEBOOKS.values(), ids=NOTEBOOKS)
@pytest.mark.parametrize("kind", ["here", "there"])
def test_a_home_folder_is_what_it_was(
    request: pytest.FixtureRequest, kind: str, python: str, own: dict[str, str], tmp_path: Path
) -> None:
    machine: Machine = request.getfixturevalue(kind)
    need(python)
    notebooks = tmp_path / "notebooks"
    plant(notebooks, {"x.ipynb": OWN["notes/plot.ipynb"]})
    plant(machine.home, own)
    before, changed = snapshot(machine.home), times(machine.home)
    machine.env |= {"NBFAB_PYTHON": python, "NBFAB_DIRECTORY": str(notebooks)}
    machine.ok("setup")
    notebook = work(machine) if python == sys.executable else work(machine, ["/tree"], "1")
    notebook.put(
        "/api/contents/x.ipynb", {"type": "notebook", "content": notebook.get("/api/contents/x.ipynb")["content"]}
    )
    notebook.post("/api/contents/x.ipynb/checkpoints", {})
    assert outside(snapshot(machine.home)) == outside(before)
    server = machine.server
    said = machine.ok("remove", "--yes")
    assert f"end the server (process {server})" in said
    assert "removed" in said.splitlines()[0]
    notes = re.findall(r"^  note +(.*)", said, re.MULTILINE)
    assert not [note for note in notes if not note.startswith(f"the clone {ROOT} stays, ")]
    assert not lives(server)
    assert (snapshot(machine.home), times(machine.home)) == (before, changed)
    kept = [str(path.relative_to(notebooks)) for path in notebooks.rglob("*.ipynb")]
    assert sorted(kept) == [".ipynb_checkpoints/x-checkpoint.ipynb", "x.ipynb"]
    assert "nothing to remove" in machine.ok("remove")


def test_the_environment_that_nbfab_made_goes_too(host: Callable[..., Machine]) -> None:
    machine = host(replace=without("jupyter"))
    machine.env.pop("NBFAB_PYTHON")
    before = snapshot(machine.home)
    machine.ok("setup")
    work(machine)
    assert {".local", *outside(before)} == {path.split("/")[0] for path in snapshot(machine.home)}
    said = machine.ok("remove", "--yes")
    assert f"remove the environment that nbfab made {machine.home}/.local/share/nbfab" in said
    assert snapshot(machine.home) == before


def test_an_environment_of_the_user_s_own_stays_as_it_is(here: Machine, tmp_path: Path) -> None:
    """Also one that is not compiled, as uv leaves it."""
    env = here.home / "env"
    uv = [f"{BIN}/uv", "--cache-dir", str(tmp_path / "cache")]
    subprocess.run([*uv, "venv", "-q", "--python", sys.executable, env], check=True)
    packages = ["--no-compile-bytecode", "notebook", "matplotlib"]
    subprocess.run([*uv, "pip", "install", "-q", "--python", f"{env}/bin/python", *packages], check=True)
    before = snapshot(here.home)
    here.env["NBFAB_PYTHON"] = str(env)
    here.ok("setup")
    work(here, cell="1", imports=False)  # what is imported in a kernel is compiled, as ever
    here.ok("remove", "--yes")
    after = snapshot(here.home)
    assert [path for path in after if path not in before] == []
    assert after == before


def test_kernels_and_what_they_start_find_the_user_s_own_settings(here: Machine) -> None:
    plant(here.home, {".config/matplotlib/matplotlibrc": "lines.linewidth: 7\n"})
    plant(here.home, {".config/matplotlib/stylelib/mine.mplstyle": "lines.linewidth: 9\n"})
    here.ok("setup")
    notebook = Notebook(here.port, here.folder, PASSWORD)
    kernel = notebook.post("/api/kernels", {"name": "nbserver"})["id"]
    wait_until(lambda: (here.folder / f"runtime/kernel-{kernel}.json").exists(), "the kernel to start")
    code = "import os, sys, matplotlib as m; from matplotlib import pyplot as p"
    assert evaluates(here, kernel, code, "m.rcParams['lines.linewidth'], 'mine' in p.style.available") == "(7.0, True)"
    mine = "[name for name in os.environ if name.startswith(('XDG_', 'MPL', 'PYTHON')) and name != 'MPLBACKEND']"
    assert evaluates(here, kernel, code, mine) == "[]"
    assert evaluates(here, kernel, code, "sys.dont_write_bytecode") == "False"


@pytest.mark.parametrize("own", [{}, {".config/mine": "x", ".npm/_logs/mine": "x"}], ids=["bare", "own"])
def test_empty_folders_go_if_they_were_not_there_before(here: Machine, own: dict[str, str]) -> None:
    plant(here.home, own)
    before = snapshot(here.home)
    here.ok("setup")
    for name in (".config/matplotlib", ".npm/_logs", ".local/share/jupyter", ".local/share/uv", ".ipython"):
        (here.home / name).mkdir(parents=True, exist_ok=True)
    said = here.ok("remove", "--yes")
    assert "remove empty folders that were not there before in the home folder: " in said
    assert snapshot(here.home) == before


LOG = 'argv "prefix" "--global"'
LATER = {
    "my.ipynb": "in the profile",
    "runtime/mine.json": "x",
    "jupyter/custom/custom.css": "x",
    "ipython/profile_nbserver/startup/mine.py": "x",
    "share/jupyter/kernels/mine/kernel.json": "x",
    "templates/mine.html": "x",
}


def test_the_user_s_own_later_files_stay_and_are_named(here: Machine) -> None:
    here.ok("setup")
    here.ok("stop")
    base = here.folder.parent
    others = {"notes.txt": "x", "papers/a.txt": "x"}
    elsewhere = {".local/share/mine": "x", **{f"{place}/mine": "x" for place in left.TRACES}}
    elsewhere |= {".cache/matplotlib/fontlist-v310.json": "x", ".npm/_logs/2026-11-26T03_48-debug-0.log": LOG}
    plant(here.folder, LATER)
    plant(base, others)
    plant(here.home, elsewhere)
    (here.folder / "link").symlink_to(here.home)
    said = here.ok("remove", "--yes")
    for path in ("my.ipynb", "link", "runtime/mine.json", "jupyter/custom"):
        assert path in said
    assert said.count(f"remove the profile's last files {here.folder}\n") == 1
    assert "remove the profile's folder" not in said  # that has their files in it
    assert f"so this stays in {here.folder}: " in said
    assert f"so this stays in {base}: " in said
    assert "later than the first setup, and not nbfab's, so this stays in the home folder: " in said
    kept = {str(path.relative_to(here.home)) for path in here.home.rglob("*") if not path.is_dir() or path.is_symlink()}
    prefix, above = ".local/share/nbfab/nbserver/", ".local/share/nbfab/"
    assert kept == {
        *(prefix + path for path in (*LATER, "link")),
        *(above + path for path in (*others, ".made")),
        *elsewhere,
    }
    assert "nothing to remove" in here.ok("remove", "--yes")
    # Once they have been moved away, the rest can go.
    for moved in (here.folder, base / "papers"):
        shutil.rmtree(moved)
    (base / "notes.txt").unlink()
    here.folder.mkdir()
    assert "removed" in here.ok("remove", "--yes")
    assert not base.exists()
    assert (here.home / ".local/share/mine").exists()


def test_what_stays_of_a_clone_is_named_unless_another_profile_may_need_it(here: Machine, tmp_path: Path) -> None:
    clone = tmp_path / "a clone"
    shutil.copytree(ROOT / "nbfab", clone / "nbfab", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "bootstrap.sh", clone)
    (clone / ".venv").mkdir()
    (clone / ".bootstrap").mkdir()

    def removed(*args: str) -> str:
        words = [sys.executable, "-m", "nbfab", "remove", "--yes", *args]
        env = here.env | {"PYTHONPATH": str(clone)}
        return subprocess.run(words, env=env, cwd=clone, capture_output=True, text=True, check=True).stdout

    (here.home / ".local/share/nbfab/other").mkdir(parents=True)
    (here.home / ".local/share/nbfab/other/generation").touch()
    assert "the clone" not in removed()
    shutil.rmtree(here.home / ".local/share/nbfab")
    said = removed()
    assert f"the clone {clone} stays, with the environment that nbfab runs in" in said
    line = said.splitlines()[-1].strip()
    subprocess.run(["sh", "-c", line], check=True)
    assert sorted(path.name for path in clone.iterdir()) == ["bootstrap.sh", "nbfab"]


def test_live_kernels_are_not_ended_unasked(here: Machine) -> None:
    here.ok("setup")
    notebook = Notebook(here.port, here.folder, PASSWORD)
    kernel = notebook.post("/api/kernels", {"name": "nbserver"})["id"]
    said = here.fails("remove", "--yes")
    assert f"nothing was removed, because that would end kernel {kernel[:8]}" in said
    assert f"inv -r {ROOT} remove --yes --force" in said
    assert kernel in [running["id"] for running in notebook.get("/api/kernels")]
    assert "removed" in here.ok("remove", "--yes", "--force")
    assert not here.folder.exists()


def test_more_windows_of_its_tmux_session_are_not_ended_unasked(here: Machine) -> None:
    here.ok("setup")
    subprocess.run(["tmux", "-S", here.socket, "new-window", "-d", "-t", "nbserver", "sleep 600"], check=True)
    assert "that would end 1 more window of its tmux session" in here.fails("remove", "--yes")
    assert here.server
    assert "end its tmux session" in here.ok("remove", "--yes", "--force")
    assert not here.folder.exists()


def test_without_a_terminal_it_takes_a_yes_and_shows_what_would_go(here: Machine) -> None:
    here.ok("certificate")
    before = snapshot(here.home)
    said = here.fails("remove")
    assert f"not done     remove the profile's files {here.folder}" in said
    assert f"inv -r {ROOT} remove --yes" in said
    told = here.json("remove")
    assert (told["verdict"], told["status"], len(told["withheld"])) == ("refused", 1, 3)
    assert snapshot(here.home) == before
    assert here.json("remove", "--yes")["verdict"] == "changed"
    assert here.json("remove")["verdict"] == "unchanged"


def test_on_a_terminal_it_shows_what_would_go_and_asks(here: Machine) -> None:
    here.ok("certificate")
    with Terminal(here) as terminal:
        terminal.task("remove")
        screen = terminal.shows("remove all of this? [y/N]")
        assert "this machine: would be removed" in screen
        assert f"remove the profile's files {here.folder}" in screen
        terminal.type("n")
        terminal.shows("status=1")
        assert here.folder.exists()
        terminal.clear()
        terminal.task("remove")
        terminal.shows("remove all of this? [y/N]")
        terminal.type("y")
        assert "linger" not in terminal.shows("status=0")
    assert not here.folder.exists()


def test_a_removal_that_was_cut_can_be_repeated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever that was: each change is made, or not."""
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    for done in range(5):
        home = tmp_path / f"home{done}"
        home.mkdir()
        monkeypatch.setenv("HOME", str(home))
        before = snapshot(home)
        populate(home)
        wanted = Wanted(Settings(python=sys.executable), ("localhost",), removing=True)
        job, seen = see(Job("remove", Here(), wanted, flags=frozenset({"yes"})))
        changes = removal.plan(job.wanted, seen)
        assert len(changes) == 4
        make(job, job.wanted, changes[:done], seen, Course(job.user))
        assert remove(job).verdict == ("changed" if done < 4 else "unchanged")
        assert snapshot(home) == before


def populate(home: Path) -> None:
    """Puts a profile and an environment into a home folder, as if a setup had."""
    base = home / ".local/share/nbfab"
    plant(base / "nbserver", {"server.log": "x", "runtime/kernel-1.json": "{}", "choices": "", "generation": "1\n"})
    plant(base, {".venv/bin/python": "", ".venv/lib/x/y": "", ".venv/complete": ""})
    plant(base, {".made": "".join(f"folder {path}\n" for path in (base, base.parent, base.parents[1]))})


def test_a_run_that_is_killed_midway_leaves_a_profile_that_can_be_removed(here: Machine) -> None:
    before = snapshot(here.home)
    here.ok("setup")
    slow = here.home.parent / "slow"
    slow.mkdir()
    (slow / "rm").write_text(f'#!/bin/sh\n: >{slow}/begun\nsleep 30\nexec /bin/rm "$@"\n')
    (slow / "rm").chmod(0o755)
    path = f"{slow}:{here.env['PATH']}"
    process = subprocess.Popen(here.command("remove", "--yes"), env=here.env | {"PATH": path}, cwd=here.work)
    wait_until(lambda: (slow / "begun").exists(), "the removal to begin")
    assert here.folder.exists()
    process.kill()
    process.wait(30)
    lock = here.folder / "lock/holder"
    if lock.exists():  # of the shell, which still runs
        os.kill(int(lock.read_text().split()[0]), 9)
    assert "removed" in here.ok("remove", "--yes")
    assert snapshot(here.home) == before


@pytest.mark.parametrize("name", ["runtime", "jupyter", "ipython", "server.log"])
def test_a_planted_link_is_removed_as_a_link(here: Machine, name: str) -> None:
    populate(here.home)
    important = here.home / "important"
    plant(important, {"kernel-1.json": "x", "migrated": "x", "profile_nbserver/cache/x": "x", "history.sqlite": "x"})
    before = snapshot(important)
    planted = here.folder / name
    if planted.is_dir():
        shutil.rmtree(planted)
    planted.unlink(missing_ok=True)
    planted.symlink_to(important)
    here.ok("remove", "--yes")
    assert not here.folder.exists()
    assert snapshot(important) == before


def test_a_profile_that_is_a_link_is_refused(here: Machine) -> None:
    here.ok("certificate")
    moved = here.home / "moved"
    here.folder.rename(moved)
    here.folder.symlink_to(moved)
    before = snapshot(here.home)
    assert "is a symbolic link; nbfab does not remove what it did not make" in here.fails("remove", "--yes")
    assert snapshot(here.home) == before


def test_another_run_at_work_keeps_it_from_being_removed(here: Machine) -> None:
    here.ok("certificate")
    (here.folder / "lock").mkdir()
    assert "another run of nbfab is at work there" in here.fails("remove", "--yes")
    assert (here.folder / "nbserver.pem").exists()
    (here.folder / "lock").rmdir()
    here.ok("remove", "--yes")


def test_one_profile_of_two(here: Machine) -> None:
    before = snapshot(here.home)
    here.ok("setup")
    here.ok("certificate", "--profile", "GPU2")
    assert "other profiles stay: nbserver" in here.ok("remove", "--yes", "--profile", "GPU2")
    assert "nothing to remove" in here.ok("remove", "--yes", "--profile", "typo")
    assert here.json("status")["state"]["running"]
    here.ok("remove", "--yes")
    assert snapshot(here.home) == before


def test_sockets_with_folders_of_their_own(long_home: Machine) -> None:
    """Those of tmux and of a kernel."""
    long_home.ok("setup")
    Notebook(long_home.port, long_home.folder, PASSWORD).post("/api/kernels", {"name": "nbserver"})
    private = [long_home.socket.parent, Path((long_home.folder / "ipc").read_text().strip())]
    assert {folder.parent for folder in private} == {Path("/var/tmp")}
    wait_until(lambda: list(private[1].glob("kernel-*-ipc-*")), "the kernel's sockets")
    kernels = kernels_of(long_home)
    long_home.kill_server()  # so that nothing tidies up
    wait_until(lambda: not any(map(lives, kernels)), "the kernel to end, as it does without its server")
    subprocess.run(["tmux", "-S", long_home.socket, "kill-server"], check=False, capture_output=True)
    long_home.socket.touch()
    said = long_home.ok("remove", "--yes")
    for folder in private:
        assert f"remove the folder of a socket {folder}" in said
        assert not folder.exists()
    assert not list(long_home.home.iterdir())


def test_a_kernel_that_has_outlived_its_server(here: Machine) -> None:
    """Its language may not care whether there is still a server."""
    before = snapshot(here.home)
    here.ok("setup")
    here.ok("stop")
    file = here.folder / "runtime/kernel-1.json"
    file.touch()
    code = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); time.sleep(600)"
    with subprocess.Popen([sys.executable, "-c", code, "-f", file], stdout=subprocess.PIPE) as kernel:
        try:
            assert kernel.stdout
            kernel.stdout.readline()
            said = here.fails("remove", "--yes")
            assert f"that would end a kernel that has outlived its server (process {kernel.pid})" in said
            assert lives(kernel.pid)
            assert file.exists()
            said = here.ok("remove", "--yes", "--force")
            assert f"end a kernel that has outlived its server (process {kernel.pid})" in said
            assert not lives(kernel.pid)
        finally:
            kernel.kill()
    assert snapshot(here.home) == before


def test_on_a_full_disk(host: Callable[..., Machine]) -> None:
    machine = host(disk="8m")
    assert machine.sshd
    machine.ok("setup")
    data = machine.sshd.files / ".local/share"
    with (data / "filler").open("wb", buffering=0) as file:
        fill(file)
    assert "removed" in machine.ok("remove", "--yes")
    assert [path.name for path in data.iterdir()] == ["filler"]


@pytest.mark.parametrize("after", ["", "stop", "setup --restart"])
def test_what_a_server_of_an_earlier_release_left(here: Machine, after: str) -> None:
    """Also if it was stopped since, or replaced by another."""
    about = place("0.1.0/modern", here.home, env=sys.prefix, directory=here.work, port=here.port)
    plant(here.home, {".cache/matplotlib/mine.json": "x", ".npm/_logs/2020-11-26T03_48_05_586Z-debug-0.log": "x"})
    (here.folder / "started").unlink()
    start = ["tmux", "-L", "nbfab", "-f", "/dev/null", "new-session", "-d", "-s", "nbserver", "exec /bin/sh run.sh"]
    subprocess.run(start, cwd=here.folder, env=here.env, stdin=subprocess.DEVNULL, check=True)
    notebook = Notebook(here.port, here.folder, dated=False)
    wait_until(lambda: answers(notebook), "the recorded server to answer")
    assert notebook.logs_in(about["password"])
    kernel = notebook.post("/api/kernels", {"name": "nbserver"})["id"]
    evaluates(here, kernel, PLOT)
    made = [path for path in (here.home / ".cache/matplotlib").iterdir() if path.name != "mine.json"]
    assert made
    if after:
        notebook.delete(f"/api/kernels/{kernel}")
        here.ok(*after.split())
    plant(here.home, {".cache/matplotlib/fontlist-v310.json": "of 2020"})
    os.utime(here.home / ".cache/matplotlib/fontlist-v310.json", (1_600_000_000,) * 2)
    said = here.ok("remove", "--yes", "--force")
    assert "remove what the server of an earlier release left in the home folder" in said
    assert "nbfab has no record of whether it made these, so they stay: " in said
    assert "~/.cache/matplotlib" in said
    assert not here.folder.parent.exists()
    files = {str(path.relative_to(here.home)) for path in here.home.rglob("*") if path.is_file()}
    assert files == {
        *(".cache/matplotlib/mine.json", ".cache/matplotlib/fontlist-v310.json"),
        ".npm/_logs/2020-11-26T03_48_05_586Z-debug-0.log",
    }
    assert (here.home / ".local/share").is_dir(), "nothing tells who made it"


def answers(notebook: Notebook) -> bool:
    """Whether the server answers."""
    try:
        notebook.get("/api")
    except OSError:
        return False
    return True
