"""The program that looks for Jupyter servers that nbfab did not start, against real ones."""

import hashlib
import json
import os
import signal
import ssl
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from machine import ROOT
from processes import start_of
from pythons import DEBIAN, NOTEBOOKS, need
from strays import OPEN, OPEN_6, TOKEN, Stray, stray

from nbfab.look.facts import FACTS
from nbfab.look.others import Other

pytestmark = pytest.mark.real
PROBE = (ROOT / "nbfab/look/others_probe.py").read_text()
each_python = pytest.mark.parametrize("python", NOTEBOOKS.values(), ids=list(NOTEBOOKS))


def printed(base: Path, port: int | str = "", python: str = sys.executable) -> Any:
    """What the program prints."""
    done = subprocess.run(
        [python, "-I", "-S", "-B", "-c", PROBE, str(base), str(port)],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return json.loads(done.stdout)


def found(stray: Stray, base: Path, *, ask: bool = False) -> Other | None:
    """The server as facts have it; None if it is not listed."""
    servers = FACTS["others.servers"].metadata["parse"](printed(base, stray.port if ask else ""))
    return next((server for server in servers if server.pid == stray.pid), None)


def assert_is_no_activity(server: Stray, base: Path) -> None:
    """Fails if a look counts as activity, which would keep a server from ending when it is idle."""
    before = server.status()["last_activity"]
    for _ in range(3):
        assert found(server, base)
    assert server.status()["last_activity"] == before


def test_a_server_with_a_token(tmp_path: Path) -> None:
    before = int(time.time())
    with stray(tmp_path / "home", f"--ServerApp.token={TOKEN}", "--ServerApp.base_url=/deep/down") as server:
        other = found(server, tmp_path)
        assert other
        assert (other.port, other.tls, other.open, other.token) == (server.port, False, False, True)
        assert (other.addresses, other.only_here) == (("127.0.0.1",), True)
        assert (other.base, other.folder, other.note) == ("/deep/down/", str(server.home), str(server.note))
        assert (other.app, other.kernels, other.terminals) == ("jupyter-server", 0, None)
        assert other.start == start_of(server.pid)
        assert before - 2 <= other.since <= time.time() + 1
        assert TOKEN not in json.dumps(printed(tmp_path))
        assert_is_no_activity(server, tmp_path)


def test_an_open_server_and_what_it_runs(tmp_path: Path) -> None:
    with stray(tmp_path / "home", *OPEN, "--ip=0.0.0.0") as server:
        server.post("/api/kernels")
        other = found(server, tmp_path)
        assert other
        assert (other.open, other.only_here, other.kernels, other.terminals) == (True, False, 1, None)
        terminal = server.post("/api/terminals")["name"]
        other = found(server, tmp_path, ask=True)
        assert other
        assert other.live == ("1 kernel", f"terminal {terminal}")


@pytest.mark.parametrize("is_open", [True, False], ids=["open", "token"])
def test_notebook_6(tmp_path: Path, *, is_open: bool) -> None:
    need(DEBIAN)
    options = OPEN_6 if is_open else (f"--NotebookApp.token={TOKEN}",)
    with stray(tmp_path / "home", *options, program="notebook 6") as server:
        other = found(server, tmp_path)
        assert other
        assert (other.port, other.open, other.token, other.kernels) == (server.port, is_open, not is_open, 0)
        assert other.note.endswith(f"/nbserver-{server.pid}.json")
        assert_is_no_activity(server, tmp_path)


def test_a_server_by_tls(tmp_path: Path) -> None:
    with stray(tmp_path / "home", f"--ServerApp.token={TOKEN}", tls=True) as server:
        other = found(server, tmp_path)
        assert other
        assert (other.tls, other.open, other.kernels) == (True, False, 0)
        shown = ssl.PEM_cert_to_DER_cert((server.home / "cert.pem").read_text())
        assert other.fingerprint == hashlib.sha256(shown).hexdigest()


@each_python
def test_what_a_runtime_file_says_is_believed_only_if_it_fits(tmp_path: Path, python: str) -> None:
    need(python)
    with stray(tmp_path / "home", f"--ServerApp.token={TOKEN}") as server:
        known = json.loads(server.note.read_text())
        for lie in ({"port": server.port + 1}, {"pid": server.pid + 1}, {"port": str(server.port)}):
            server.note.write_text(json.dumps(known | {"token": "other", "root_dir": "/lie"} | lie))
            (one,) = (one for one in printed(tmp_path, python=python) if one["pid"] == server.pid)
            assert (one["port"], one["open"], one["note"], one["token"], one["folder"]) == (
                *(server.port, False, "", False, ""),
            )
        server.note.write_text("{" * 20_000)
        assert found(server, tmp_path)


def test_a_profile_of_nbfab_is_none_but_what_is_started_in_its_terminal_is(tmp_path: Path) -> None:
    profile = tmp_path / "profile"
    runtime = profile / "runtime"
    runtime.mkdir(parents=True)
    env = {"JUPYTER_RUNTIME_DIR": str(runtime)}
    with stray(tmp_path / "home", f"--ServerApp.token={TOKEN}", env=env) as server:
        note = f"1 {server.pid} {start_of(server.pid)} digest 7\n"
        (profile / "started").write_text(f"1 {os.getpid()} {start_of(os.getpid())} digest 7\n")
        assert found(server, tmp_path / "elsewhere")
        (profile / "started").write_text(note)
        assert found(server, tmp_path / "elsewhere") is None  # by its own runtime folder
    with stray(tmp_path / "another", f"--ServerApp.token={TOKEN}") as server:
        assert found(server, tmp_path)
        (profile / "started").write_text(f"1 {server.pid} {start_of(server.pid)} digest 7\n")
        assert found(server, tmp_path) is None  # by the folder of all profiles
        (profile / "started").write_text(f"1 {server.pid} 17 digest 7\n")
        assert found(server, tmp_path)  # it was another process of that number


def test_a_server_that_does_not_answer_is_listed_in_time(tmp_path: Path) -> None:
    with stray(tmp_path / "home", f"--ServerApp.token={TOKEN}") as server:
        os.kill(server.pid, signal.SIGSTOP)
        begun = time.monotonic()
        other = found(server, tmp_path)
        assert time.monotonic() - begun < 20
        assert other
        assert (other.port, other.tls, other.open) == (server.port, None, None)
        assert "timed out" in other.why or "TimeoutError" in other.why
        assert other.live == ("kernels it cannot list",)


@pytest.mark.parametrize("name", ["jupyter-nbconvert", "jupyter.sh", "ipykernel_launcher"])
def test_what_is_no_server_is_not_listed(tmp_path: Path, name: str) -> None:
    """Something that listens and is called like it, a shell that does not listen, and a kernel."""
    code = (
        "import http.server, socketserver, sys\n"
        "server = socketserver.TCPServer(('127.0.0.1', 0), http.server.SimpleHTTPRequestHandler)\n"
        "print(server.server_address[1], flush=True)\nserver.serve_forever()\n"
    )
    if name == "jupyter.sh":
        code = "import sys; print(0, flush=True); sys.stdin.read()"
    (tmp_path / name).write_text(code)
    with subprocess.Popen(
        [sys.executable, tmp_path / name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        assert process.stdout
        process.stdout.readline()
        assert process.pid not in [one["pid"] for one in printed(tmp_path)]
        process.kill()
