"""What only Ansible can read: INI, scripts, plugins, folders. The program `ansible-inventory` is run; never imported.

Its plugins and scripts run as code, so it is run only for a file that the user has named.
"""

import contextlib
import json
import os
import shlex
import shutil
import signal
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from nbfab.errors import UsageError
from nbfab.fix import Command, Fix
from nbfab.inventory import ansible_config
from nbfab.text import clean

PROGRAM = "ansible-inventory"
TIMEOUT = 300  # seconds; a plugin may have to ask a cloud
YAML = (".yaml", ".yml", ".json")  # what Ansible reads as YAML

Listed = Mapping[str, Any]


def is_config(path: Path) -> bool:
    """Whether a file is an ansible.cfg, whose own inventory is meant."""
    return path.name in (ansible_config.NAME, f".{ansible_config.NAME}")


def kind(path: Path) -> str:
    """What a file is that only Ansible can read, as far as that can be told without reading all of it; or empty."""
    if path.is_dir():
        return "a folder"
    if is_config(path):
        return "Ansible's configuration"
    if path.is_file() and os.access(path, os.X_OK):
        with contextlib.suppress(OSError), path.open("rb") as file:
            return "a program" if file.read(2) == b"#!" else ""
    return ""


def listed(path: Path, what: str, says: Callable[[str], None]) -> tuple[Listed, list[str]]:
    """What Ansible finds in an inventory that is `what`, as `--list` prints it, and what it warns of.

    Raises UsageError, in Ansible's own words.
    """
    program = shutil.which(PROGRAM)
    if program is None:
        shown = what if what.startswith("not") else f"{what}, not YAML"
        raise UsageError(
            f"{path} is {shown}, and {PROGRAM}, which can read it, is not on PATH",
            "where Ansible is installed",
            *by_hand(path),
        )
    if is_config(path) and not ansible_config.names_inventory(path):
        raise UsageError(f"{path} names no inventory", "name one there: [defaults] inventory = FILE")
    env = {**os.environ, "ANSIBLE_NOCOLOR": "1", "ANSIBLE_INVENTORY_UNPARSED_FAILED": "1"}
    env |= {"ANSIBLE_CONFIG": str(path.absolute())} if is_config(path) else {}
    source = () if is_config(path) else (f"--inventory={path.absolute()}",)
    says(f"{path} is {what}: {PROGRAM} reads it, which runs Ansible's plugins")
    printed, errors = _run([program, *source, "--list"], env, _typed(path))
    try:
        found = json.loads(printed, parse_float=str, parse_constant=str, parse_int=_number)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise UsageError(f"{path}: what {PROGRAM} prints is not JSON", Command(_typed(path)))
    return found, errors


def by_hand(path: Path) -> Fix:
    """How to turn an inventory into YAML."""
    target = "hosts.yaml" if path.absolute() != Path("hosts.yaml").absolute() else "inventory.yaml"
    return "where Ansible is installed", Command(f"{_typed(path)} --yaml > {target}")


def _typed(path: Path) -> str:
    file = shlex.quote(str(path))
    return f"ANSIBLE_CONFIG={file} {PROGRAM} --list" if is_config(path) else f"{PROGRAM} -i {file} --list"


def _run(command: list[str], env: Mapping[str, str], fix: str) -> tuple[str, list[str]]:
    """The output of a program, and the lines of its messages; whatever it has started ends with it.

    It has a session of its own, so that it asks no one for a password.
    """
    started = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=env,
        start_new_session=True,
    )
    try:
        printed, errors = started.communicate(timeout=TIMEOUT)
    except subprocess.TimeoutExpired:
        raise UsageError(f"{PROGRAM} took more than {TIMEOUT} seconds", Command(fix)) from None
    finally:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(started.pid, signal.SIGKILL)
        started.wait()
    lines = [line.strip() for line in clean(errors.decode(errors="replace")).splitlines() if line.strip()][:40]
    if started.returncode:
        first = next((number for number, line in enumerate(lines) if line.startswith(("ERROR!", "[ERROR]"))), 0)
        words = " ".join([*lines[first:], *lines[:first]])[:1000]
        raise UsageError(f"{PROGRAM}: {words or f'it exited with {started.returncode}'}", Command(fix))
    return printed.decode(errors="replace"), lines


def _number(digits: str) -> int | str:
    return int(digits) if len(digits) < 16 else digits
