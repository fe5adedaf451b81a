"""The sh that looks at what only `doctor` asks for, in the shells that hosts have."""

import socket
import sys
from pathlib import Path

import pytest
from planted import ENDED
from shells import each_shell, records, run, stub

from nbfab.look.facts import FACTS
from nbfab.look.home import Mount
from nbfab.look.interpreter import Probe
from nbfab.look.look import DOCTOR
from nbfab.look.shell import ShellFacts
from nbfab.program import call, functions, source

NAMES = ("json", "process", "host", "files", "environments", "port", "server", "logind", "left", "look")
ALL = functions(*(f"look/{name}" for name in NAMES), *DOCTOR)
PRINT = call("print_facts")
MOUNTS = """\
/dev/vda / ext4 rw,relatime 0 0
fs:/home /home nfs4 rw,vers=4.2,hard 0 0
/dev/vdb /home/ann\\\\040b ext4 ro,noexec 0 0
tmpfs /home/annex tmpfs rw 0 0
tmpfs /home tmpfs rw,over 0 0
"""


def parsed(output: str) -> dict[str, object]:
    """The facts that a program prints, parsed."""
    found = {}
    for record in records(output):
        for name, value in record.items():
            found[name] = FACTS[name].metadata["parse"](value)
    return found


@each_shell
@pytest.mark.parametrize(
    ("path", "folder", "kind"),
    [
        ("/", "/", "ext4"),
        ("/homes/ann", "/", "ext4"),
        ("/home/ann", "/home", "tmpfs"),
        ("/home/ann b/c", "/home/ann b", "ext4"),
        ("/home/annex", "/home/annex", "tmpfs"),
    ],
)
def test_the_mount_of_a_path_is_the_deepest_and_the_last(
    shell: tuple[str, ...], path: str, folder: str, kind: str
) -> None:
    mounts = MOUNTS.replace("\\\\", "\\")
    program = ALL + f"fact home.mount \"$(mount_of '{path}' <<'EOF'\n{mounts}EOF\n)\"\n" + PRINT
    mount = parsed(run(shell, program))["home.mount"]
    assert isinstance(mount, Mount)
    assert (mount.folder, mount.type) == (folder, kind)


@each_shell
def test_only_the_names_of_variables_are_told(shell: tuple[str, ...]) -> None:
    program = ALL + 'fact interpreter.variables "$(env | list_variables)"\n' + PRINT
    env = {"PYTHONPATH": "/secret=canary", "PYTHONHOME": "", "MY_PYTHONPATH": "x", "OTHER": "a\nPYTHONUSERBASE"}
    output = run(shell, program, env=env)
    assert "canary" not in output
    assert parsed(output)["interpreter.variables"] == ("PYTHONPATH",)


@each_shell
def test_the_home_folder_and_its_room(shell: tuple[str, ...], tmp_path: Path) -> None:
    found = parsed(run(shell, ALL + call("look_home", base=f"{tmp_path}/not/yet") + PRINT, env={"HOME": str(tmp_path)}))
    assert (found["home.folder"], found["home.place"], found["home.writable"]) == (str(tmp_path), str(tmp_path), True)
    assert found["home.space"].size > found["home.space"].free > 0  # type: ignore[attr-defined]
    assert found["home.inodes"].size > 0  # type: ignore[attr-defined]
    assert isinstance(found["home.mount"], Mount)


@each_shell
def test_what_is_stale_is_what_no_process_stands_for(shell: tuple[str, ...], tmp_path: Path) -> None:
    runtime = tmp_path / "runtime"
    runtime.mkdir()
    for name in (f"jpserver-{ENDED}.json", "nbserver-1.json", "jpserver-x.json", f"jpserver-{ENDED}-open.html"):
        (runtime / name).write_text("{}")
    (tmp_path / "lock").mkdir()
    (tmp_path / "lock/holder").write_text(f"{ENDED} 5\n")
    found = parsed(run(shell, ALL + call("look_stale", folder=str(tmp_path), alive="yes") + PRINT))
    assert found["stale.files"] == (f"{runtime}/jpserver-{ENDED}.json",)
    assert found["stale.lock"] == f"{tmp_path}/lock"
    (tmp_path / "lock/holder").unlink()  # it may be being made right now
    found = parsed(run(shell, ALL + call("look_stale", folder=str(tmp_path), alive="yes") + PRINT))
    assert "stale.lock" not in found


@each_shell
def test_limits_are_those_of_the_process(shell: tuple[str, ...]) -> None:
    program = ALL + call("look_limits", pid="", alive="", user="") + PRINT
    limits = parsed(run(("prlimit", "--nofile=300", *shell), program))["limits.resources"]
    assert limits.by_name["open files"].soft == 300  # type: ignore[attr-defined]


@each_shell
def test_the_login_shell_began_before_it_ran_this(shell: tuple[str, ...]) -> None:
    found = parsed(run(shell, ALL + call("look_shell") + PRINT))
    assert 0 <= ShellFacts(began=found["shell.began"], uptime=found["shell.uptime"]).seconds < 60  # type: ignore[arg-type]
    assert found["shell.began"]


@each_shell
def test_who_listens_is_known_by_address(shell: tuple[str, ...]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        program = ALL + call("look_listening", port=str(listener.getsockname()[1])) + PRINT
        assert parsed(run(shell, program))["listening.addresses"] == ("127.0.0.1",)
    found = parsed(run(shell, program))
    assert (found["listening.addresses"], found["listening.known"]) == ((), True)


def interpreter(shell: tuple[str, ...], folder: Path, python: str) -> dict[str, object]:
    """What is looked at of an interpreter."""
    named = {"folder": str(folder), "app": "notebook", "interpreter": python, "alive": "", "pid": ""}
    probe = source("look/interpreter_probe.py")
    return parsed(run(shell, ALL + call("look_interpreter", interpreter_probe=probe, **named) + PRINT))


@each_shell
def test_what_the_interpreter_imports_and_reads(shell: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "jupyter").mkdir()
    (tmp_path / "jupyter/jupyter_config.json").write_text("{}")
    broken = tmp_path / "share/jupyter/kernels/gone"
    broken.mkdir(parents=True)
    (broken / "kernel.json").write_text('{"argv": ["/gone/bin/python"]}')
    found = interpreter(shell, tmp_path, sys.executable)
    probe = found["interpreter.probe"]
    assert isinstance(probe, Probe)
    assert {"python", "jupyter_core", "ipykernel", "notebook"} <= probe.versions.keys()
    assert probe.configs == (f"{tmp_path}/jupyter/jupyter_config.json",)
    assert ("gone", "/gone/bin/python", str(broken.parent)) in probe.kernels
    assert probe.strangers == ()
    assert "interpreter.fails" not in found


@each_shell
def test_why_an_interpreter_does_not_work(shell: tuple[str, ...], tmp_path: Path) -> None:
    assert interpreter(shell, tmp_path, f"{tmp_path}/python")["interpreter.fails"] == "it is not there any more"
    stub(tmp_path, "python", "echo 'ImportError: \"libzmq\"' >&2; exit 1")
    assert interpreter(shell, tmp_path, f"{tmp_path}/python")["interpreter.fails"] == 'ImportError: "libzmq"'
