"""What `doctor` suggests is typed, and then nothing is found any more."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from machine import Machine
from planted import ENDED


def kernel(machine: Machine) -> None:
    """A kernel whose program is gone."""
    folder = machine.home / ".local/share/jupyter/kernels/old one"
    folder.mkdir(parents=True)
    (folder / "kernel.json").write_text(json.dumps({"argv": ["/opt/gone/bin/python"]}))


def overrides(machine: Machine) -> None:
    """A file of Jupyter's own, beside what nbfab has written."""
    (machine.folder / "jupyter").mkdir(exist_ok=True)
    (machine.folder / "jupyter/jupyter_config.py").write_text("c.ServerApp.allow_origin = '*'\n")


def left(machine: Machine) -> None:
    """What a server that was killed has left."""
    (machine.folder / f"runtime/jpserver-{ENDED}.json").write_text("{}")


def lock(machine: Machine) -> None:
    """The lock of a run that was cut."""
    (machine.folder / "lock").mkdir()
    (machine.folder / "lock/holder").write_text(f"{ENDED} 1\n")


def exposed(machine: Machine) -> None:
    """A key that others can read."""
    (machine.folder / "nbserver.pem").chmod(0o644)


def by_hand(machine: Machine) -> None:
    """A configuration that was changed by hand."""
    file = machine.folder / "jupyter_server_config.py"
    file.write_text(file.read_text() + "c.ServerApp.allow_origin = '*'\n")


def stopped(machine: Machine) -> None:
    """A server that was stopped."""
    machine.ok("stop")


@pytest.mark.parametrize("plant", [kernel, overrides, left, lock, exposed, by_hand, stopped])
def test_a_fix_is_typed_and_nothing_is_found_any_more(served: Machine, plant: Callable[[Machine], None]) -> None:
    assert served.json("doctor")["verdict"] == "healthy"
    plant(served)
    outcome = served.json("doctor")
    assert outcome["verdict"] == "faulty"
    for part in outcome["fix"]:
        if "command" in part:
            assert part["on"] == "", part
            typed = subprocess.run(
                ["/bin/sh", "-c", part["command"]],
                env=served.env,
                cwd=served.work,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=240,
                check=False,
            )
            assert typed.returncode == 0, (part, typed.stdout, typed.stderr)
    again = served.json("doctor")
    assert again["verdict"] == "healthy", again["error"]


def test_this_machine_has_no_connection_to_check(served: Machine, tmp_path: Path) -> None:
    output = served.ok("doctor", f"--bundle={tmp_path / 'bundle.txt'}")
    assert output.startswith("this machine: nothing found\n")
    assert "login" not in output
    assert "port" in output
    refused = served.fails("doctor", "--bundle=/nowhere/bundle.txt", status=2)
    assert "--bundle: /nowhere is no folder that you can write to" in refused
    bundle = (tmp_path / "bundle.txt").read_text()
    assert str(served.home) not in bundle
    assert (tmp_path / "bundle.txt").stat().st_mode & 0o777 == 0o600
