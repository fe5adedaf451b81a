"""Hosts that reach no index of packages, and get what they need from here."""

import os
import re
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from machine import BIN, PASSWORD, Machine
from namespace import without
from netns import Link
from notebook_client import Notebook
from shells import stub
from sshd import Sshd, wait_until
from sshd_fleet import Fleet
from wheel_index import VERSION, WheelIndex, wheel

NOTEBOOK = f"notebook-{VERSION}-py3-none-any.whl"
BASE = ".local/share/nbfab"
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"  # of a session
AUTHORITIES = "/etc/ssl/certs/ca-certificates.crt"
NOWHERE = "http://127.0.0.1:9/simple"


@pytest.fixture
def index() -> Iterator[WheelIndex]:
    with WheelIndex() as index:
        yield index


Make = Callable[..., Machine]


@pytest.fixture
def offline(tmp_path: Path, stack: Any, index: WheelIndex) -> Make:
    """Makes a host in a network without a route; `uv` is a line of sh for the uv that it has."""

    def make(*, uv: str = "", replace: dict[str, str] | None = None, **options: Any) -> Machine:
        link = stack.enter_context(Link())
        sshd = stack.enter_context(
            Sshd(tmp_path / "host", within=link.within, replace={**without("uv"), **(replace or {})}, **options)
        )
        sshd.stop()
        sshd._lines = f"ListenAddress {link.address}:{sshd.port}"
        sshd.start()
        alias = f"HostKeyAlias [127.0.0.1]:{sshd.port}"
        sshd.write_config(f"Host box\n  HostName {link.address}\n  {alias}\n  CheckHostIP no")
        settings(sshd.home)
        if uv:
            own = sshd.home / ".local/bin"
            own.mkdir(parents=True)
            stub(own, "uv", f'export UV_HTTP_RETRIES=0\n{uv}\nexec {BIN}/uv "$@"')
        machine = Machine(tmp_path, sshd, "nbfab")
        stack.callback(machine.close)
        machine.env |= {"NBFAB_PYTHON": "new", "NBFAB_LEND": "never", "UV_DEFAULT_INDEX": index.url}
        return machine

    return make


def settings(home: Path) -> None:
    """Has the host's pip and uv ask an index that does not answer, and not for minutes."""
    for name, text in (
        ("pip/pip.conf", f"[global]\nindex-url = {NOWHERE}\nretries = 1\ntimeout = 2\n"),
        ("uv/uv.toml", f'index-url = "{NOWHERE}"\n'),
    ):
        (home / ".config" / name).parent.mkdir(parents=True)
        (home / ".config" / name).write_text(text)


def base(machine: Machine) -> Path:
    return machine.folder.parent


def works(machine: Machine, *modules: str) -> None:
    """Whether the environment has those modules, and is complete."""
    assert (base(machine) / ".venv/complete").exists()
    python = machine.home / BASE / ".venv/bin/python"
    subprocess.run([python, "-c", f"import {', '.join(modules)}"], check=True)


def reason(said: str) -> str:
    """The reason in a report, which has to be one line."""
    lines = said.partition("  reason ")[2].partition("\n  fix ")[0].strip().splitlines()
    assert len(lines) == 1, said
    return lines[0]


@pytest.mark.parametrize("uv", ["", ":"], ids=["pip", "uv"])
def test_it_installs_what_was_fetched_here(offline: Make, index: WheelIndex, uv: str) -> None:
    machine = offline(uv=uv)
    done = machine.run("install")
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"fetching 5 packages for x86_64 with glibc [\d.]+ and Python 3", done.stderr)
    assert "sending " in done.stderr
    works(machine, "notebook", "jupyter_server", "ipykernel", "matplotlib", "pip")
    assert not (base(machine) / ".cache").exists()
    assert "nothing changed" in machine.ok("install")
    assert index.fetched(NOTEBOOK) == 1
    # What is there already is neither fetched nor sent again.
    done = machine.run("install", "--with", "jupytext")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "fetching 2 packages for " in done.stderr
    works(machine, "jupytext", "part")
    assert index.fetched(NOTEBOOK) == 1


@pytest.mark.parametrize(
    ("lend", "note"),
    [
        ("never", "packages were sent from here: nothing is to be lent to it (--lend=never)"),
        ("always", "it was lent this machine's access to an index of packages: "),
    ],
)
def test_a_notebook_on_a_host_without_a_route_has_what_a_file_asks_for(
    offline: Make, tmp_path: Path, lend: str, note: str
) -> None:
    """With real packages, by this machine's own index: from a first file to another, and back."""
    machine = offline()
    del machine.env["UV_DEFAULT_INDEX"]
    machine.env |= {"NBFAB_LEND": lend, "PIP_CONFIG_FILE": os.devnull}
    assert machine.sshd
    if os.path.exists(AUTHORITIES):
        with open(machine.home / ".config/pip/pip.conf", "a") as config:
            config.write(f"cert = {AUTHORITIES}\n")
    address = machine.sshd.config.read_text().partition("HostName ")[2].split()[0]
    file = tmp_path / "requirements.txt"
    file.write_text("six==1.16.0\n")

    def notebook() -> Notebook:
        return Notebook(machine.port, machine.folder, PASSWORD, host=address)

    def kernel() -> str:
        return str(notebook().post("/api/kernels", {"name": "nbserver"})["id"])

    def six(kernel: str) -> str:
        return notebook().evaluates(kernel, "__import__('importlib.metadata').metadata.version('six')")

    asked = ("setup", "--requirements", str(file))
    first = machine.ok(*asked)
    assert note in first
    old, server = kernel(), machine.server
    assert six(old) == "'1.16.0'"
    assert "nothing changed" in machine.ok(*asked)
    file.write_text("six==1.17.0\niniconfig\n")
    plan = machine.ok("plan", "--requirements", str(file))
    assert "+ iniconfig " in plan
    assert "~ six 1.16.0 -> 1.17.0" in plan
    machine.ok(*asked)
    assert (six(old), six(kernel())) == ("'1.16.0'", "'1.17.0'")
    assert machine.server == server
    machine.ok("update", "--rollback")
    assert six(kernel()) == "'1.16.0'"
    assert not (base(machine) / ".cache").exists()


def test_where_python_can_make_no_environment_uv_is_sent(offline: Make, index: WheelIndex, tmp_path: Path) -> None:
    code = "import ensurepip; print(ensurepip.__file__)"
    python = shutil.which("python3", path=PATH)
    assert python
    file = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    (tmp_path / "none.py").write_text("raise ImportError('no ensurepip here')\n")
    name = f"uv-{VERSION}-py3-none-manylinux_2_17_x86_64.whl"
    program = {f"uv-{VERSION}.data/scripts/uv": f'#!/bin/sh\nexec {BIN}/uv "$@"\n'.encode()}
    index.files[name] = wheel("uv", tag="py3-none-manylinux_2_17_x86_64", more=program)
    machine = offline(replace={file: str(tmp_path / "none.py")})
    assert "by uv, which is sent from here" in machine.ok("plan", "--python", "new")
    machine.ok("install")
    works(machine, "notebook", "matplotlib", "pip")
    assert not (base(machine) / ".cache").exists()
    # Once it is gone here, the reason and the command for the host are named.
    shutil.rmtree(base(machine) / ".venv")
    del index.files[name]
    shutil.rmtree(Path(machine.env["HOME"]) / ".cache")
    said = machine.fails("install")
    assert re.search(r"cannot make an environment .*: no ensurepip here; and uv cannot be sent from here: ", said)
    assert "python3-venv" in said


def test_a_host_without_any_python_gets_the_command_for_its_system(offline: Make) -> None:
    pythons = {str(file) for place in PATH.split(":") for file in Path(place).glob("python3*")}
    nowhere = "export UV_PYTHON_INSTALL_MIRROR=http://127.0.0.1:9"
    machine = offline(uv=nowhere, replace=dict.fromkeys(pythons, "/dev/null"))
    said = machine.fails("install")
    assert "there is no Python on it, and none is fetched without an index" in said
    assert "apt-get install python3 python3-venv" in said


def test_what_cannot_be_gathered_here_is_said_beside_what_the_host_has_said(offline: Make, index: WheelIndex) -> None:
    machine = offline()
    del index.files[f"matplotlib-{VERSION}-py3-none-any.whl"]
    said = reason(machine.fails("install"))
    assert "the host cannot reach an index of packages: " in said
    assert "; and what it needs cannot be sent from here: there are no wheels for x86_64 with glibc " in said
    assert "matplotlib" in said
    machine.env["UV_DEFAULT_INDEX"] = NOWHERE
    machine.env["UV_HTTP_RETRIES"] = "0"
    assert "this machine does not reach its index either: " in reason(machine.fails("install"))


@pytest.mark.parametrize(
    ("lie", "why"),
    [(True, "is not the file that the index has promised"), (False, "is broken: it is no zip archive")],
)
def test_a_wheel_that_is_wrong_is_not_sent(offline: Make, index: WheelIndex, lie: bool, why: str) -> None:
    machine = offline()
    file = f"part-{VERSION}-py3-none-any.whl"
    machine.ok("install")
    if lie:
        index.lies[file] = index.files[file][::-1]
    else:
        index.files[file] = b"no zip"
    assert why in reason(machine.fails("install", "--with", "part"))
    works(machine, "notebook", "matplotlib")
    assert not list(base(machine).glob(".cache/wheels-*"))


def test_a_wheel_that_was_changed_on_the_host_is_not_installed(offline: Make) -> None:
    wheels = f"$HOME/{BASE}/.cache/wheels-*/matplotlib-*.whl"
    machine = offline(uv=f'if [ -f "$HOME/spoil" ]; then for file in {wheels}; do echo x >>"$file"; done; fi')
    (machine.home / "spoil").touch()
    said = reason(machine.fails("install"))
    assert re.search("a package is (broken: it is no zip archive|not the one that was promised)", said)
    assert not (base(machine) / ".venv/complete").exists()
    (machine.home / "spoil").unlink()
    machine.ok("install")
    works(machine, "matplotlib")


def test_a_full_disk_is_said_before_anything_is_sent(offline: Make, index: WheelIndex) -> None:
    machine = offline(disk="350m")
    machine.ok("install")
    big = {"part/big.py": bytes(200_000_000)}  # and as much once it is compiled
    index.files[f"part-{VERSION}-py3-none-any.whl"] = wheel("part", more=big)
    said = machine.fails("install", "--with", "part")
    assert re.search(r"its disk is too full: its packages take \d+ MB there, and \d+ MB are free", reason(said))
    assert "make room on that disk" in said
    assert (base(machine) / ".venv/complete").exists()
    assert not list(base(machine).glob(".cache/wheels-*"))
    assert "nothing changed" in machine.ok("install")


def test_a_disk_that_is_too_small_is_said_before_anything_is_fetched(offline: Make) -> None:
    machine = offline(disk="60m")
    said = reason(machine.fails("install"))
    assert re.search(r"the disk is too full: an environment takes 250 MB at least, and there are \d+ KiB", said)
    assert not (base(machine) / ".venv").exists()


def test_an_environment_that_cannot_be_written_to_stays(offline: Make) -> None:
    machine = offline(replace=without("no-such-program") | {"/etc/issue": "/dev/null"})  # for mounts of its own
    assert machine.sshd
    machine.ok("install")
    venv = machine.home / BASE / ".venv"
    there = ["nsenter", f"--mount=/proc/{machine.sshd.process.pid}/ns/mnt", "mount"]
    subprocess.run([*there, "--bind", venv, venv], check=True)
    subprocess.run([*there, "-o", "remount,bind,ro", venv], check=True)
    said = reason(machine.fails("install", "--with", "jupytext"))
    assert "it cannot be written to: " in said
    assert "Read-only file system" in said
    works(machine, "notebook", "matplotlib")


def test_a_link_that_is_cut_in_the_middle(offline: Make, tmp_path: Path) -> None:
    tar = shutil.which("tar", path=PATH)
    assert tar
    real = tmp_path / "real-tar"
    shutil.copy(tar, real)
    slow = f"if [ -e {tmp_path}/slow ]; then echo >first; sleep 1; cat >half; exit 1; fi"
    stub(tmp_path, "tar", f'{slow}\nexec {real} "$@"')
    machine = offline(replace={tar: str(tmp_path / "tar")})
    assert machine.sshd
    (tmp_path / "slow").touch()
    said: list[str] = []
    thread = threading.Thread(target=lambda: said.append(machine.fails("install")))
    thread.start()
    wait_until(lambda: list(base(machine).glob(".cache/wheels-*.new.*/first")), "the tar to begin")
    machine.sshd.cut()
    thread.join(60)
    assert "the connection was cut" in reason(said[0])
    assert "run it again" in said[0]
    wait_until(lambda: not list(base(machine).glob(".cache/wheels-*")), "what was half to go")
    (tmp_path / "slow").unlink()
    machine.ok("install")
    works(machine, "notebook")


def test_two_installations_at_once_end_with_one_environment(offline: Make) -> None:
    machine = offline()
    results: list[Any] = []
    threads = [threading.Thread(target=lambda: results.append(machine.run("install"))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(200)
    assert 0 in {result.returncode for result in results}
    for result in results:
        if result.returncode:
            assert "another run of nbfab " in reason(result.stdout + result.stderr)
    machine.ok("install")
    works(machine, "notebook", "matplotlib")


def test_a_fleet_fetches_once(three: Fleet, index: WheelIndex) -> None:
    for name, host in three.hosts.items():
        settings(host.home)
        three.extra[name] = ", python: new, lend: never"
    three.write()
    three.machine.env |= {"UV_DEFAULT_INDEX": index.url}
    done = three.run("install", "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    for name in three.hosts:
        python = three.profile(name).parent / ".venv/bin/python"
        subprocess.run([python, "-c", "import notebook, matplotlib"], check=True)
    assert {index.fetched(file) for file in index.files if not file.startswith(("extra", "jupytext", "part"))} == {1}
    # And another run finds it here.
    for name in three.hosts:
        shutil.rmtree(three.profile(name).parent / ".venv")
    done = three.run("install", "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    assert index.fetched(NOTEBOOK) == 1
