"""A new password, and logins that fail, while a server runs."""

import json
import subprocess
import urllib.error
from pathlib import Path

import pytest
import websocket
from chromium import chromium
from machine import PASSWORD, Machine
from notebook_client import Notebook, logs_in
from sshd import wait_until

NEW = "another horse battery"
# What a page does all the while: it asks for the kernels, with whatever token the server has put into it.
ASKS = """async () => {
    const config = document.getElementById("jupyter-config-data");
    const token = config ? JSON.parse(config.textContent).token : document.body.dataset.jupyterApiToken;
    return (await fetch("/api/kernels", token ? {headers: {Authorization: `token ${token}`}} : {})).status;
}"""


def test_a_new_password_ends_sessions_and_no_kernel(machine: Machine) -> None:
    old = Notebook(machine.port, machine.folder, PASSWORD)
    kernel = old.post("/api/kernels", {"name": "nbserver"})["id"]
    assert old.evaluates(kernel, "answer", "answer = 42") == "42"
    page, server = old.websocket(kernel), machine.server
    said = machine.ok("password", "--password-stdin", password=None, stdin=f"{NEW}\n")
    assert "rewrite the hash of the new password" in said
    assert machine.server == server
    with pytest.raises(urllib.error.HTTPError, match="403"):
        old.get("/api/kernels")
    assert _close_code(page) == 1008
    assert not logs_in(machine.port, machine.folder, PASSWORD)
    new = Notebook(machine.port, machine.folder, NEW)
    assert new.evaluates(kernel, "answer") == "42"
    for task in ("setup", "plan"):
        assert "nothing" in machine.ok(task, password=None)
    assert machine.json("status", password=None)["pending"] == []


def _close_code(socket: websocket.WebSocket) -> int:
    """The code with which the server closes a websocket, after whatever it still had to say."""
    while True:
        opcode, data = socket.recv_data(control_frame=True)
        if opcode == websocket.ABNF.OPCODE_CLOSE:
            return int.from_bytes(data[:2], "big")


@pytest.mark.parametrize("text", ["", "{", "[]", '{"IdentityProvider": {"hashed_password": ""}}', None])
def test_without_a_hash_that_can_be_read_no_one_is_let_in(served: Machine, text: str | None) -> None:
    inside, path = Notebook(served.port, served.folder, PASSWORD), served.folder / "jupyter_server_config.json"
    before = path.read_text()
    path.rename(served.folder / "aside")
    try:
        if text is not None:
            path.write_text(text)
        with pytest.raises(urllib.error.HTTPError, match="403"):
            inside.get("/api/kernels")
        assert not logs_in(served.port, served.folder, PASSWORD)
        assert not logs_in(served.port, served.folder, "")
    finally:
        (served.folder / "aside").replace(path)
    assert path.read_text() == before
    assert logs_in(served.port, served.folder, PASSWORD)


def test_status_counts_the_logins_that_failed(machine: Machine) -> None:
    assert "logins       none failed since " in machine.ok("status")
    before = machine.json("status")["state"]["failed_logins"]
    assert not logs_in(machine.port, machine.folder, "wrong horse battery")
    after = machine.json("status")["state"]["failed_logins"]
    assert after == {"failures": 1, "refused": 0, "since": before["since"], "addresses": 1}
    assert f"logins       1 failed since {before['since']}, from 1 address" in machine.ok("status")


def test_a_server_whose_module_is_broken_does_not_start(here: Machine) -> None:
    here.ok("setup")
    here.ok("stop")
    module = here.folder / "nbfab_server"
    (module / "hashed.py").write_text("raise RuntimeError('broken by hand')\n")
    run = ["/bin/sh", str(here.folder / "run.sh")]
    done = subprocess.run(run, cwd=here.folder, env=here.env, capture_output=True, text=True, timeout=60, check=False)
    assert "broken by hand" in done.stdout
    module.rename(here.folder / "aside")
    done = subprocess.run(run, cwd=here.folder, env=here.env, capture_output=True, text=True, timeout=60, check=False)
    assert "nbfab_server/__init__.py is missing, so the server is not started" in done.stdout
    here.ok("setup")  # writes what is missing
    assert logs_in(here.port, here.folder, PASSWORD)
    wait_until(lambda: Path(f"/proc/{here.server}").exists(), "the server")


def test_no_page_has_the_token(machine: Machine) -> None:
    (runtime,) = (machine.folder / "runtime").glob("*server-*[0-9].json")
    token = json.loads(runtime.read_text())["token"]
    assert len(token) == 64
    notebook = Notebook(machine.port, machine.folder, PASSWORD)
    for path in ("/login", "/tree", *(["/lab"] if runtime.name.startswith("jpserver") else [])):
        assert token not in notebook.opener.open(f"{notebook.base}{path}", timeout=60).read().decode()


def test_an_open_page_is_out_after_a_new_password(machine: Machine, tmp_path: Path) -> None:
    with chromium(tmp_path) as browser:
        page = browser.new_context(ignore_https_errors=True).new_page()
        page.goto(f"https://localhost:{machine.port}/")
        page.fill("input[type=password]", PASSWORD)
        page.press("input[type=password]", "Enter")
        page.wait_for_url("**/tree*")
        page.wait_for_load_state("networkidle")
        machine.ok("password", "--password-stdin", password=None, stdin=f"{NEW}\n")
        assert page.evaluate(ASKS) == 403
        page.reload()
        page.wait_for_selector("input[type=password]", timeout=60_000)
        page.fill("input[type=password]", NEW)
        page.press("input[type=password]", "Enter")
        page.wait_for_url("**/tree*")
