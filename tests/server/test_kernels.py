"""Kernels that talk only to their own user: what a second user of the machine finds, on each of the servers."""

import functools
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager
from machine import PASSWORD, Machine
from namespace import with_mounts
from notebook_client import Notebook
from notebook_servers import Kind
from processes import sockets_of, with_environment
from pythons import DEBIAN
from sshd import wait_until

from nbfab.server.kernels import speaks_ipc

SCANNER = (Path(__file__).parents[1] / "second_user.py").read_text()
MARKER = "canary"  # what the owner prints
LAB = {  # what JupyterLab says of itself as a debugger
    "clientID": "jupyterlab",
    "adapterID": "",
    "linesStartAt1": True,
    "columnsStartAt1": True,
    "pathFormat": "path",
}
PRINTS = f"import time\nfor _ in range(3000):\n    print('{MARKER}', flush=True)\n    time.sleep(0.1)"


@pytest.fixture
def machine() -> Iterator[Machine]:
    """This machine, with a home folder whose path is short enough for sockets."""
    with tempfile.TemporaryDirectory(prefix="nb") as folder:
        machine = Machine(Path(folder))
        yield machine
        machine.close()


@functools.cache
def second_user() -> tuple[str, ...]:
    """The command that runs a program as another user of this machine, with a Python that has ZeroMQ."""
    drop = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--")
    ways = [drop, ("sudo", "-n", *drop), ("unshare", "--user", "--map-root-user", "--map-auto", "--", *drop)]
    for way in ways:
        for python in (DEBIAN, sys.executable):
            command = (*way, python)
            if (
                subprocess.run([*command, "-c", "import zmq"], cwd="/", capture_output=True, check=False).returncode
                == 0
            ):
                return command
    pytest.skip("takes root, sudo or subordinate uids (newuidmap), and a Python with pyzmq that others may run")


def scan(pids: list[int], proof: Path) -> dict[str, Any]:
    """What a second user finds who tries every socket of those processes."""
    tcp, unix = sockets_of(pids)
    task = json.dumps({"tcp": sorted(tcp), "unix": sorted(unix), "proof": str(proof)})
    done = subprocess.run(
        [*second_user(), "-c", SCANNER], input=f"{task}\n", cwd="/", capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


class Owner:
    """The kernel's owner, who knows its connection file."""

    def __init__(self, connection_file: Path) -> None:
        self.client = BlockingKernelClient(connection_file=str(connection_file))
        self.client.load_connection_file()
        self.client.start_channels(hb=False)  # which takes a kernel that only starts for dead
        self.client.wait_for_ready(timeout=60)
        self._numbers = iter(range(1, 1000))

    def reads(self, text: str) -> bool:
        """Whether the kernel publishes that text within a minute."""
        end, read = time.monotonic() + 60, ""
        while time.monotonic() < end and text not in read:  # which may come in pieces
            read += str(self.client.get_iopub_msg(timeout=60)["content"].get("text", ""))
        return text in read

    def ends(self) -> str:
        """Waits until a cell has ended; the name of the exception that has ended it."""
        while (answer := self.client.get_shell_msg(timeout=60))["msg_type"] != "execute_reply":
            pass
        return str(answer["content"].get("ename", ""))

    def debugs(self, command: str, **arguments: Any) -> dict[str, Any]:
        """The kernel's answer to a request of a debugger."""
        content = {"type": "request", "seq": next(self._numbers), "command": command, "arguments": arguments}
        message = self.client.session.msg("debug_request", content)
        self.client.control_channel.send(message)
        while True:
            answer = self.client.get_control_msg(timeout=60)
            if answer["parent_header"].get("msg_id") == message["header"]["msg_id"]:
                return dict(answer["content"])

    def stops(self) -> str:
        """The value of a variable where a cell stops at a breakpoint; it goes on then."""
        code = "def double(number):\n    return 2 * number\nprint('twice is', double(21))"
        path = self.debugs("dumpCell", code=code)["body"]["sourcePath"]
        self.debugs("setBreakpoints", source={"path": path}, breakpoints=[{"line": 2}], sourceModified=False)
        self.debugs("configurationDone")
        self.client.execute(code)
        while (event := self.client.get_iopub_msg(timeout=60)["content"]).get("event") != "stopped":
            pass
        thread = event["body"]["threadId"]
        frame = self.debugs("stackTrace", threadId=thread)["body"]["stackFrames"][0]["id"]
        scope = self.debugs("scopes", frameId=frame)["body"]["scopes"][0]["variablesReference"]
        (variable,) = self.debugs("variables", variablesReference=scope)["body"]["variables"]
        self.debugs("continue", threadId=thread)
        assert self.reads("twice is 42")
        return f"{variable['name']} = {variable['value']}"


@contextmanager
def owner_of(connection_file: Path) -> Iterator[Owner]:
    owner = Owner(connection_file)
    try:
        yield owner
    finally:
        owner.client.stop_channels()


@contextmanager
def prints(owner: Owner) -> Iterator[None]:
    """Lets a cell print all the while."""
    owner.client.execute(PRINTS)
    assert owner.reads(MARKER)
    yield
    assert owner.reads(MARKER)


def test_the_scan_finds_what_there_is_to_find(tmp_path: Path) -> None:
    """A kernel as Jupyter starts it, with its debugger: another user reads it, and runs code in it."""
    proof = tmp_path / "proof"
    manager = KernelManager(kernel_name="python3", connection_file=str(tmp_path / "kernel.json"))
    environ = {**os.environ, "IPYTHONDIR": str(tmp_path), "JUPYTER_RUNTIME_DIR": str(tmp_path)}
    manager.start_kernel(env=environ)
    try:
        with owner_of(tmp_path / "kernel.json") as owner:
            assert owner.debugs("initialize", **LAB)["success"]
            assert owner.debugs("attach")["success"]
            owner.debugs("disconnect", restart=False, terminateDebuggee=False)
            with prints(owner):
                found = scan(with_environment("JUPYTER_RUNTIME_DIR", str(tmp_path)), proof)
        assert any(MARKER in text for text in found["heard"].values())
        assert proof.exists(), [v for v in found["heard"].values() if '"response"' in v]
    finally:
        manager.shutdown_kernel(now=True)
        for pid in with_environment("JUPYTER_RUNTIME_DIR", str(tmp_path)):  # debugpy's adapter outlives its kernel
            os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize("debugger", [False, True], ids=["", "debugger"])
def test_a_second_user_reads_nothing_and_runs_nothing(
    kind: Kind, debugger: bool, machine: Machine, tmp_path: Path
) -> None:
    set_up(machine, kind, *(["--debugger"] if debugger else []))
    notebook = Notebook(machine.port, machine.folder, PASSWORD)
    specs = notebook.get("/api/kernelspecs")["kernelspecs"]
    assert specs["nbserver"]["spec"]["metadata"]["debugger"] is debugger
    for name in ("nbserver", "python3"):  # ours, and the environment's own
        kernel = notebook.post("/api/kernels", {"name": name})["id"]
        with owner_of(machine.folder / f"runtime/kernel-{kernel}.json") as owner:
            started = owner.debugs("initialize", **LAB)
            assert started["success"] is debugger
            if debugger:
                assert owner.debugs("attach")["success"]
                assert owner.stops() == "number = 21"
            else:
                assert "--debugger" in started["message"]
            with prints(owner):
                check(machine, tmp_path / "proof")
                if debugger:
                    owner.debugs("disconnect", restart=False, terminateDebuggee=False)
                    check(machine, tmp_path / "proof")


def set_up(machine: Machine, kind: Kind, *more: str) -> None:
    """Runs `setup` with the server of a kind. The oldest jupyter_server has no notebook 7."""
    app = "notebook" if kind.classic or kind.python == sys.executable else "lab"
    machine.ok("setup", "--python", kind.python, "--app", app, *more)


def check(machine: Machine, proof: Path) -> None:
    """Asserts that a second user finds nothing at the server's processes."""
    pids = with_environment("JUPYTER_RUNTIME_DIR", f"{machine.folder}/runtime")
    assert machine.server in pids
    found = scan(pids, proof)
    assert not [text for text in found["heard"].values() if MARKER in text or '"response"' in text]
    assert not proof.exists()
    assert not [endpoint for endpoint in found["reached"] if not endpoint.startswith("tcp:")]
    # The server's own; and of each kernel the pipe for what its children print, which only listens, and to a secret.
    kernels = {pid for pid in pids if sockets_of([pid])[0]} - {machine.server}
    assert sockets_of([machine.server])[0] == {machine.port}
    assert all(len(sockets_of([pid])[0]) == 1 for pid in kernels)
    assert any(path.startswith(str(machine.folder)) or path.startswith("/var/tmp") for path in sockets_of(pids)[1])


@pytest.mark.parametrize(
    ("argv", "known"),
    [
        ("/env/bin/python -m ipykernel_launcher -f {connection_file}", True),
        ("python -m ipykernel -f {connection_file}", True),
        ("python -m ipykernel.kernelapp -f {connection_file}", True),
        ("/usr/bin/ipython kernel -f {connection_file}", True),
        ("conda run -n gpu python -m ipykernel_launcher -f {connection_file}", True),
        ("python -m nb_conda_kernels.runner /c /c/envs/r R --slave -e IRkernel::main() --args {connection_file}", True),
        ("sh -c 'module load x; exec python -m ipykernel_launcher \"$@\"' sh -f {connection_file}", True),
        ("python -m bash_kernel -f {connection_file}", True),
        ("/home/ann/ipykernel/bin/xpython -f {connection_file}", False),
        ("/usr/bin/xpython -f {connection_file}", False),
        ("python -m ilua.app -c {connection_file}", False),
        ("/opt/my-ipykernel -f {connection_file}", False),
    ],
)
def test_what_is_known_to_do_without_tcp(argv: str, known: bool) -> None:
    assert (speaks_ipc(argv.split(" "), {}), speaks_ipc([argv], {})) == (known, known)


def test_a_kernel_that_runs_elsewhere_needs_tcp() -> None:
    argv = ["python", "-m", "ipykernel_launcher"]
    assert speaks_ipc(argv, {"kernel_provisioner": {"provisioner_name": "local-provisioner"}})
    assert not speaks_ipc(argv, {"kernel_provisioner": {"provisioner_name": "slurm"}})


def test_status_names_the_kernels_that_need_tcp(kind: Kind, machine: Machine) -> None:
    program = machine.home / "other-kernel"
    program.write_text(f'#!/bin/sh\nexec {kind.python} -m ipykernel_launcher "$@"\n')
    program.chmod(0o755)
    spec = machine.home / ".local/share/jupyter/kernels/other/kernel.json"
    spec.parent.mkdir(parents=True)
    argv = [str(program), "-f", "{connection_file}"]
    spec.write_text(json.dumps({"argv": argv, "display_name": "Other", "language": "other"}))
    set_up(machine, kind)
    notebook = Notebook(machine.port, machine.folder, PASSWORD)
    notebook.post("/api/kernels", {"name": "nbserver"})
    assert "not private" not in machine.ok("status")
    notebook.post("/api/kernels", {"name": "other"})
    assert machine.json("status")["state"]["tcp_kernels"] == ["other"]
    said = machine.ok("status")
    assert "not private  kernels of other use TCP: other users of the host can read what they print" in said


def sockets(machine: Machine) -> list[Path]:
    """The sockets of kernels that there are."""
    record = machine.folder / "ipc"
    folder = Path(record.read_text().strip()) if record.exists() else machine.folder / "runtime"
    return sorted(folder.glob("kernel-*-ipc-*"))


def test_kernels_are_restarted_and_interrupted_and_leave_no_sockets(kind: Kind, here: Machine) -> None:
    set_up(here, kind)  # in a folder whose path is too long for sockets
    notebook = Notebook(here.port, here.folder, PASSWORD)
    kernel = notebook.post("/api/kernels", {"name": "nbserver"})["id"]
    with owner_of(here.folder / f"runtime/kernel-{kernel}.json") as owner:
        with prints(owner):
            assert len(sockets(here)) == 5
        notebook.post(f"/api/kernels/{kernel}/interrupt", {})
        assert owner.ends() == "KeyboardInterrupt"
        notebook.post(f"/api/kernels/{kernel}/restart", {})
        owner.client.wait_for_ready(timeout=60)
        with prints(owner):
            assert len(sockets(here)) == 5
    here.kill_server()
    wait_until(lambda: not with_environment("JUPYTER_RUNTIME_DIR", f"{here.folder}/runtime"), "the kernel to end")
    assert len(sockets(here)) == 5
    here.ok("serve")
    assert sockets(here) == []
    notebook = Notebook(here.port, here.folder, PASSWORD)
    kernel = notebook.post("/api/kernels", {"name": "nbserver"})["id"]
    with owner_of(here.folder / f"runtime/kernel-{kernel}.json"):
        folder = sockets(here)[0].parent
    here.ok("stop", "--force")
    assert not folder.exists()
    assert not (here.folder / "ipc").exists()


def test_without_a_place_for_sockets_the_server_does_not_start_and_says_why(here: Machine) -> None:
    setup = with_mounts(here.command("setup"), [["-t", "tmpfs", "-o", "ro", "none", "/var/tmp"]])
    done = subprocess.run(
        setup, env={**here.env, "NBFAB_PASSWORD": PASSWORD}, cwd=here.work, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    said = done.stdout + done.stderr
    assert "kernels have no place for sockets that only their user may reach" in said
    assert "df /var/tmp" in said
    assert not here.server
