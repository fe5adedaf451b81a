"""The how-to, end to end, on this machine and on a host over SSH: what a person types, and what they find then."""

import csv
import json
import os
import re
import socket
import ssl
import stat
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from documents import check_document
from machine import BIN, PASSWORD, ROOT, Machine
from namespace import ROOT_USER
from notebook_client import Notebook, asks_for_a_password_alone, logs_in
from sshd import free_port


def test_setup_on_this_machine_twice(here: Machine) -> None:
    said = here.ok("setup", password=None)
    assert f"https://localhost:{here.port}/" in said
    password = said.split("Password: ")[1].split()[0]
    notebook = Notebook(here.port, here.folder)
    assert not notebook.logs_in("wrong horse battery")
    assert notebook.logs_in(password)
    assert notebook.get("/api/contents?content=0")["path"] == ""
    assert {stat.S_IMODE((here.folder / name).stat().st_mode) for name in here.files()} == {0o600}
    assert stat.S_IMODE(here.folder.stat().st_mode) == 0o700
    before = here.files()
    again = here.ok("setup", password=None)
    assert "nothing changed" in again
    assert "Password" not in again
    assert here.files() == before
    assert "nothing would change" in here.ok("plan", password=None)


def test_profiles_whose_names_differ_in_their_capitals_are_two(here: Machine) -> None:
    here.ok("setup", "--profile", "GPU2")
    assert (here.folder.parent / "GPU2/nbserver.pem").exists()
    assert "nothing changed" in here.ok("setup", "--profile", "GPU2")
    assert here.json("status", "--profile", "GPU2")["state"]["running"]
    assert "not running" in here.fails("status", "--profile", "gpu2")
    here.ok("stop", "--profile", "GPU2")


def test_the_directory_is_where_it_was_started_or_the_one_asked_for(here: Machine) -> None:
    (here.work / "seen.txt").touch()
    here.ok("serve")
    assert [item["name"] for item in Notebook(here.port, here.folder, PASSWORD).get("/api/contents")["content"]] == [
        "seen.txt"
    ]
    odd = here.work / '-o\'dd "näme"'
    odd.mkdir()
    (odd / "inside.txt").touch()
    here.ok("serve", f"--directory={odd}")
    items = Notebook(here.port, here.folder, PASSWORD).get("/api/contents")["content"]
    assert [item["name"] for item in items] == ["inside.txt"]


def test_setup_on_a_host_twice_costs_one_connection_and_one_exec(there: Machine) -> None:
    assert there.sshd
    first = there.ok("setup")
    assert f"https://127.0.0.1:{there.port}/" in first
    assert (there.sshd.connections, len(there.sshd.commands)) == (1, 2)
    assert logs_in(there.port, there.folder, PASSWORD)
    second = there.ok("setup")
    assert "box: nothing changed" in second
    assert (there.sshd.connections, len(there.sshd.commands)) == (2, 3)
    assert "box: nothing would change" in there.ok("plan")
    status = there.json("status")
    assert status["state"]["running"]
    assert status["state"]["attach"] == f"tmux -S {there.socket} attach -t nbserver"
    assert "end the server" in there.ok("stop")
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(f"https://127.0.0.1:{there.port}/", timeout=5)
    assert "not running" in there.fails("status")
    assert not list((there.folder / "runtime").glob("*.json"))


def test_the_steps_one_by_one_are_the_setup(here: Machine) -> None:
    for step in ("install", "password", "certificate", "profile", "config"):
        assert "changed" in here.ok(step)
    plan = here.json("plan")
    assert {change["step"] for change in plan["changes"]} == {"server"}
    assert ("once started, the server runs as root (--allow-root)" in here.ok("plan")) == ROOT_USER
    assert ("the server runs as root (--allow-root)" in here.ok("serve")) == ROOT_USER
    assert "as root" not in here.ok("serve") + here.ok("status")  # once is enough
    assert ("as root" in str(here.json("status")["notes"] if ROOT_USER else "")) == ROOT_USER
    assert "nothing would change" in here.ok("plan")


def test_a_kernel_of_the_profile_plots_inline(served: Machine) -> None:
    specs = Notebook(served.port, served.folder, PASSWORD).get("/api/kernelspecs")
    assert specs["default"] == "nbserver"
    assert specs["kernelspecs"]["nbserver"]["spec"]["argv"][-1] == "--profile=nbserver"


def test_another_address_waits_for_live_kernels(here: Machine) -> None:
    here.ok("serve")
    notebook = Notebook(here.port, here.folder, PASSWORD)
    kernel = notebook.post("/api/kernels", {"name": "nbserver"})["id"]
    new = "another horse battery"
    said = here.fails("setup", "--ip", "localhost")
    assert kernel[:8] in said
    assert "--restart" in said
    assert kernel in [running["id"] for running in notebook.get("/api/kernels")]
    # What needs no restart is done all the same: a certificate for one more name, and a new password.
    said = here.fails("setup", "--ip", "localhost", "--name", "lab.example.org", password=new)
    # The command as it was given, and what it lacks.
    assert f"inv -r {ROOT} setup --ip=localhost --name=lab.example.org --restart" in said
    names = subprocess.run(
        ["openssl", "x509", "-noout", "-ext", "subjectAltName", "-in", here.folder / "nbserver.pem"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "DNS:lab.example.org" in names
    assert ssl.get_server_certificate(("127.0.0.1", here.port)).strip() in (here.folder / "nbserver.pem").read_text()
    assert logs_in(here.port, here.folder, new)
    here.ok("setup", "--restart", "--ip", "localhost", "--name", "lab.example.org", password=new)
    assert logs_in(here.port, here.folder, new)
    assert "nothing changed" in here.ok("setup", "--ip", "localhost", "--name", "lab.example.org", password=new)


def test_stop_refuses_to_end_live_kernels_unasked(here: Machine) -> None:
    here.ok("serve")
    notebook = Notebook(here.port, here.folder, PASSWORD)
    kernel = notebook.post("/api/kernels", {"name": "nbserver"})["id"]
    said = here.fails("stop")
    assert kernel[:8] in said
    assert "--force" in said
    assert kernel in [running["id"] for running in notebook.get("/api/kernels")]
    assert "has ended" in here.ok("stop", "--force")
    children = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    assert kernel not in children
    assert "it does not run" in here.ok("stop")


def test_the_password_comes_from_standard_input_too(here: Machine) -> None:
    assert "begin or end with a blank" in here.fails(
        "serve", "--password-stdin", password=None, stdin="  blanks around it  \n", status=2
    )
    here.ok("serve", "--password-stdin", password=None, stdin="blänks \"in\" 'it' $HOME\n")
    assert logs_in(here.port, here.folder, "blänks \"in\" 'it' $HOME")
    # The other way to write the same letter, as some systems type it.
    assert "nothing changed" in here.ok("serve", password="bla\u0308nks \"in\" 'it' $HOME")


def test_users_own_settings_are_neither_read_nor_touched(here: Machine) -> None:
    own = {".jupyter/jupyter_server_config.py": "c.ServerApp.port = 1\n", ".jupyter/jupyter_config.json": "{broken"}
    own |= {".ipython/profile_default/ipython_config.py": "raise SystemExit\n", ".ipython/x": "x"}
    for name, text in own.items():
        (here.home / name).parent.mkdir(parents=True, exist_ok=True)
        (here.home / name).write_text(text)
    spec = here.home / ".local/share/jupyter/kernels/mine/kernel.json"
    spec.parent.mkdir(parents=True)
    spec.write_text(json.dumps({"argv": ["true"], "display_name": "Mine", "language": "python"}))
    here.ok("serve")
    assert "mine" in Notebook(here.port, here.folder, PASSWORD).get("/api/kernelspecs")["kernelspecs"]
    found = [path for place in (".jupyter", ".ipython") for path in (here.home / place).rglob("*") if path.is_file()]
    assert {str(path.relative_to(here.home)): path.read_text() for path in found} == own


@pytest.mark.parametrize("program", ["fab", "nbfab", "inv"])
def test_the_same_tasks_under_each_program(here: Machine, program: str) -> None:
    listed = subprocess.run(
        [program, "--list", *(("-r", str(ROOT)) if program != "nbfab" else ())],
        env=here.env,
        cwd=here.work,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    steps = ("install", "password", "certificate", "profile", "config")
    for task in (*steps, "serve", "setup", "plan", "status", "stop", "remove"):
        assert f"\n  {task} " in listed


def test_nbfab_without_a_host_is_this_machine(here: Machine) -> None:
    here.program = "nbfab"
    assert here.json("plan")["host"] == "this machine"


@pytest.mark.parametrize("hosts", [[], ["-H", ""], ["-H", ","], ["-H", "a,,b"], ["-H", "-oProxyCommand=touch x"]])
def test_fab_without_a_host_refuses(tmp_path: Path, hosts: list[str]) -> None:
    machine = Machine(tmp_path)
    root = ROOT
    result = subprocess.run(
        ["fab", *hosts, "setup"], env=machine.env, cwd=root, capture_output=True, text=True, check=False
    )
    assert result.returncode == 2
    assert "host" in result.stderr
    assert "Traceback" not in result.stderr
    assert not machine.folder.exists()


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["--port", "0"], "port must be a whole number from 1 to 65535, not '0'"),
        (["--port", "http"], "port must be"),
        (["--ip", "everywhere"], "ip must be"),
        (["--app", "emacs"], "app must be notebook or lab"),
        (["--days", "9999"], "days must be"),
        (["--name", "not a name"], "name must be"),
        (["--profile", "../up"], "profile must be"),
        (["--directory", "a\nb"], "directory must be"),
    ],
)
def test_a_wrong_value_is_one_line_before_anything_is_contacted(tmp_path: Path, args: list[str], words: str) -> None:
    machine = Machine(tmp_path)
    said = machine.fails("setup", *args, status=2)
    assert words in said
    assert not machine.folder.exists()


def test_a_weak_password_is_refused(here: Machine) -> None:
    said = here.fails("setup", password="short", status=2)
    assert "at least 12 characters" in said
    assert "short" not in said.replace("nbfab", "")


def test_options_come_from_the_configuration_too(here: Machine) -> None:
    (here.home / ".invoke.yaml").write_text("nbfab: {profile: elsewhere, days: 10}\n")
    plan: dict[str, Any] = here.json("plan")
    assert plan["state"]["folder"].endswith("/elsewhere")
    (here.home / ".invoke.yaml").write_text("nbfab: {colour: red}\n")
    assert "unknown option 'colour'" in here.fails("plan", status=2)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("tool", ["uv", "Debian's Python"])
def test_the_readme_s_first_command_in_a_fresh_clone(here: Machine, tmp_path: Path, tool: str) -> None:
    clone = here.home / "clone"
    subprocess.run(["git", "clone", "-q", ROOT, clone], check=True)
    (command,) = re.findall(r"(?m)^    (.* inv serve)$", (clone / "README.md").read_text())
    path = tmp_path / "bin"
    path.mkdir()
    for program in Path("/usr/bin").iterdir():
        if not re.match(r"(uv|pip)", program.name):
            (path / program.name).symlink_to(program)
    if tool == "uv":
        (path / "uv").symlink_to(BIN / "uv")
    elif subprocess.run(["/usr/bin/python3", "-c", "import tomllib"], capture_output=True, check=False).returncode:
        pytest.skip("/usr/bin/python3 is older than 3.11")
    cache = subprocess.run([BIN / "uv", "cache", "dir"], capture_output=True, text=True, check=True).stdout.strip()
    # With whatever leads to the package index.
    env = os.environ | here.env | {"UV_CACHE_DIR": cache, "PATH": f"{path}:/usr/sbin"}
    env.pop("VIRTUAL_ENV", None)
    env.pop("NBFAB_PYTHON")
    done = subprocess.run(
        command, shell=True, cwd=clone, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=800
    )
    assert done.returncode == 0, done.stderr
    assert f"https://localhost:{here.port}/" in done.stdout
    assert logs_in(here.port, here.folder, done.stdout.split("Password: ")[1].split()[0])


def test_fab_s_own_options_count(there: Machine) -> None:
    assert there.sshd
    text = there.sshd.config.read_text()
    there.sshd.config.write_text("".join(line for line in text.splitlines(True) if "IdentityFile" not in line))
    fab = ["fab", "-S", str(there.sshd.config), "-H", "box"]

    def run(*args: str) -> subprocess.CompletedProcess[str]:
        root = ROOT
        return subprocess.run(
            [*fab, *args], env=there.env, cwd=root, stdin=subprocess.DEVNULL, capture_output=True, text=True
        )

    assert "permission denied" in run("plan").stderr
    assert run("-i", str(there.sshd.identity), "plan").returncode == 0
    with socket.create_server(("127.0.0.1", 0)) as silent:
        there.sshd.write_config(f"Host box\n  Port {silent.getsockname()[1]}\n")
        assert "within 1 seconds" in run("-t", "1", "plan").stderr


def test_where_the_way_from_here_is_closed_open_is_named(host: Callable[..., Machine], tmp_path: Path) -> None:
    # From the host itself the server answers; from here its name leads to another machine, which does not.
    machine = host()
    assert machine.sshd
    port = machine.sshd.port
    machine.sshd.write_config(f"Host box\n  HostName 127.0.0.9\n  ProxyCommand socat - TCP:127.0.0.1:{port}\n")
    machine.sshd.known_hosts.write_text(machine.sshd.known_line(machine.sshd.host_keys[0], f"[127.0.0.9]:{port}"))
    for task in ("setup --ip 127.0.0.1", "setup", "serve", "config", "status", "plan"):
        said = machine.ok(*task.split())
        assert f"https://127.0.0.9:{machine.port}/ cannot be reached from here" in said, task
        assert "; it listens on 127.0.0.1 only\n" in said
        assert f"               fab -S {machine.sshd.config} -H box open" in said
        assert said.splitlines()[-1] == f"  open         https://127.0.0.9:{machine.port}/"


def test_a_password_from_standard_input_is_for_all_hosts_of_the_run(there: Machine) -> None:
    assert there.sshd
    port, key = there.sshd.port, there.sshd.host_keys[0]
    there.sshd.write_config(f"Host other\n  HostName localhost\n  Port {port}\n  IdentityFile {there.sshd.identity}\n")
    there.sshd.known_hosts.write_text(
        there.sshd.known_line(key, f"[127.0.0.1]:{port}") + there.sshd.known_line(key, f"[localhost]:{port}")
    )
    command = ["fab", "-S", str(there.sshd.config), "-H", "box,other", "password", "--password-stdin", "--json"]
    text = "from the canary's mouth\n"
    done = subprocess.run(command, input=text, env=there.env, cwd=ROOT, capture_output=True, text=True, check=False)
    assert [host["verdict"] for host in json.loads(done.stdout)["hosts"]] == ["changed", "unchanged"], done.stderr
    assert "there is no password on standard input" in there.fails(
        "password", "--password-stdin", password=None, status=2
    )


def test_several_hosts_follow_the_rules_of_a_fleet(there: Machine) -> None:
    assert there.sshd
    there.sshd.write_config("Host odd\n  ProxyCommand socat - TCP:127.0.0.1:1\n")
    inventory = there.work / "hosts.yaml"
    inventory.write_text("hosts: {box: {}, odd: {password_env: NOT_SET}}\n")
    command = [f"{BIN}/nbfab", "-S", str(there.sshd.config), "-H", "box,odd", "password", "--json"]

    def run() -> tuple[int, dict[str, Any]]:
        done = subprocess.run(command, env=there.env, cwd=there.work, capture_output=True, text=True, check=False)
        document = json.loads(done.stdout)
        check_document(document)
        return done.returncode, document

    # A wrong entry is found before any host is contacted.
    status, document = run()
    assert (status, document["hosts"], document["status"]) == (2, [], 2)
    assert "NOT_SET, which holds the password of odd, is not set" in document["error"]
    assert there.sshd.connections == 0
    # A host that cannot be reached costs no other its turn, and generated passwords are in a file.
    inventory.write_text("hosts: {box: {}, odd: {}}\n")
    status, document = run()
    assert status == 1
    assert [(host["host"], host["verdict"]) for host in document["hosts"]] == [
        ("box", "changed"),
        ("odd", "not reached"),
    ]
    assert document["hosts"][0]["password"] is None
    with open(document["passwords"]) as file:
        assert [row["host"] for row in csv.DictReader(file)] == ["box"]


def test_plan_tells_of_a_given_password_too(served: Machine) -> None:
    assert "nothing would change" in served.ok("plan")
    assert "the hash of the new password" in served.ok("plan", password="another canary horse")


def test_an_environment_is_meant_from_where_it_was_typed(here: Machine) -> None:
    (here.work / "env").symlink_to(Path(sys.executable).parents[1])
    assert f"{here.work}/env/bin/python" in here.ok("install", "--python", "./env")


def test_nbfab_reads_the_configuration_of_its_folder_and_runs_nothing_of_it(here: Machine) -> None:
    (here.work / "fabric.yaml").write_text("nbfab: {profile: fromhere}\n")
    (here.work / "fabric.py").write_text("raise SystemExit('run')\n")
    here.program = f"{BIN}/nbfab"
    assert here.json("plan")["state"]["folder"].endswith("/fromhere")


def test_the_login_page_asks_for_the_password_alone(served: Machine) -> None:
    assert asks_for_a_password_alone(served.port, served.folder)


@pytest.mark.parametrize("args", [("plan",), ("status", "--json"), ("fleet.plan",), ("fleet.page",)])
def test_a_reader_that_has_seen_enough_ends_it_without_a_word(here: Machine, args: tuple[str, ...]) -> None:
    (here.work / "hosts.yaml").write_text(f"hosts: {{a: {{address: 127.0.0.1, ssh_port: {free_port()}}}}}\n")
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        here.command(*args), stdout=writing, stderr=subprocess.PIPE, text=True, env=here.env, cwd=here.work, check=False
    )
    os.close(writing)
    assert "Error" not in done.stderr
    assert "Traceback" not in done.stderr
    assert done.returncode == 141
