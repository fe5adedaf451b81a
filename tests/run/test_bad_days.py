"""What goes wrong on a bad day: it is said clearly, nothing is lost, and the next run converges."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from disk import fill
from machine import PASSWORD, ROOT, Machine, wait_for_end
from notebook_client import Notebook, logs_in
from relay import BOTH, RELAY
from sshd import free_port, wait_until


def test_a_taken_port_names_who_has_it(here: Machine) -> None:
    with socket.create_server(("127.0.0.1", here.port)):
        said = here.fails("serve")
    assert f"port {here.port} is taken by process {os.getpid()}" in said
    assert "--port" in said
    here.ok("serve")


def test_a_pem_that_does_not_fit_is_replaced(here: Machine) -> None:
    here.ok("setup")
    pem = here.folder / "nbserver.pem"
    other = subprocess.run(
        ["openssl", "ecparam", "-genkey", "-name", "prime256v1", "-noout"], capture_output=True, text=True
    )
    certificate = "-----BEGIN CERT" + pem.read_text().split("-----BEGIN CERT")[1]
    pem.write_text(other.stdout + certificate)
    plan = here.ok("plan")
    assert "its key does not match" in plan
    pem.write_text("rubbish\n")
    assert "cannot be read" in here.ok("plan")
    # With rubbish for a PEM the server cannot answer; with the new one it does, without a restart.
    running = (here.folder / "started").read_text()
    here.ok("setup")
    assert (here.folder / "started").read_text() == running
    assert logs_in(here.port, here.folder, PASSWORD)
    assert "nothing changed" in here.ok("setup")


def test_a_broken_or_missing_configuration_never_starts_an_open_server(here: Machine) -> None:
    here.ok("setup")
    here.ok("stop")
    settings = here.folder / "jupyter_server_config.py"
    for damage in ("raise SystemExit(1)\n", "c.ServerApp.port = (\n"):
        settings.write_text(damage)
        with _run_by_hand(here) as script:
            assert script.wait(60) is not None
            assert not _listens(here.port), damage
            assert not _listens(8888), damage
    settings.write_text("")
    with _run_by_hand(here) as script:
        # Without the file's settings, the arguments alone still keep it closed: this port, TLS, a password.
        wait_until(lambda: _listens(here.port), "the server to listen")
        assert Notebook(here.port, here.folder).logs_in(PASSWORD)
        assert not Notebook(here.port, here.folder).logs_in("")
        assert not _listens(8888)
    settings.unlink()
    with _run_by_hand(here) as script:
        assert script.wait(60) is not None
        assert not _listens(here.port)
        assert not _listens(8888)
    here.ok("setup")
    assert logs_in(here.port, here.folder, PASSWORD)


@contextmanager
def _run_by_hand(machine: Machine) -> Iterator["subprocess.Popen[bytes]"]:
    """What tmux runs, outside of tmux; it and the server that it has started are ended then."""
    script = subprocess.Popen(
        ["sh", "run.sh"],
        cwd=machine.folder,
        env=machine.env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        yield script
    finally:
        if script.poll() is None:
            os.killpg(script.pid, signal.SIGTERM)
            script.wait(30)
        if machine.server:
            wait_for_end(machine.server)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_a_hash_that_is_broken_is_replaced(here: Machine) -> None:
    here.ok("password")
    (here.folder / "jupyter_server_config.json").write_text("{broken")
    here.ok("setup")
    assert logs_in(here.port, here.folder, PASSWORD)


def test_files_that_others_could_read_are_made_private(served: Machine) -> None:
    for name in ("nbserver.pem", "jupyter_server_config.json"):
        (served.folder / name).chmod(0o644)
    served.folder.chmod(0o755)
    served.ok("setup")
    assert [oct((served.folder / name).stat().st_mode)[-3:] for name in ("nbserver.pem", ".")] == ["600", "700"]


@pytest.mark.parametrize("target", ["nbserver.pem", "jupyter_server_config.json", "run.sh", "."])
def test_nothing_is_written_through_a_planted_symlink(here: Machine, target: str) -> None:
    elsewhere = here.home / "elsewhere"
    if target == ".":
        elsewhere.mkdir()
        here.folder.parent.mkdir(parents=True)
        here.folder.symlink_to(elsewhere)
    else:
        here.ok("profile")
        elsewhere.write_text("precious")
        (here.folder / target).symlink_to(elsewhere)
    said = here.fails("setup")
    assert "nbfab does not write through it" in said
    assert (list(elsewhere.iterdir()) == []) if elsewhere.is_dir() else (elsewhere.read_text() == "precious")


def test_a_generated_password_is_told_although_the_server_does_not_start(here: Machine) -> None:
    said = here.fails("setup", "--ip", "192.0.2.7", password=None)  # TEST-NET-1, no address of this machine
    assert "did not become ready" in said
    (password,) = re.findall(r"Password: (\S+)", said)
    assert "Password:" not in here.ok("setup", password=None)
    assert logs_in(here.port, here.folder, password)


def test_a_server_at_another_port_than_the_usual_one_is_stopped(served: Machine) -> None:
    other = str(free_port())
    served.ok("setup", "--profile", "second", "--port", other)
    assert "has ended" in served.ok("stop", "--profile", "second")
    assert logs_in(served.port, served.folder, PASSWORD)


def test_a_host_that_does_not_stop_talking_is_given_up(host: Callable[..., Machine], tmp_path: Path) -> None:
    shell = tmp_path / "chatty"
    shell.write_text("#!/bin/sh\nexec yes\n")
    shell.chmod(0o755)
    said = host(shell=str(shell)).fails("plan")
    assert "box: failed" in said
    assert "more than 8 MB" in said


def test_a_directory_that_does_not_exist(here: Machine) -> None:
    said = here.fails("setup", "--directory", "/no/such place")
    assert "the directory /no/such place does not exist" in said
    assert "mkdir -p '/no/such place'" in said


def test_a_read_only_home(host: Callable[..., Machine]) -> None:
    machine = host()
    data = machine.home / ".local/share"
    data.parent.mkdir()
    data.write_text("in the way")
    said = machine.fails("setup")
    assert "box: failed" in said
    assert str(data) in said


def test_a_full_disk_leaves_the_old_files_whole(host: Callable[..., Machine]) -> None:
    machine = host(disk="256k")
    assert machine.sshd
    machine.ok("certificate")
    before = machine.files()
    filler = machine.sshd.files / ".local/share/filler"
    with filler.open("wb", buffering=0) as file:
        fill(file)
    said = machine.fails("setup", "--name", "new.example.org")
    assert "No space left on device" in said or "KiB free" in said
    assert {name: text for name, (text, _) in machine.files().items()} == {
        name: text for name, (text, _) in before.items()
    }
    filler.unlink()
    machine.ok("certificate", "--name", "new.example.org")


@pytest.mark.parametrize("trouble", ["full", "read-only", "locked"])
def test_a_server_is_stopped_although_nothing_can_be_written(host: Callable[..., Machine], trouble: str) -> None:
    machine = host(disk="8m")
    assert machine.sshd
    machine.ok("setup")
    data = machine.sshd.files / ".local/share"
    inside = ["nsenter", "-m", "-t", str(machine.sshd.process.pid), "sh", "-c"]
    if trouble == "full":
        with (data / "filler").open("wb", buffering=0) as file:
            fill(file)
    elif trouble == "read-only":
        # Once more above itself: the log is open, so what is there cannot be made read-only.
        read_only = 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0"'
        subprocess.run([*inside, read_only, f"{machine.home}/.local/share"], check=True)
    else:
        (machine.folder / "lock").mkdir()
    said = machine.fails("setup", "--name", "new.example.org")
    assert {"full": "KiB free", "read-only": "is not writable", "locked": "another run"}[trouble] in said
    said = machine.ok("stop")
    assert "has ended; its port" in said
    assert ("its files cannot be removed" in said) == (trouble == "read-only")
    assert "it does not run" in machine.ok("stop")
    assert not _listens(machine.port)


def test_a_name_that_does_not_resolve_and_a_host_that_refuses(there: Machine) -> None:
    assert there.sshd
    there.sshd.write_config(f"Host box\n  Port {free_port()}\n")
    said = there.fails("setup")
    assert "box: not reached" in said
    assert "connection refused" in said
    assert re.search(r"ssh -v -F \S+ box true", said)
    there.sshd.write_config("Host box\n  HostName nowhere.invalid\n")
    assert "the name does not resolve" in there.fails("setup")


def test_several_hosts_of_which_one_is_out(there: Machine) -> None:
    assert there.sshd
    there.sshd.write_config(f"Host out\n  HostName 127.0.0.1\n  Port {free_port()}\n")
    command = ["fab", "-S", str(there.sshd.config), "-H", "out,box", "certificate"]
    result = subprocess.run(command, env=there.env, cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert "out: not reached" in result.stderr
    assert "box: changed" in result.stdout


def test_two_runs_at_once(there: Machine) -> None:
    there.folder.mkdir(parents=True)
    holder = subprocess.Popen(["sleep", "60"])
    try:
        start = Path(f"/proc/{holder.pid}/stat").read_text().rsplit(") ", 1)[1].split()[19]
        lock = there.folder / "lock"
        lock.mkdir()
        (lock / "holder").write_text(f"{holder.pid} {start}\n")
        said = there.fails("setup")
        assert f"another run of nbfab is at work there (process {holder.pid})" in said
        assert there.files() == {}
    finally:
        holder.kill()
        holder.wait()
    there.ok("setup")
    assert not lock.exists()


def test_a_stale_note_of_a_process_is_no_running_server(here: Machine) -> None:
    here.ok("setup")
    here.kill_server()
    # The number now belongs to another process, one that must not be ended.
    started = (
        (here.folder / "started").read_text().split()
        if (here.folder / "started").exists()
        else ["1", "1", "1", "x", "1"]
    )
    started[1] = str(os.getpid())
    (here.folder / "started").write_text(" ".join(started) + "\n")
    assert "it does not run" in here.ok("stop")
    here.ok("setup")
    assert logs_in(here.port, here.folder, PASSWORD)


def test_a_foreign_session_of_the_same_name_is_left_alone(here: Machine) -> None:
    here.ok("config")
    tmux = ["tmux", "-S", str(here.folder / "tmux"), "-f", "/dev/null"]
    subprocess.run([*tmux, "new-session", "-d", "-s", "nbserver", "sleep 300"], env=here.env, check=True)
    said = here.fails("setup")
    assert "the tmux session nbserver exists, and is not the server's" in said
    sessions = subprocess.run([*tmux, "ls"], env=here.env, capture_output=True, text=True, check=True).stdout
    assert "nbserver" in sessions


def test_a_connection_that_is_cut_midway_is_made_good_by_the_next_run(
    host: Callable[..., Machine], tmp_path: Path
) -> None:
    folder = Path(tempfile.mkdtemp(dir=tmp_path))
    shutil.copy(str(shutil.which("tmux")), folder / "tmux")
    slow = folder / "slow"
    waits = f'case "$*" in *new-session*) : >{folder}/waits; [ -e {folder}/go ] || sleep 5 ;; esac'
    slow.write_text(f'#!/bin/sh\n{waits}\nexec {folder}/tmux "$@"\n')
    slow.chmod(0o755)
    machine = host(replace={"/usr/bin/tmux": str(slow)})
    assert machine.sshd
    run = subprocess.Popen(
        machine.command("serve"),
        env=machine.env | {"NBFAB_PASSWORD": PASSWORD},
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    wait_until((folder / "waits").exists, "the server to be started")
    machine.sshd.cut()
    said, _ = run.communicate(timeout=60)
    assert run.returncode == 1
    assert "start the server" in said
    assert "Traceback" not in said
    (folder / "go").touch()
    # What was cut off may be at work for some seconds more, and says so to the next.
    wait_until(lambda: machine.run("serve").returncode == 0, "the next run to converge")
    assert "nothing changed" in machine.ok("setup")


def test_a_generated_password_is_told_although_the_connection_is_cut_before_a_word_of_it(there: Machine) -> None:
    # The program arrives, and nothing of what it says comes back.
    assert there.sshd
    relay = there.work / "relay.py"
    relay.write_text(RELAY)
    way = f"ProxyCommand {sys.executable} {relay} {there.sshd.port} {BOTH} {there.folder}/jupyter_server_config.json"
    there.sshd.write_config(f"Host box\n  {way}\n")
    said = there.fails("setup", password=None)
    assert "the connection was cut" in said
    assert "the password counts if the host got as far as that" in said
    (password,) = re.findall(r"Password: (\S+)", said)
    there.sshd.write_config()
    wait_until(lambda: there.run("setup", password=None).returncode == 0, "the next run to converge")
    assert logs_in(there.port, there.folder, password)


def test_another_ipython_profile_there_is_no_concern_of_ours(served: Machine) -> None:
    other = served.folder / "ipython/profile_work/ipython_kernel_config.py"
    other.parent.mkdir()
    other.write_text("# someone's own\n")
    assert "nothing changed" in served.ok("setup")


def test_the_servers_own_files_are_not_written_through_a_link(here: Machine) -> None:
    here.ok("config")
    precious = here.home / "precious"
    precious.write_text("precious")
    (here.folder / "tmux.out").symlink_to(precious)
    (here.folder / "server.log").symlink_to(here.home / "absent")
    here.ok("serve")
    assert precious.read_text() == "precious"
    assert not (here.home / "absent").exists()


def test_a_folder_that_is_a_link_is_not_written_through(here: Machine) -> None:
    here.ok("password")
    elsewhere = here.home / "elsewhere"
    elsewhere.mkdir()
    (here.folder / "share").symlink_to(elsewhere)
    assert "share is not a folder; nbfab does not write through it" in here.fails("setup")
    assert list(elsewhere.iterdir()) == []


def test_a_fifo_among_the_files_is_not_waited_for(here: Machine) -> None:
    here.ok("config")
    settings = here.folder / "jupyter_server_config.py"
    settings.unlink()
    os.mkfifo(settings)
    assert "is not a regular file" in here.fails("plan")


def test_more_windows_in_the_servers_session(here: Machine) -> None:
    here.ok("serve")
    tmux = ["tmux", "-S", str(here.socket)]
    subprocess.run([*tmux, "split-window", "-d", "-t", "nbserver", "sleep 100"], env=here.env, check=True)
    assert "attach -t nbserver" in here.ok("status")
    assert "its tmux session has more windows" in here.fails("stop")
    assert "not running" in here.fails("status")
    subprocess.run([*tmux, "kill-session", "-t", "nbserver"], env=here.env, check=True)
    here.ok("serve")


def test_a_server_whose_kernel_leaves_a_child_behind_is_stopped(here: Machine) -> None:
    here.ok("serve")
    spec = here.home / ".local/share/jupyter/kernels/leaves/kernel.json"
    spec.parent.mkdir(parents=True)
    command = f"setsid sleep 200 & echo $! >{here.home}/left; exec {sys.executable} -m ipykernel_launcher -f $0"
    spec.write_text(
        json.dumps({"argv": ["sh", "-c", command, "{connection_file}"], "display_name": "x", "language": "python"})
    )
    Notebook(here.port, here.folder, PASSWORD).post("/api/kernels", {"name": "leaves"})
    wait_until((here.home / "left").exists, "the kernel's child")
    try:
        assert "has ended with kernel" in here.ok("stop", "--force")
        here.ok("serve")
    finally:
        os.kill(int((here.home / "left").read_text()), signal.SIGTERM)


def test_clocks_that_are_days_apart(here: Machine) -> None:
    tools = here.home / "bin"
    tools.mkdir()
    real = shutil.which("date")
    (tools / "date").write_text(
        f'#!/bin/sh\n[ "$*" = +%s ] && echo $(($({real} +%s) - 3 * 86400)) || exec {real} "$@"\n'
    )
    (tools / "date").chmod(0o755)
    here.env["PATH"] = f"{tools}:{here.env['PATH']}"
    assert "the host's clock is 3.0 days behind" in here.ok("setup")
    assert "nothing changed" in here.ok("setup")
