"""The environment that kernels have: that of a login, whatever the login shell and its startup files do."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from machine import PASSWORD, Machine
from notebook_client import Notebook, logs_in

SHELLS = {
    "/bin/bash": (".bash_profile", "export {}={}\n"),
    "/bin/dash": (".profile", "export {}={}\n"),
    "/usr/bin/fish": (".config/fish/config.fish", "set -gx {} {}\n"),
    "/usr/bin/tcsh": (".login", "setenv {} {}\n"),
    "/usr/bin/zsh": (".zprofile", "export {}={}\n"),
}
TAKEN = {"CUDA_HOME": "'/opt/cu da'", "http_proxy": "http://proxy.example.org", "PATH": "/opt/own/bin:$PATH"}
NEVER = {
    "NBFAB_PASSWORD": "canary-of-another",
    "JUPYTER_CONFIG_DIR": "/nowhere",
    "PYTHONHOME": "/nowhere",
    "SSH_AUTH_SOCK": "/nowhere",
    "DBUS_SESSION_BUS_ADDRESS": "/nowhere",
    "XDG_RUNTIME_DIR": "/nowhere",
    "TMUX": "/nowhere",
    "DISPLAY": "nowhere:0",
}


def startup(machine: Machine, name: str, text: str) -> None:
    """Writes a startup file."""
    path = machine.home / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def environ(machine: Machine) -> dict[str, str]:
    """The environment of the server."""
    entries = Path(f"/proc/{machine.server}/environ").read_text().split("\0")
    return dict(entry.split("=", 1) for entry in entries if entry)


@pytest.mark.parametrize("shell", SHELLS)
def test_the_server_has_the_environment_of_a_login(host: Callable[..., Machine], shell: str) -> None:
    machine = host(shell=shell)
    name, form = SHELLS[shell]
    values = TAKEN | NEVER
    if shell.endswith("fish"):
        values["PATH"] = "/opt/own/bin $PATH"
    startup(machine, name, "".join(form.format(*pair) for pair in values.items()))
    said = machine.ok("setup")
    assert "login shell" not in said
    found = environ(machine)
    assert found["CUDA_HOME"] == "/opt/cu da"
    assert found["http_proxy"] == "http://proxy.example.org"
    assert "/opt/own/bin" in found["PATH"].split(":")
    assert found["SHELL"] == shell
    assert not {value for name, value in found.items() if "nowhere" in value or "canary" in value}
    assert not [name for name in found if name.startswith(("SSH_", "TMUX", "NBFAB_"))]
    assert not {path.name for path in machine.folder.iterdir() if path.name == "environ" or ".new" in path.name}
    assert f"environment  from {shell} -l" in machine.ok("status")
    assert "nothing changed" in machine.ok("setup")


def test_a_kernel_has_it_and_so_has_a_terminal(there: Machine) -> None:
    startup(there, ".bash_profile", "export CUDA_HOME=/opt/cuda\n")
    there.ok("setup")
    notebook = Notebook(there.port, there.folder, PASSWORD)
    notebook.post("/api/kernels", {"name": "nbserver"})
    children = Path(f"/proc/{there.server}/task/{there.server}/children").read_text().split()
    assert any("CUDA_HOME=/opt/cuda\0" in Path(f"/proc/{pid}/environ").read_text() for pid in children)
    there.ok("stop", "--force")


@pytest.mark.parametrize(
    ("shell", "name", "text", "words"),
    [
        ("/bin/bash", ".bashrc", "cd /var\n", "from /bin/bash -l -i"),
        ("/bin/bash", ".bashrc", "set -e\necho Welcome!\n", "from /bin/bash -l -i"),
        ("/bin/bash", ".profile", "cd /var; exit 3\n", "(exit status 3): see ~/.profile"),
        ("/bin/bash", ".profile", "exec true\n", "(exit status 0): see ~/.profile"),
        ("/bin/bash", ".profile", "set -e; false\n", "(exit status 1): see ~/.profile"),
        ("/bin/bash", ".profile", "kill -9 $$\n", "(exit status -9): see ~/.profile"),
        ("/bin/bash", ".profile", "case $- in *i*) exec fish ;; esac\nexport A=1\n", "from /bin/bash -l; "),
        ("/bin/zsh", ".zshrc", "cd /var; exit\n", "from /bin/zsh -l; /bin/zsh -l -i ended"),
        ("/usr/bin/fish", ".config/fish/config.fish", "cd /var; echo Welcome!\n", "from /usr/bin/fish -l -i"),
        ("/usr/bin/fish", ".config/fish/config.fish", "status is-interactive; and exec true\n", "see ~/.config"),
        ("/usr/bin/tcsh", ".tcshrc", "cd /var; echo Welcome!\n", "from /usr/bin/tcsh -l"),
        ("/usr/bin/tcsh", ".login", "exec true\n", "from /usr/bin/tcsh; /usr/bin/tcsh -l ended"),
    ],
)
def test_whatever_a_startup_file_does_the_server_runs_and_the_file_is_named(
    host: Callable[..., Machine], shell: str, name: str, text: str, words: str
) -> None:
    machine = host(shell=shell)
    startup(machine, name, text)
    machine.ok("setup")
    assert logs_in(machine.port, machine.folder, PASSWORD)
    assert words in machine.json("status")["state"]["environment"]
    assert words in machine.ok("status")
    assert environ(machine)["SHELL"] == shell


def test_a_startup_file_that_does_not_end_is_named(there: Machine) -> None:
    startup(there, ".profile", "export A=1\ncase $- in *i*) sleep 1000 ;; esac\n")
    startup(there, ".bashrc", ":\n")
    said = there.ok("setup")
    assert "/bin/bash -l -i did not end within 10 seconds: see ~/.bashrc or ~/.profile" in said
    assert environ(there)["A"] == "1"


@pytest.mark.parametrize("variable", ["PYTHONPATH", "LD_LIBRARY_PATH"])
def test_a_variable_with_which_the_server_does_not_start_is_named(there: Machine, variable: str) -> None:
    broken = there.home / "broken"
    broken.mkdir()
    for name in ("tornado.py", "libssl.so.3", "libcrypto.so.3", "libssl.so.1.1"):
        (broken / name).write_text("raise ImportError\n")
    startup(there, ".profile", f"export A=1 PYTHONUNBUFFERED=1 {variable}={broken}\n")
    result = there.run("setup")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "once more without it" in result.stderr
    assert f"; remove {variable} from its startup files" in result.stdout
    assert logs_in(there.port, there.folder, PASSWORD)
    assert variable not in environ(there)
    assert f"remove {variable} from" in json.dumps(there.json("status"))


def test_a_server_that_cannot_start_anyhow_says_why_once(there: Machine) -> None:
    startup(there, ".profile", "export A=1\n")
    said = there.fails("setup", "--ip", "192.0.2.7")  # TEST-NET-1, no address of that machine
    assert said.count("did not become ready") == 1
    assert "startup files" not in said
