"""Open, as one of several commands on a machine: what runs already, in the background, and for other tasks."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from documents import check_document
from machine import BIN, PASSWORD, ROOT, Machine
from notebook_client import Notebook
from opened import opened
from processes import children, lives
from sshd import wait_until


@pytest.fixture
def there(there: Machine) -> Iterator[Machine]:
    """A host where the server runs, and a laptop whose browser writes down what it is started with."""
    there.program = "nbfab"
    there.env |= {"XDG_STATE_HOME": str(there.work / "state")}
    there.ok("setup")
    yield there
    there.run("close")


def state(there: Machine) -> Path:
    return there.work / "state/nbfab"


def listed(there: Machine) -> list[dict[str, Any]]:
    """What `open --list` says is open."""
    document = json.loads(there.run("open", "--list", "--json").stdout)
    check_document(document)
    return list(document["open"])


def logins(there: Machine) -> int:
    assert there.sshd
    return there.sshd.log.count("Accepted publickey")


def left(there: Machine, folder: str) -> list[str]:
    """Files and processes of a near end: there should be none after it."""
    found = [name for name in os.listdir(state(there) / "open") if not name.endswith(".log")]
    held = [pid for pid in map(int, filter(str.isdigit, os.listdir("/proc"))) if folder in command_line(pid)]
    return [*found, *map(str, held), *([folder] if os.path.exists(folder) else [])]


def command_line(pid: int) -> str:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_text(errors="replace")
    return ""


def folder_of(there: Machine) -> str:
    """The private folder of the near end that runs."""
    (record,) = (state(there) / "open").glob("*.json")
    assert record.stat().st_mode & 0o777 == 0o600
    assert record.parent.stat().st_mode & 0o777 == 0o700
    return str(json.loads(record.read_text())["folder"])


def test_a_second_open_is_done_by_the_first(there: Machine) -> None:
    with opened(there, "--no-browser") as page:
        port = page.port
        before = logins(there)
        again = there.json("open", "--no-browser")
        assert (again["verdict"], again["url"]) == ("running", f"https://localhost:{port}/")
        assert "it is open already" in again["notes"]
        assert f"https://localhost:{port}/" in there.ok("open", "--no-browser")
        assert logins(there) == before, "no connection is made for that"
        (one,) = listed(there)
        assert (one["host"], one["profile"], one["link"], one["pid"]) == ("box", "nbserver", "up", page.process.pid)
        folder = folder_of(there)
        assert page.close() == 0
    assert left(there, folder) == []
    with opened(there, "--no-browser") as page:
        assert page.port == port, "cookies and bookmarks hold for that port"


def test_in_the_background(there: Machine) -> None:
    said = there.ok("open", "--background", "--no-browser")
    assert "close" in said
    (one,) = listed(there)
    port = int(one["url"].rpartition(":")[2].strip("/"))
    assert Notebook(port, there.folder, PASSWORD).get("/api")["version"]
    assert one["url"] in there.ok("open", "--list")
    folder = folder_of(there)
    (log,) = (state(there) / "open").glob("*.log")
    assert log.stat().st_mode & 0o777 == 0o600
    assert there.sshd
    there.sshd.cut()
    wait_until(lambda: "connected again" in log.read_text(), "the log to say that the link is there again")
    before = there.sshd.connections
    assert there.json("close")["verdict"] == "changed"
    assert there.sshd.connections == before
    wait_until(lambda: not lives(one["pid"]), "its process to be gone")
    assert left(there, folder) == []
    assert listed(there) == []
    closed = there.json("close")
    assert (closed["verdict"], closed["notes"]) == ("unchanged", ["it is not open"])
    assert there.json("status")["state"]["running"]


def test_the_background_is_not_reached_without_a_link(there: Machine) -> None:
    """What is looked at goes over a connection of its own; after that, the host lets no one in any more."""
    assert there.sshd
    keys = there.sshd.folder / "authorized_keys"
    wrong = there.work / "ssh"
    wrong.write_text(
        '#!/bin/sh\ncase "$*" in *ControlMaster=yes*) echo refused >&2; exit 255;; esac\nexec /usr/bin/ssh "$@"\n'
    )
    wrong.chmod(0o755)
    said = there.fails("open", "--background", "--no-browser", PATH=f"{there.work}:{there.env['PATH']}")
    assert "not connected: refused" in said
    assert listed(there) == []
    assert keys.exists()


def test_a_second_open_sees_to_a_server_that_was_restarted(there: Machine) -> None:
    with opened(there, "--no-browser") as page:
        assert page.port
        there.ok("restart", "--force")
        said = there.ok("open", "--no-browser")
        assert "looking" in said or "running" in said
        assert "it is open already" in said
        before = there.sshd.commands if there.sshd else []
        assert there.json("open", "--no-browser")["url"] == f"https://localhost:{page.port}/"
        assert there.sshd
        assert there.sshd.commands == before, "it knows the new server, and needs no look"


def test_a_second_open_says_that_the_link_is_down(there: Machine) -> None:
    with opened(there, "--no-browser") as page:
        port = page.port
        assert there.sshd
        there.sshd.stop()
        page.prints("trying again")
        assert [one["link"] for one in listed(there)] == ["down"]
        said = there.ok("open", "--no-browser")
        assert f"it is open already: https://localhost:{port}/" in said
        assert "its connection is down since" in said
        there.sshd.start()
        page.prints("connected again")
        assert [one["link"] for one in listed(there)] == ["up"]


@pytest.mark.parametrize("how", ["Control-C", "close"])
def test_it_can_be_ended_while_it_begins(there: Machine, how: str) -> None:
    """An ssh that never gets in; what is looked at goes another way."""
    slow = there.work / "ssh"
    slow.write_text('#!/bin/sh\ncase "$*" in *ControlMaster=yes*) exec sleep 300;; esac\nexec /usr/bin/ssh "$@"\n')
    slow.chmod(0o755)
    env = there.env | {"PATH": f"{there.work}:{there.env['PATH']}"}
    with subprocess.Popen(there.command("open", "--no-browser"), stdin=subprocess.DEVNULL, env=env) as process:
        wait_until(lambda: listed(there), "the near end")
        assert [one["link"] for one in listed(there)] == ["connecting"]
        folder = folder_of(there)
        if how == "close":
            there.ok("close")
        else:
            process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
    assert left(there, folder) == []


@pytest.mark.parametrize("program", ["nbfab", "fab", "inv"])
def test_the_list_takes_no_host(there: Machine, program: str) -> None:
    more = ["-r", str(ROOT)] if program != "nbfab" else []
    command = [str(BIN / program), *more, "open", "--list"]
    done = subprocess.run(command, capture_output=True, text=True, env=there.env, cwd=there.work, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "nothing is open\n", "")


def test_close_ends_one_in_the_foreground(there: Machine) -> None:
    with opened(there, "--no-browser") as page:
        assert page.port
        there.ok("close")
        assert page.process.wait(10) == 0


def test_other_tasks_go_over_its_connection(there: Machine) -> None:
    with opened(there, "--no-browser") as page:
        assert page.port
        before = logins(there)
        assert there.json("status")["state"]["running"]
        assert there.json("plan")["verdict"] == "unchanged"
        assert logins(there) == before
        there.ok("status", "--ssh", "paramiko")
        assert logins(there) == before + 1, "what was asked for counts"
        assert there.sshd
        there.sshd.cut()
        page.prints("connected again")
        before = logins(there)
        there.ok("status")
        assert logins(there) == before, "the new link is published"
        there.sshd.config.write_text(there.sshd.config.read_text() + "\n  ServerAliveInterval 7\n")
        there.ok("status")
        assert logins(there) == before + 1, "another command line is another login"


def test_a_hung_connection_delays_a_task_for_a_moment(there: Machine) -> None:
    with opened(there, "--no-browser") as page:
        assert page.port
        ssh = [pid for pid in children(page.process.pid) if "ControlMaster=yes" in command_line(pid)]
        os.kill(page.process.pid, signal.SIGSTOP)
        for pid in ssh:
            os.kill(pid, signal.SIGSTOP)
        try:
            began = time.monotonic()
            assert there.json("status")["state"]["running"]
            assert time.monotonic() - began < 30
        finally:
            for pid in [*ssh, page.process.pid]:
                os.kill(pid, signal.SIGCONT)


def test_a_port_that_another_program_has_taken(there: Machine) -> None:
    with opened(there, "--no-browser") as page:
        port = page.port
        assert page.close() == 0
    with socket.create_server(("127.0.0.1", port)), opened(there, "--no-browser") as page:
        assert page.port != port
        assert f"port {port} here, which box had before, is taken by another program" in page.said
        assert page.close() == 0
    with opened(there, "--no-browser") as page:
        assert page.port == port, "it is not forgotten"


def test_two_at_the_same_moment(there: Machine) -> None:
    with ThreadPoolExecutor() as pool:
        both = [pool.submit(there.run, "open", "--background", "--no-browser") for _ in range(2)]
        results = [one.result() for one in both]
    assert [one.returncode for one in results] == [0, 0], "".join(one.stdout + one.stderr for one in results)
    (one,) = listed(there)
    assert all(one["url"] in result.stdout for result in results)
    assert sorted("it is open already" in result.stdout for result in results) == [False, True]


def test_one_that_was_killed_leaves_nothing_that_hurts(there: Machine) -> None:
    with opened(there, "--no-browser") as page:
        port, folder = page.port, folder_of(there)
        ssh = children(page.process.pid)
        page.process.kill()
        page.process.wait()
    assert any(map(lives, ssh))
    with opened(there, "--no-browser") as page:
        assert page.port == port
        wait_until(lambda: not any(map(lives, ssh)), "the ssh of the first to be ended")
        assert not os.path.exists(folder)
        (one,) = listed(there)
        assert one["pid"] == page.process.pid


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it_and_all_of_it(there: Machine, number: signal.Signals) -> None:
    with opened(there, "--no-browser") as page:
        assert page.port
        folder = folder_of(there)
        page.process.send_signal(number)
        assert page.process.wait(20) == 0
    assert left(there, folder) == []
    assert there.json("status")["state"]["running"]


def test_a_record_of_ports_that_makes_no_sense(there: Machine) -> None:
    state(there).mkdir(parents=True, mode=0o700, exist_ok=True)
    (state(there) / "open.json").write_text('{"version": 1, "ports": [{"host": "box"')
    with opened(there, "--no-browser") as page:
        assert page.port
        assert "made no sense" in page.said
        assert (state(there) / "open.json.malformed").exists()


def test_json_is_a_document_and_then_events(there: Machine) -> None:
    out = there.work / "json"
    with out.open("wb") as file:
        process = subprocess.Popen(
            there.command("open", "--json", "--no-browser"), stdin=subprocess.DEVNULL, stdout=file, env=there.env
        )
    try:
        wait_until(lambda: out.read_text() or process.poll() is not None, "the document")
        assert there.sshd
        there.sshd.cut()
        wait_until(lambda: '"found"' in out.read_text(), "the link to be there again")
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
    first, *events = map(json.loads, out.read_text().splitlines())
    check_document(first)
    (host,) = first["hosts"]
    assert host["url"].startswith("https://localhost:")
    assert [event["event"] for event in events if event["event"] != "tried"] == ["lost", "found"]
    assert all(event["host"] == "box" for event in events)
