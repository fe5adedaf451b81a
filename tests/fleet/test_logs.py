"""The logs of a fleet: in the order in which they were printed, or as they come."""

import json
import signal
import subprocess
from pathlib import Path

from sshd import wait_until
from sshd_fleet import Fleet


def write(profile: Path, *lines: str) -> None:
    """Adds lines to the log of a profile."""
    profile.mkdir(parents=True, exist_ok=True)
    with (profile / "server.log").open("a") as log:
        log.writelines(f"{line}\n" for line in lines)


def stamp(second: int) -> str:
    return f"2026-01-31T08:15:{second:02}.000000Z"


def test_lines_of_all_hosts_are_in_their_order_with_the_host_in_front(three: Fleet) -> None:
    write(three.profile("one"), f"{stamp(1)} a", f"{stamp(5)} e", "and more of it")
    write(three.profile("two"), f"{stamp(3)} c", f"{stamp(2)} b")
    three.known["three"] = ""
    three.write()
    done = three.run("logs")
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    assert [line.split()[0::2] for line in lines[:4]] == [["one", "a"], ["two", "b"], ["two", "c"], ["one", "e"]]
    assert "three" in done.stdout
    assert "1 not reached" in lines[-1]
    found = three.json("logs", "--limit=two")["two"]["state"]["log"]
    assert [line["text"] for line in found] == ["c", "b"]


def test_they_are_followed_at_once_and_control_c_ends_all(three: Fleet, tmp_path: Path) -> None:
    for name in three.hosts:
        write(three.profile(name), f"{stamp(1)} old of {name}")
    three.known["three"] = ""
    three.write()
    output = tmp_path / "output"
    with output.open("w") as out:
        run = subprocess.Popen(
            three.command("logs", "--follow", "--lines=1"),
            env=three.machine.env,
            cwd=three.work,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.PIPE,
            text=True,
        )
    wait_until(lambda: output.read_text().count("old") == 2 or run.poll() is not None, "what there is")
    for number in range(3):
        for name in ("one", "two"):
            last = f"{name}: line {number}"
            wait_until(lambda: run.poll() is None, "it to go on")
            write(three.profile(name), f"{stamp(10 + number)} line {number}")
            wait_until(lambda last=last: last in output.read_text() or run.poll() is not None, last)  # type: ignore[misc]
    run.send_signal(signal.SIGINT)
    _, said = run.communicate(timeout=30)
    assert run.returncode == 130
    expected = [f"{name}: line {number}" for number in range(3) for name in ("one", "two")]
    assert output.read_text().splitlines()[2:] == expected
    assert "three" in said
    assert "Traceback" not in said
    assert json.loads(three.run("logs", "--limit=one", "--json").stdout)["status"] == 0


def test_following_them_ends_once_no_one_reads_it(three: Fleet) -> None:
    for name in three.hosts:
        write(three.profile(name), f"{stamp(1)} old of {name}")
    with subprocess.Popen(
        three.command("logs", "--follow", "--lines=1"),
        env=three.machine.env,
        cwd=three.work,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as run:
        assert run.stdout
        assert run.stderr
        run.stdout.readline()
        run.stdout.close()
        write(three.profile("one"), f"{stamp(2)} one more")
        assert run.wait(30)  # also for the hosts that print nothing
        assert b"fault" not in run.stderr.read()
