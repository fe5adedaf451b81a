"""Secrets stay where they belong: the password nowhere, its hash and the key in one file each, for their owner only."""

import json
import os
import shutil
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from machine import PASSWORD, ROOT, Machine
from notebook_client import logs_in
from shells import stub


class Watcher:
    """Reads the arguments and environments of all processes, over and over, while a task runs."""

    def __init__(self) -> None:
        self.seen: set[bytes] = set()
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def _watch(self) -> None:
        own = str(os.getpid())
        while not self._end.is_set():
            for process in Path("/proc").glob("[0-9]*"):
                try:
                    if process.name != own:
                        self.seen.add((process / "cmdline").read_bytes())
                except OSError:
                    continue

    def __enter__(self) -> "Watcher":
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._end.set()
        self._thread.join()


def _secrets(machine: Machine) -> dict[str, bytes]:
    known = json.loads((machine.folder / "jupyter_server_config.json").read_text())
    key = (machine.folder / "nbserver.pem").read_text().splitlines()[1]
    return {
        "password": PASSWORD.encode(),
        "hash": known["IdentityProvider"]["hashed_password"].rpartition("$")[2].encode(),
        "key": key.encode(),
    }


@pytest.mark.parametrize("where", ["here", "there"])
@pytest.mark.parametrize("umask", [0o000, 0o022])
def test_a_canary_is_found_nowhere_but_where_it_belongs(
    where: str, umask: int, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    machine: Machine = request.getfixturevalue(where)
    command = machine.command("setup")
    command.insert(1, "-d")
    # What a login has in its environment may be secret too, and belongs to the server alone.
    (machine.home / ".profile").write_text("export API_TOKEN=canary-of-a-login\n")
    with Watcher() as watcher:
        result = subprocess.run(
            command,
            env=machine.env | {"NBFAB_PASSWORD": PASSWORD},
            cwd=ROOT if where == "there" else machine.work,
            capture_output=True,
            umask=umask,
            check=True,
        )
        # The key travels back for this one.
        renewed = subprocess.run(
            [*command[:-1], "certificate", "--name", "renewed.example.org"],
            env=machine.env | {"TMPDIR": str(tmp_path)},
            cwd=ROOT if where == "there" else machine.work,
            capture_output=True,
            umask=umask,
            check=True,
        )
    assert b"with the same key: it lacks renewed.example.org" in renewed.stdout
    status = subprocess.run([*command[:-1], "status"], env=machine.env, cwd=ROOT, capture_output=True, check=True)
    tmux = ["tmux", "-S", str(machine.socket)]
    places = {
        "output": b"".join(done.stdout + done.stderr for done in (result, renewed, status)),
        "arguments": b"\n".join(watcher.seen),
        "tmux environment": subprocess.run(
            [*tmux, "show-environment", "-g"], env=machine.env, capture_output=True, check=True
        ).stdout,
        "tmux screen": subprocess.run(
            [*tmux, "capture-pane", "-p", "-S-", "-t", "nbserver"], env=machine.env, capture_output=True, check=True
        ).stdout,
        "environment of the server": Path(
            f"/proc/{(machine.folder / 'started').read_text().split()[1]}/environ"
        ).read_bytes(),
    }
    assert b"run_server" in places["arguments"] or b"jupyter_server_config.py" in places["arguments"]
    for kind, secret in _secrets(machine).items():
        for place, text in places.items():
            assert secret not in text, f"the {kind} is in the {place}"
        files = [path for path in tmp_path.rglob("*") if path.is_file() and secret in path.read_bytes()]
        expected = {"password": [], "hash": ["jupyter_server_config.json"], "key": ["nbserver.pem"]}[kind]
        assert [path.name for path in files] == expected, kind
        assert all(path.stat().st_mode & 0o077 == 0 for path in files)
    assert machine.folder.stat().st_mode & 0o777 == 0o700
    token = b"canary-of-a-login"
    assert [place for place, text in places.items() if token in text] == ["environment of the server"]
    found = [path.name for path in tmp_path.rglob("*") if path.is_file() and token in path.read_bytes()]
    assert found == [".profile"]


PROGRAMS = ("printf", "cat", "wc", "mv", "chmod", "mkdir", "dirname", "awk", "sed", "tr", "head", "tail", "env", "tee")


@pytest.mark.parametrize("shell", ["mksh", "lksh", "posh"])
def test_no_program_of_a_host_is_told_a_secret_whatever_its_sh_is(
    shell: str, host: Callable[..., Machine], tmp_path: Path
) -> None:
    arguments, originals = tmp_path / "arguments", tmp_path / "originals"
    originals.mkdir()
    stub(tmp_path, "spy", f'echo "$0 $*" >>{arguments}\nexec {originals}/${{0##*/}} "$@"')
    replace = {"/bin/sh": _path(shell)}
    for name in PROGRAMS:
        shutil.copy2(_path(name), originals / name)
        replace[_path(name)] = str(tmp_path / "spy")
    machine = host(replace=replace)
    machine.ok("setup")
    assert machine.json("setup")["verdict"] == "unchanged"
    secrets = _secrets(machine)
    machine.ok("password", password="another canary battery")
    machine.ok("certificate")
    assert logs_in(machine.port, machine.folder, "another canary battery")
    assert "has ended" in machine.ok("stop")
    told = arguments.read_bytes()
    assert b"/wc -c" in told
    for kind, secret in [*secrets.items(), *_secrets(machine).items()]:
        assert secret not in told, kind


def _path(program: str) -> str:
    path = shutil.which(program)
    assert path, program
    return path
