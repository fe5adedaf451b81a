"""Records the profiles that this release writes, for the tests of later ones. To be run at each release.

    .venv/bin/python tests/profiles/record.py

Takes Debian's package jupyter-notebook. What is recorded, and how, is in the README beside this.
"""

import json
import os
import shutil
import socket
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from nbfab import __version__
from nbfab.host import Here
from nbfab.look.facts import Facts
from nbfab.look.look import look
from nbfab.passwords import Password
from nbfab.plan.steps import STEPS, plan, request
from nbfab.run.converge import Course, make
from nbfab.run.job import Job
from nbfab.run.stop import stop
from nbfab.settings import Settings
from nbfab.wanted import Wanted

NOW = 1_790_000_000.0  # nbfab's clock in all of them
PASSWORD = "canary horse battery"  # as in tests/machine.py
FOUND = ("box", "192.0.2.7")  # the name and the address that a host finds of itself
VARIANTS: Mapping[str, Mapping[str, Any]] = {
    "modern": {},
    "classic": {"python": "/usr/bin/python3"},
    "chosen": {
        "ip": "127.0.0.1",
        "app": "lab",
        "python": sys.prefix,
        "names": ["extra.example.org"],
        "days": 90,
    },
}
PASSING = {"jupyter", "runtime", "server.log", "tmux.out", "lock"}  # what the server and tmux write, and a run at work


def record(variant: str, home: Path) -> None:
    """Sets up a server with that home folder, keeps what nbfab wrote, and ends the server."""
    os.environ |= {"HOME": str(home), "TMUX_TMPDIR": str(home)}
    os.environ.pop("XDG_DATA_HOME", None)
    directory = home / "notebooks"
    directory.mkdir()
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    chosen = {"port": port, "directory": str(directory), **VARIANTS[variant]}
    host = Here()
    job = Job("setup", host, Wanted(Settings.parse(chosen), host.names, NOW, Password(PASSWORD)))
    seen = _as_recorded(look(host, request(job.wanted, STEPS)))
    now = make(job, job.wanted, plan(job.wanted, seen, STEPS), seen, Course(job.user))
    try:
        left = plan(job.wanted, _as_recorded(now), STEPS)
        assert not left, left
        folder = Path(now.files.folder)
        python, package, *_ = (folder / "environment").read_text().splitlines()[2:]
        environment = str(Path(python).parent.parent)
        assert package.startswith(f"{environment}/lib/"), package
        assert now.server.started
        names = {
            str(folder): "@FOLDER@",
            str(directory): "@DIRECTORY@",
            environment: "@ENV@",
            str(port): "@PORT@",
            now.server.started.digest: "@DIGEST@",
        }
        kept = Path(__file__).parent / __version__ / variant
        shutil.rmtree(kept, ignore_errors=True)
        for file in folder.rglob("*"):
            path = file.relative_to(folder)
            if file.is_file() and path.parts[0] not in PASSING:
                text = file.read_text()
                _write(kept / f"{path}.in", text if path.suffix == ".pem" else _with_names(text, names))
        about = {"settings": chosen, "password": PASSWORD, "now": NOW, "found": FOUND}
        _write(kept.with_suffix(".json"), _with_names(json.dumps(about, indent=2) + "\n", names))
    finally:
        stop(replace(job, task="stop"))


def _as_recorded(facts: Facts) -> Facts:
    """The host with the clock and the names that are recorded, and without a `jupyter` of its own."""
    found = tuple(environment for environment in facts.environments.found if environment.source != "login")
    return replace(
        facts,
        host=replace(facts.host, clock=int(NOW), names=FOUND, addresses=()),
        environments=replace(facts.environments, found=found),
    )


def _with_names(text: str, names: Mapping[str, str]) -> str:
    """The text with names in the place of what differs between machines; the option for root is one too."""
    for value, name in names.items():
        text = text.replace(value, name)
    lines = [
        f"{line.removesuffix(' --allow-root')}@ROOT@" if line.startswith("run_server ") else line
        for line in text.split("\n")
    ]
    return "\n".join(lines)


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


if __name__ == "__main__":
    for each in VARIANTS:
        with tempfile.TemporaryDirectory(prefix="nbfab") as home:
            record(each, Path(home))
